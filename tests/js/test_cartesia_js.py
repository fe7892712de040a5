"""Cartesia's client for JavaScript, as npm has it, and ``cartesia serve``: every method of the speech API.

What is tested is in the scripts beside this file, which are given nothing but the address of the server. Only
the socket for speech needs more: the client opens it as ``wss`` whatever the base URL is, so it is lent a
connection to the plain server, which is possible in Node and not in browsers.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

from tests.sdk.serving import served

HERE = Path(__file__).parent
ENVIRONMENT = dict(os.environ)  # before a test hides the user's own npm settings
CLIENTS = {"@cartesia/cartesia-js": "4.2.0", "cartesia-js-3": "3.5.1"}
"""The names under which package.json has two generations."""


def give_up(reason: str) -> NoReturn:
    """Skip where a tool is missing, but not in CI, which has it."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the scripts, in which the clients are installed."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        give_up("needs node and npm")
    folder = tmp_path_factory.mktemp("cartesia-js")
    for path in (*HERE.glob("*.mjs"), HERE / "package.json"):
        shutil.copy(path, folder)
    command = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=100)
    if done.returncode:
        give_up(f"npm cannot install the clients: {done.stderr[-500:]}")
    return folder


@pytest.mark.parametrize(("client", "version"), CLIENTS.items(), ids=CLIENTS.values())
def test_every_method_works_and_the_socket_for_speech_on_a_plain_connection(
    scripts: Path, client: str, version: str
) -> None:
    command = ["node", "--test", "--test-reporter=spec", "every.test.mjs"]
    with served() as url:
        done = subprocess.run(
            command,
            cwd=scripts,
            env={"PATH": os.environ["PATH"], "CLIENT": client, "CARTESIA_BASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    assert f'"version": "{version}"' in (scripts / "node_modules" / client / "package.json").read_text(
        "utf-8"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    counts = dict(re.findall(r"^\S (pass|fail|cancelled|skipped) (\d+)$", done.stdout, re.MULTILINE))
    assert int(counts.pop("pass")) > 20
    # Only the newest has accents.
    assert counts == {"fail": "0", "cancelled": "0", "skipped": "0" if version == "4.2.0" else "1"}
