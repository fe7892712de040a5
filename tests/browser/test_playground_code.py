"""The commands and programs that the page at ``/`` shows do what it does."""

import io
import json
import os
import shlex
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.acting import (
    NASTY,
    spoken,
    words_in,
)
from tests.browser.conftest import SAID, OpenPage
from tests.fakes.known import VOICES
from tests.fakes.listening import heard_in
from tests.fakes.server import RunningServer


def test_code_in_every_language_says_exactly_what_is_on_the_page(
    open_page: OpenPage, known: RunningServer, tmp_path: Path
) -> None:
    page = open_page(known.url)
    page.get_by_label("What to say").fill(NASTY)
    page.get_by_label("Voice").select_option("Katie")
    page.get_by_label("Speed").fill("1.25")
    codes = codes_of(page)

    run(codes["cartesia"], tmp_path)
    wanted = spoken(known)
    first = Path(tmp_path, "speech.wav").read_bytes()
    for language in ("curl", "Python"):
        run(codes[language], tmp_path)
        sent = spoken(known)
        assert (sent["transcript"], sent["generation_config"]) == (NASTY, {"speed": 1.25})
        assert sent["voice"] == VOICES[3].id
        assert samples_of(Path(tmp_path, "speech.wav")) == samples_of(io.BytesIO(first))
    assert (wanted["transcript"], wanted["generation_config"]) == (NASTY, {"speed": 1.25})
    assert wanted["voice"]["id"] == VOICES[3].id


def test_the_shell_reads_the_text_as_it_was_typed(open_page: OpenPage, known: RunningServer) -> None:
    page = open_page(known.url)
    for text in ("plain", "two words", "it's", '"$(rm -rf x)" `y`', "a\\b\\\n'c'\n", "!!", "--voice", " - "):
        page.get_by_label("What to say").fill(text)

        assert text in shlex.split(codes_of(page, "cartesia")["cartesia"])


def test_code_for_a_recording_runs(
    open_page: OpenPage, known: RunningServer, recording: Path, tmp_path: Path
) -> None:
    path = tmp_path / "it's; odd.wav"
    path.write_bytes(recording.read_bytes())
    page = open_page(known.url)
    page.get_by_label("Choose a file").set_input_files(path)
    expect(page.get_by_role("button", name="Copy text")).to_be_enabled()
    expected = heard_in(path.read_bytes())

    codes = codes_of(page)

    assert run(codes["cartesia"], tmp_path).splitlines()[0].endswith(expected.words[0].word)
    assert json.loads(run(codes["curl"], tmp_path))["text"] == expected.text
    assert run(codes["Python"], tmp_path).splitlines()[0] == expected.text


def test_code_for_the_microphone_runs(
    open_page: OpenPage, local: RunningServer, recording: Path, tmp_path: Path
) -> None:
    page = open_page(local.url)
    page.get_by_role("button", name="Use the microphone").click()
    page.get_by_role("button", name="Stop listening").click()
    expect(page.get_by_role("button", name="Use the microphone")).to_be_visible()
    codes = codes_of(page)
    sound = subprocess.run(
        ["sox", recording, "-t", "raw", "-r", "16000", "-e", "signed", "-b", "16", "-"],
        check=True,
        capture_output=True,
    ).stdout

    heard = run(codes["Python"], tmp_path, input=sound)

    assert words_in(heard) == words_in(SAID)
    assert codes["cartesia"].startswith("cartesia transcribe --live --mic ")
    assert codes["curl"].startswith("# ")


def test_the_tabs_are_walked_with_arrows(open_page: OpenPage, known: RunningServer) -> None:
    page = open_page(known.url)
    page.get_by_role("tab", name="cartesia").focus()

    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="curl")).to_be_focused()
    expect(page.get_by_role("tab", name="curl")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tabpanel", name="curl")).to_contain_text("curl -sS")
    page.keyboard.press("End")
    expect(page.get_by_role("tabpanel", name="Python")).to_contain_text("from cartesia import Cartesia")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="cartesia")).to_be_focused()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.locator("#copy-code")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#code code").inner_text()


def codes_of(page: Page, *languages: str) -> dict[str, str]:
    codes = {}
    for language in languages or ("cartesia", "curl", "Python"):
        page.get_by_role("tab", name=language).click()
        codes[language] = page.locator("#code code").evaluate("element => element.textContent")
    return codes


def run(code: str, folder: Path, **options: Any) -> str:
    """Run what was copied, in ``folder``, and return what it prints."""
    is_python = code.startswith(("from", "import", "#")) and "import Cartesia" in code
    command = [sys.executable, "-c", code] if is_python else ["bash", "-c", code]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # where our command is
    options["env"] = {**options.get("env", os.environ), "PATH": path}
    ran = subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=False, **options)
    assert ran.returncode == 0, ran.stderr.decode()
    return str(ran.stdout, "utf-8")


def samples_of(source: Path | io.BytesIO) -> bytes:
    with wave.open(str(source) if isinstance(source, Path) else source) as file:
        frames: bytes = file.readframes(10**9)
        return frames
