"""The page at ``/`` speaks: what it plays, what it lights, and what it saves."""

import io
import wave
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.browser.acting import (
    NASTY,
    WORD_SECONDS,
    finish,
    is_heard,
    is_silent,
    say,
    spoken,
    until,
)
from tests.browser.conftest import OpenPage
from tests.fakes.known import KnownSamples
from tests.fakes.server import RunningServer, running_server

TEXT = "The first sentence is short. Then comes another one, which says a little more."


def test_words_light_up_in_order_while_they_sound(open_page: OpenPage, local: RunningServer) -> None:
    page = open_page(local.url)
    page.get_by_label("What to say").fill(TEXT)
    page.get_by_label("Voice").select_option("tenor – Light male voice")

    page.keyboard.press("Control+Enter")
    is_heard(page)
    finish(page)

    assert list(dict.fromkeys(page.evaluate("lit"))) == list(dict.fromkeys(TEXT.split()))
    assert spoken(local)["voice"] == page.get_by_label("Voice").input_value()
    assert page.locator("#spoken").inner_text() == TEXT
    assert page.locator("#spoken .said").count() == len(TEXT.split())
    numbers = {
        name: float(page.locator(f"#{name}").inner_text().split()[0])
        for name in ("first-byte", "first-sound", "length", "made-in")
    }
    assert 0 < numbers["first-byte"] <= numbers["first-sound"] < 10_000
    assert 3 < numbers["length"] < 12


def test_the_light_is_where_the_sound_is(open_page: OpenPage, known: RunningServer) -> None:
    page = open_page(known.url)
    page.get_by_label("What to say").fill("one two three four five six")
    page.evaluate(
        """() => {
             window.begun = [];
             new MutationObserver(() => {
               if (document.querySelector("#spoken [aria-current]")) begun.push(performance.now());
             }).observe(document.querySelector("#spoken"), {
               subtree: true, attributeFilter: ["aria-current"]
             });
           }"""
    )

    page.get_by_role("button", name="Speak", exact=True).click()
    finish(page)

    assert page.evaluate("lit") == ["one", "two", "three", "four", "five", "six"]
    steps = [later - earlier for earlier, later in pairwise(page.evaluate("begun"))]
    assert sum(steps) == pytest.approx(5_000 * WORD_SECONDS, abs=150)


def test_what_is_played_has_no_gap(open_page: OpenPage, known: RunningServer) -> None:
    page = open_page(known.url)
    page.evaluate(
        """() => { window.started = []; const start = AudioBufferSourceNode.prototype.start;
             AudioBufferSourceNode.prototype.start = function (at) {
               started.push([at, this.buffer.duration, this.context.sampleRate]); start.call(this, at);
             } }"""
    )

    page.get_by_role("button", name="Speak", exact=True).click()
    finish(page)

    started = page.evaluate("started")
    assert len(started) > 5
    assert all(rate == 44_100 for _, _, rate in started)
    for (at, duration, rate), (following, *_) in pairwise(started):
        assert following == pytest.approx(at + duration, abs=0.5 / rate)


def test_stop_silences_and_asks_for_nothing_more(open_page: OpenPage) -> None:
    engine = KnownSamples(pace=2)
    with running_server(engine) as server:
        page = open_page(server.url)
        say(page, "word " * 500)
        is_heard(page)

        page.keyboard.press("Escape")

        is_silent(page)
        assert engine.ended.acquire(timeout=10)
        expect(page.locator("#download")).to_be_disabled()


def test_speaking_again_begins_anew(open_page: OpenPage) -> None:
    engine = KnownSamples(pace=2)
    with running_server(engine) as server:
        page = open_page(server.url)
        page.get_by_label("What to say").fill("word " * 500)
        page.get_by_role("button", name="Speak", exact=True).dblclick()
        is_heard(page)
        assert len(engine.asked) == 1  # the second click of two means nothing of its own

        say(page, "Only this.")
        finish(page)

    assert [request.transcript for request in engine.asked] == ["word " * 500, "Only this."]
    assert page.locator("#spoken").inner_text() == "Only this."
    assert page.evaluate("lit").count("Only") == 1


def test_a_word_is_heard_again_by_click_and_by_key(open_page: OpenPage, known: RunningServer) -> None:
    page = open_page(known.url)
    say(page, "one two three four five six")
    finish(page)
    page.evaluate("() => { lit.length = 0 }")

    page.get_by_text("five", exact=True).click()
    until(page, "lit.includes('six')")
    until(page, "document.querySelector('#speak').dataset.active === 'false'")
    clicked = page.evaluate("lit.splice(0)")
    page.get_by_label("Position in what was spoken").focus()
    page.keyboard.press("Home")
    until(page, "lit.includes('two')")
    finish(page)
    walked = page.evaluate("lit.splice(0)")
    page.keyboard.press("ArrowLeft")
    until(page, "lit.length > 0")

    assert clicked == ["five", "six"]
    assert walked == ["one", "two", "three", "four", "five", "six"]
    assert page.evaluate("lit")[0] == "four"


def test_the_file_that_is_saved_is_the_servers(open_page: OpenPage, known: RunningServer) -> None:
    page = open_page(known.url)
    say(page)
    finish(page)

    for ending in ("wav", "mp3", "pcm"):
        page.get_by_label("File", exact=True).select_option(ending)
        with page.expect_download() as saving:
            page.get_by_role("button", name=f"Download {ending.upper()}").click()
        saved = Path(saving.value.path()).read_bytes()
        if ending == "wav":
            with wave.open(io.BytesIO(saved)) as file:
                frames = file.readframes(file.getnframes())
                assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (44_100, 2, 1)
                assert len(saved) == 44 + len(frames)
            body = {**spoken(known), "output_format": {"container": "raw", "encoding": "pcm_s16le"}}
            body["output_format"]["sample_rate"] = 44_100
            del body["add_timestamps"]
            assert httpx.post(f"{known.url}/tts/bytes", json=body).content == frames
        assert saving.value.suggested_filename == f"speech.{ending}"
        assert len(saved) > 5_000


def test_every_text_arrives_and_stands_as_it_was_written(open_page: OpenPage, known: RunningServer) -> None:
    page = open_page(known.url)
    for text in ("مرحبا بالعالم، one two", "👩‍👩‍👧 smile 👋🏽 done", NASTY, "你好 世界"):
        say(page, text)
        finish(page)

        assert spoken(known)["transcript"] == text
        assert page.locator("#spoken").evaluate("element => element.textContent") == text
        assert page.evaluate("lit.splice(0)") == text.split()


def test_a_very_long_text_is_taken(open_page: OpenPage) -> None:
    text = " ".join(f"word{i}" for i in range(8_000))
    assert len(text) > 2**16
    with running_server(KnownSamples(word_seconds=0.005)) as server:
        page = open_page(server.url)
        say(page, text)

        expect(page.locator("#download")).to_be_enabled(timeout=40_000)
        is_heard(page)
        assert page.locator("#spoken [data-start]").count() == 8_000
        page.keyboard.press("Escape")
        is_silent(page)
