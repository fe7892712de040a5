"""Every check that CI runs: ``nox``. One of them: ``nox -s tests -- -k srt``."""

from pathlib import Path

import nox

nox.needs_version = ">=2026.4"
nox.options.sessions = ["lint", "types", "layers", "generated", "wheel", "sdk2", "tests"]
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_external_run = True
nox.options.error_on_missing_interpreters = False  # nox says which it skipped

PYTHONS = ["3.11", "3.12", "3.13"]
SERVED = """
import subprocess, urllib.request
command = ["cartesia", "serve", "--port", "0", "-q"]
with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
    url = server.stdout.readline().strip()
    asked = urllib.request.Request(url, headers={"accept": "text/html"})
    assert b"playground" in urllib.request.urlopen(asked).read()
    assert b"openapi" in urllib.request.urlopen(f"{url}/openapi.json").read()
    assert b"speak" in urllib.request.urlopen(f"{url}/playground/page.js").read()
    server.terminate()
"""
"""What somebody finds who starts the server of a wheel."""

DRAWN = ["README.md"]
"""Files with parts that are generated from the program."""


@nox.session
def lint(session: nox.Session) -> None:
    """Format and lint; ``-- fix`` changes the files."""
    session.install("--group", "lint")
    fix = "fix" in session.posargs
    session.run("ruff", "check", *(["--fix"] if fix else []), ".")
    session.run("ruff", "format", *([] if fix else ["--check"]), ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly."""
    session.install("-e", ".[all]", "--group", "test", "--group", "lint", "nox")
    session.run("mypy")


@nox.session
def layers(session: nox.Session) -> None:
    """Check that imports point downwards."""
    session.install("-e", ".[all]", "--group", "lint")
    session.run("lint-imports")


@nox.session
def generated(session: nox.Session) -> None:
    """Check that help, completions, manual and documents are the program's; ``-- fix`` writes them."""
    session.install("-e", ".", "--group", "lint")
    fix = "fix" in session.posargs
    for tool in ("draw_help", "draw_completions", "draw_man"):
        session.run("python", "-m", f"tools.{tool}", *([] if fix else ["--check"]))
    session.run("cog", *(["-r"] if fix else ["--check", "--diff"]), *DRAWN)


@nox.session
def wheel(session: nox.Session) -> None:
    """Build the wheel and run the main job from it, in an empty environment of each Python there is."""
    session.install("build")
    dist = Path(session.create_tmp(), "dist").absolute()
    session.run("python", "-m", "build", "--wheel", "--outdir", str(dist))
    for python in PYTHONS:
        session.notify(f"smoke-{python}", posargs=[str(dist)])


@nox.session(python=PYTHONS)
def smoke(session: nox.Session) -> None:
    """Install the built wheel, speak with the built-in engine, listen to what was said, and serve."""
    if not session.posargs:
        session.error("it needs the folder of the wheel: run nox -s wheel")
    (built,) = Path(session.posargs[0]).glob("*.whl")
    session.install("--force-reinstall", "--no-deps", str(built))
    session.install(f"{built}[local,serve]")
    with session.chdir(session.create_tmp()):
        session.run("cartesia", "--version")
        said = "Hello from the wheel of a ship."
        session.run("cartesia", "say", said, "-o", "hello.wav", "--timings", "hello.srt")
        session.run("python", "-c", f"assert {said!r} in open('hello.srt').read()")
        session.run("cartesia", "transcribe", "hello.wav", "-o", "heard.txt")
        session.run("python", "-c", "assert 'wheel of a ship' in open('heard.txt').read().lower()")
        session.run("python", "-c", SERVED)


@nox.session
def sdk2(session: nox.Session) -> None:
    """Run what needs the official client 2.0.17: the newest has its name. Arguments go to pytest."""
    session.install("-e", ".[local,serve]", "--group", "test-sdk2")
    # Alone: it wants httpx-sse 0.4.0, we a newer one. What else it needs is in the group.
    session.install("--no-deps", "cartesia==2.0.17")
    session.run("pytest", "tests/sdk2", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests; arguments go to pytest."""
    session.install("-e", ".[all]", "--group", "test")
    session.run("pytest", *(session.posargs or ["-n", "2"]))
