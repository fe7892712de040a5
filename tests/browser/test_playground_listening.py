"""The page at ``/`` transcribes: files, the microphone, and what it has spoken itself."""

import base64
from pathlib import Path

from playwright.sync_api import FileChooser, expect

from tests.browser.acting import (
    finish,
    say,
    until,
    words_in,
)
from tests.browser.conftest import SAID, OpenPage, wav
from tests.fakes.listening import heard_in
from tests.fakes.server import RunningServer


def test_a_dropped_file_becomes_words_that_can_be_heard(
    open_page: OpenPage, local: RunningServer, recording: Path
) -> None:
    page = open_page(local.url)

    page.evaluate(
        """async ([data, name]) => {
             const files = new DataTransfer();
             files.items.add(new File([Uint8Array.fromBase64?.(data) ?? Uint8Array.from(atob(data),
               (char) => char.charCodeAt(0))], name));
             for (const type of ["dragover", "drop"]) {
               document.body.dispatchEvent(new DragEvent(type, { dataTransfer: files, bubbles: true }));
             }
           }""",
        [base64.b64encode(recording.read_bytes()).decode(), "talk.wav"],
    )

    expect(page.get_by_role("button", name="Copy times")).to_be_enabled()
    assert words_in(page.locator("#heard").inner_text()) == words_in(SAID)
    page.locator("#heard [data-start]", has_text="next").click()
    until(page, "lit.includes('light.') || lit.includes('light')")
    assert words_in(" ".join(page.evaluate("lit"))) == ["next", "light"]
    assert "cartesia transcribe talk.wav --words" in page.locator("#code code").inner_text()


def test_a_chosen_file_can_be_transcribed_with_the_keyboard(
    open_page: OpenPage, known: RunningServer, tmp_path: Path
) -> None:
    path = tmp_path / "it's; odd.wav"
    path.write_bytes(wav("Stop."))
    page = open_page(known.url)
    choosers: list[FileChooser] = []
    page.on("filechooser", lambda chooser: choosers.append(chooser))  # noqa: PLW0108  it marks what it is given
    page.get_by_label("Choose a file").focus()

    page.keyboard.press("Enter")
    while not choosers:
        page.wait_for_timeout(10)
    choosers[0].set_files(path)
    expect(page.get_by_role("button", name="Copy text")).to_be_enabled()

    expected = heard_in(path.read_bytes())
    assert page.locator("#heard").evaluate("element => element.textContent") == expected.text
    page.get_by_role("button", name="Copy times").focus()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.keyboard.press("Enter")
    expect(page.locator("#copy-times")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "".join(f"{word.start:.3f}\t{word.end:.3f}\t{word.word}\n" for word in expected.words)


def test_what_was_spoken_can_be_transcribed(open_page: OpenPage, local: RunningServer) -> None:
    page = open_page(local.url)
    say(page, SAID)
    finish(page)

    page.get_by_role("button", name="Transcribe it").click()

    expect(page.get_by_role("button", name="Copy times")).to_be_enabled()
    assert words_in(page.locator("#heard").inner_text()) == words_in(SAID)


def test_the_microphone_is_understood_while_it_listens(open_page: OpenPage, local: RunningServer) -> None:
    page = open_page(local.url)

    page.get_by_role("button", name="Use the microphone").click()
    expect(page.locator("#heard")).to_contain_text("left", timeout=20_000)
    expect(page.locator("#heard")).to_contain_text("light", timeout=20_000)
    page.get_by_role("button", name="Stop listening").click()
    expect(page.get_by_role("button", name="Use the microphone")).to_be_visible()
    expect(page.get_by_role("button", name="Copy times")).to_be_enabled()

    heard = words_in(page.locator("#heard").inner_text())
    assert [word for word in heard if not word.isdigit()] == words_in(SAID)
    assert local.requests[-1].query["sample_rate"] == ["16000"]
    assert local.requests[-1].query["encoding"] == ["pcm_s16le"]
    page.locator("#heard [data-start]").last.click()
    until(page, "lit.length > 0")
