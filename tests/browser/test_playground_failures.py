"""The page at ``/`` when it is let down."""

import re
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.acting import (
    WORD_SECONDS,
    finish,
    is_heard,
    say,
    until,
)
from tests.browser.conftest import REFUSED, OpenPage
from tests.fakes.known import KnownSamples
from tests.fakes.server import RunningServer, running_server


def test_nothing_to_say_is_told_in_place(open_page: OpenPage, known: RunningServer) -> None:
    page = open_page(known.url)
    say(page, " \n")

    expect(page.locator("#speak [role=alert]")).to_have_text("Nothing to say Write something first.")
    expect(page.get_by_label("What to say")).to_be_focused()
    assert not [request for request in known.requests if "tts" in request.path]


def test_what_the_server_refuses_is_told_in_its_words(open_page: OpenPage, known: RunningServer) -> None:
    page = open_page(known.url, expected=REFUSED)
    say(page, "?!")

    alert = page.locator("#speak [role=alert]")
    expect(alert).to_have_text(re.compile(r"^Invalid transcript The transcript should not be empty"))
    say(page, "Better.")
    expect(alert).to_be_empty()


def test_speech_that_breaks_off_is_told(open_page: OpenPage) -> None:
    with running_server(KnownSamples(fail_after=3)) as server:
        page = open_page(server.url)

        say(page, "one two three four five")

        expect(page.locator("#speak [role=alert]")).to_have_text("Voice failure The voice broke.")
        until(page, "lit.length === 3")
        expect(page.locator("#download")).to_be_disabled()


def test_a_server_that_goes_away_is_told_while_it_plays_on(open_page: OpenPage) -> None:
    with ExitStack() as stack:
        server = stack.enter_context(running_server(KnownSamples(pace=4)))
        page = open_page(server.url, expected=REFUSED)
        say(page, "word " * 100)
        is_heard(page)
        stack.close()

    alert = page.locator("#speak [role=alert]")
    expect(alert).to_contain_text("The connection broke off")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Enter")
    expect(alert).to_contain_text("Nothing answers at http://127.0.0.1")


def test_a_server_that_cannot_listen_says_so(open_page: OpenPage, recording: Path) -> None:
    with running_server() as server:
        page = open_page(server.url, expected="ailed")
        alert = page.locator("#listen [role=alert]")

        page.get_by_label("Choose a file").set_input_files(recording)
        expect(alert).to_have_text("Not implemented This server does not transcribe.")

        page.get_by_role("button", name="Use the microphone").click()
        expect(alert).to_be_empty()
        expect(alert).to_have_text("Not implemented This server does not transcribe.")
        expect(page.get_by_role("button", name="Use the microphone")).to_be_visible()


def test_an_empty_file_and_one_that_is_gone_are_told(
    open_page: OpenPage, known: RunningServer, tmp_path: Path
) -> None:
    page = open_page(known.url, expected=REFUSED)
    alert = page.locator("#listen [role=alert]")
    empty, gone = tmp_path / "empty.wav", tmp_path / "gone.wav"
    empty.write_bytes(b"")
    gone.write_bytes(b"1")

    page.get_by_label("Choose a file").set_input_files(empty)
    expect(alert).to_have_text("Nothing to hear empty.wav is empty.")
    page.evaluate("File.prototype.slice = () => ({ arrayBuffer: () => Promise.reject(new Error()) })")
    page.get_by_label("Choose a file").set_input_files(gone)

    expect(alert).to_contain_text("The file cannot be read")


def test_a_microphone_that_cannot_be_had_is_told(open_page: OpenPage, known: RunningServer) -> None:
    page = open_page(known.url)
    for failure, told in (("NotAllowedError", "does not let this page"), ("NotFoundError", "There is none")):
        page.evaluate(
            """name => {
                 navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", name) };
               }""",
            failure,
        )

        page.get_by_role("button", name="Use the microphone").click()

        expect(page.locator("#listen [role=alert]")).to_contain_text(told)
        expect(page.get_by_role("button", name="Use the microphone")).to_be_visible()


def test_a_key_is_asked_for_and_kept_for_the_tab(open_page: OpenPage) -> None:
    with running_server(KnownSamples(WORD_SECONDS), keys=["sk_car_right"]) as server:
        page = open_page(server.url, expected="ailed", settle=False)
        expect(page.get_by_label("The server asks for a key.")).to_be_focused()

        page.keyboard.type("sk_car_wrong")
        page.keyboard.press("Enter")
        field = page.get_by_label("The server refuses this key.")
        expect(field).to_be_focused()
        page.keyboard.type("sk_car_right")
        page.keyboard.press("Enter")
        expect(field).to_be_hidden()
        page.wait_for_selector("#voice option", state="attached")
        expect(page.locator("#speak [role=alert]")).to_be_empty()
        say(page)
        finish(page)
        assert any(
            (request.path, request.headers.get("authorization")) == ("/tts/sse", "Bearer sk_car_right")
            for request in server.requests
        )

        page.reload()
        page.wait_for_selector("#voice option", state="attached")
        expect(page.locator("#key-form")).to_be_hidden()
        page.get_by_role("tab", name="curl").click()
        code = page.locator("#code code").inner_text()
        assert "Bearer $CARTESIA_API_KEY" in code
        assert "sk_car_right" not in page.content()
        page.get_by_role("button", name="Use the microphone").click()
        expect(page.locator("#listen [role=alert]")).to_contain_text("Not implemented")
        sockets = [request for request in server.requests if request.path == "/stt/websocket"]
        assert sockets[-1].query["api_key"] == ["sk_car_right"]
