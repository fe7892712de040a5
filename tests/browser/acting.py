"""What the tests do with the page, and wait for."""

import re
import time
from typing import Any

from playwright.sync_api import Page, expect

from tests.fakes.server import RunningServer

WORD_SECONDS = 0.15
"""Of the voice whose samples are known."""

NASTY = """-It's "quoted" `here`, $HOME & \\n ünïcode 👋
 two lines; and a tab\t!"""
"""What shells, JSON and Python read otherwise than it is written."""


def words_in(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def until(page: Page, expression: str, seconds: float = 20) -> None:
    """Wait until it is so. (The page's policy forbids Playwright's own way, which is ``eval``.)"""
    deadline = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(10)


def say(page: Page, text: str = "one two three") -> None:
    page.get_by_label("What to say").fill(text)
    page.keyboard.press("Control+Enter")


def finish(page: Page) -> None:
    """Wait until what is spoken has come to its end, with its sound."""
    expect(page.locator("#download")).to_be_enabled()
    expect(page.locator("#speak")).to_have_attribute("data-active", "false")


def is_heard(page: Page) -> None:
    until(page, "loudness() > 0.02")


def is_silent(page: Page) -> None:
    until(page, "loudness() < 0.001")


def spoken(server: RunningServer) -> Any:
    """Return what a server was last asked to say."""
    asked = [request for request in server.requests if "/tts/" in request.path]
    return asked[-1].json
