"""How the page at ``/`` and its parts are served."""

import re
from pathlib import Path

import httpx

from cartesia_cli.server import playground
from cartesia_cli.server.playground import ASSETS
from cartesia_cli.wire.version import API_VERSION
from tests.fakes.known import KnownSamples
from tests.fakes.server import RunningServer, running_server

PAGE = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
FOLDER = Path(playground.__file__).parent


def test_browsers_get_the_page_and_programs_the_status(known: RunningServer) -> None:
    as_browser = httpx.get(f"{known.url}/", headers=PAGE)
    assert as_browser.headers["content-type"] == "text/html; charset=utf-8"
    assert "<!doctype html>" in as_browser.text

    for accept in (
        "*/*",
        "application/json",
        "text/html;q=0.5, application/json",
        "application/json, */*",
        "",
    ):
        answer = httpx.get(f"{known.url}/", headers={"accept": accept})
        assert answer.json()["version"] == API_VERSION
        assert "accept" in answer.headers["vary"].lower()
    assert "accept" in as_browser.headers["vary"].lower()


def test_the_page_is_found_without_its_slash_too(local: RunningServer) -> None:
    answer = httpx.get(local.url, headers=PAGE)

    assert answer.status_code == 307
    assert httpx.get(local.url, headers=PAGE, follow_redirects=True).url.path == "/below/"


def test_everything_is_served_safely_and_to_everyone() -> None:
    with running_server(KnownSamples(), keys=["sk_car_secret"]) as server:
        page = httpx.get(f"{server.url}/", headers=PAGE)
        names = re.findall(r'"playground/([^"]+)"', page.text)
        assert {"style.css", "page.js", "icon.svg"} <= set(names)
        types = {
            "css": "text/css; charset=utf-8",
            "js": "text/javascript; charset=utf-8",
            "svg": "image/svg+xml",
        }
        answers = [page]
        for path in FOLDER.iterdir():
            if path.suffix in {".css", ".js", ".svg"}:
                answers.append(httpx.get(f"{server.url}{ASSETS}{path.name}"))
                assert answers[-1].headers["content-type"] == types[path.suffix[1:]]
                assert answers[-1].content == path.read_bytes()
        for answer in answers:
            assert answer.status_code == 200
            policy = answer.headers["content-security-policy"]
            assert policy.startswith("default-src 'none'; script-src 'self'")
            assert "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
            assert answer.headers["cross-origin-opener-policy"] == "same-origin"
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"
            again = httpx.get(answer.url, headers={**PAGE, "if-none-match": answer.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
        for missing in ("assets.py", "__init__.py", "%2e%2e%2fapp.py", "none.js"):
            assert httpx.get(f"{server.url}{ASSETS}{missing}").status_code == 404


def test_the_page_is_small_and_speaks_the_newest_version() -> None:
    sources = [path for path in FOLDER.iterdir() if path.suffix in {".html", ".css", ".js"}]

    lines = [line for path in sources for line in path.read_text("utf-8").splitlines(keepends=True)]
    code = [line for line in lines if not re.match(r"\s*(/\*|\*|//)", line)]
    assert sum(len(line.encode()) for line in code) < 60_000  # its comments are about a seventh more
    assert f'VERSION = "{API_VERSION}"' in (FOLDER / "server.js").read_text("utf-8")
    for path in sources:
        if path.suffix == ".js":
            assert max(map(len, path.read_text("utf-8").splitlines())) <= 110
