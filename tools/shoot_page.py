"""Takes the pictures of the server's page: ``python -m tools.shoot_page``; it needs Chromium and Playwright.

It speaks with the built-in voice, transcribes what was spoken, and stops the voice in the middle of a second
text, so that both halves of the page have something to show.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

DOCS = Path(__file__).parents[1] / "docs"
PICTURES = {"light": "playground.png", "dark": "playground-dark.png"}

TRANSCRIBED = "Drop a recording on this page, or talk into the microphone. Every word comes with its time."
HEARD = "microphone"
SPOKEN = "This is your own machine speaking. No key, no network: every word lights up as you hear it."
LIT = "lights"
"""The word at which the voice stops."""

_STOP_AT = """word => new MutationObserver((changes) => {
  const lit = changes.find(({ target }) => target.ariaCurrent && target.textContent === word);
  if (lit) document.querySelector("#speak-deck button").click();
}).observe(document.querySelector("#spoken"), { subtree: true, attributeFilter: ["aria-current"] })"""


def main() -> int:
    """Write both pictures."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        print("there is no Chromium: install Debian's package chromium")
        return 1
    DOCS.mkdir(exist_ok=True)
    with served() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--mute-audio", "--force-color-profile=srgb"]
        )
        page = browser.new_page(viewport={"width": 1200, "height": 700})
        page.goto(f"{url}/")
        page.wait_for_selector("#voice option", state="attached")
        act(page)
        for scheme, name in PICTURES.items():
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            page.wait_for_timeout(300)
            page.screenshot(path=DOCS / name, full_page=True)
            print(f"{DOCS / name}: {(DOCS / name).stat().st_size} bytes")
        browser.close()
    return 0


def act(page: Page) -> None:
    """Bring the page into the state that is shown."""
    page.get_by_label("What to say").fill(TRANSCRIBED)
    page.keyboard.press("Control+Enter")
    for _ in range(2):  # the first one waits for the recogniser to be loaded
        page.get_by_role("button", name="Transcribe it").click()
        page.wait_for_selector("#copy-times:enabled")
    page.keyboard.press("Escape")
    page.locator("#heard [data-start]", has_text=HEARD).click()
    page.wait_for_selector("#heard [aria-current]")
    page.get_by_role("button", name="Pause the recording").click()
    page.get_by_label("What to say").fill(SPOKEN)
    page.get_by_label("Speed").fill("1.1")
    page.evaluate(_STOP_AT, LIT)
    page.get_by_role("button", name="Speak", exact=True).click()
    page.wait_for_selector("#speak[data-active=false] #download:enabled")
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(0, 0)


@contextmanager
def served() -> Iterator[str]:
    """Run ``cartesia serve`` and yield its address."""
    options = ["--port", "8420", "--state", ":memory:", "--quiet"]
    command = [sys.executable, "-m", "cartesia_cli", "serve", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  our own program
        assert process.stdout is not None  # noqa: S101  it is a pipe
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


if __name__ == "__main__":
    sys.exit(main())
