"""A browser, and servers whose page it shows."""

import io
import shutil
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from cartesia_cli.local.catalogue import LocalCatalogue
from cartesia_cli.local.engine import LocalEngine
from cartesia_cli.models import AudioChunk, AudioFormat, Encoding, SpeechRequest
from tests.browser.acting import WORD_SECONDS
from tests.fakes.known import KnownSamples
from tests.fakes.listening import KnownRecordings
from tests.fakes.server import RunningServer, built_in_server, running_server

SAID = "Turn left at the next light."
"""What the browser's microphone hears."""

VOICE = "7eef6874-fa50-566f-9102-5b6844916d4f"

REFUSED = "Failed to load resource"
"""What the browser itself says of an answer that is an error."""

_EARS = """
// Listens to everything that goes to the loudspeaker, and notes every word that lights up.
const connect = AudioNode.prototype.connect;
const ears = new Map();
AudioNode.prototype.connect = function (target, ...rest) {
  if (!(target instanceof AudioDestinationNode)) return connect.call(this, target, ...rest);
  if (!ears.has(target.context)) {
    const ear = new AnalyserNode(target.context, { fftSize: 2048 });
    connect.call(ear, target);
    ears.set(target.context, ear);
  }
  return connect.call(this, ears.get(target.context), ...rest);
};
window.loudness = () => {
  let loudest = 0;
  for (const ear of ears.values()) {
    const samples = new Float32Array(ear.fftSize);
    ear.getFloatTimeDomainData(samples);
    for (const sample of samples) loudest = Math.max(loudest, Math.abs(sample));
  }
  return loudest;
};
window.lit = [];
new MutationObserver((changes) => {
  for (const { target } of changes) if (target.ariaCurrent) window.lit.push(target.textContent);
}).observe(document, { subtree: true, attributeFilter: ["aria-current"] });
"""

OpenPage = Callable[..., Page]


def wav(text: str, rate: int = 48_000) -> bytes:
    """Return a file in which the built-in voice says a text, after a moment of silence."""
    engine = LocalEngine(LocalCatalogue(":memory:"))
    raw = AudioFormat(Encoding.PCM_S16LE, rate)
    events = engine.synthesize(SpeechRequest(text, VOICE, raw))
    sound = b"".join(event.data for event in events if isinstance(event, AudioChunk))
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(bytes(rate) + sound + bytes(rate))
    return file.getvalue()


@pytest.fixture(scope="package")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file in which ``SAID`` is said."""
    path = tmp_path_factory.mktemp("sound") / "talk.wav"
    path.write_bytes(wav(SAID))
    return path


@pytest.fixture(scope="package")  # while it is there, an event loop runs, which other tests must not find
def browser(recording: Path) -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("there is no Chromium: install Debian's package chromium")
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--mute-audio",
                "--autoplay-policy=no-user-gesture-required",
                "--use-fake-ui-for-media-stream",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={recording}%noloop",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser) -> Iterator[OpenPage]:
    """Open the page of a server, as often as it is called.

    In the end nothing may have been asked of another host, and the console must be silent; ``expected``
    names what may stand there.
    """
    problems: list[str] = []
    pages: list[Page] = []

    def open_one(url: str, *, expected: str = "", settle: bool = True, **options: object) -> Page:
        context = browser.new_context(**options)  # type: ignore[arg-type]  # as Playwright names them
        context.set_default_timeout(20_000)
        context.add_init_script(_EARS)
        page = context.new_page()

        def on_request(request: Request) -> None:
            asked = urlsplit(request.url)
            if asked.scheme != "blob" and asked.netloc != urlsplit(url).netloc:
                problems.append(f"asked elsewhere: {request.url}")

        def on_console(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"} and not (expected and expected in message.text):
                problems.append(f"{message.type}: {message.text}")

        page.on("request", on_request)
        page.on("console", on_console)
        page.on("pageerror", lambda error: problems.append(f"uncaught: {error}"))
        page.goto(f"{url}/")
        if settle:
            page.wait_for_selector("#voice option", state="attached")
        pages.append(page)
        return page

    yield open_one
    for page in pages:
        page.context.close()
    assert problems == []


@pytest.fixture(scope="session")
def local() -> Iterator[RunningServer]:
    """The built-in engine, below a prefix."""
    with built_in_server(prefix="/below") as server:
        yield server


@pytest.fixture
def known() -> Iterator[RunningServer]:
    """A voice whose samples are known, and ears that know a recording by its bytes."""
    with running_server(KnownSamples(WORD_SECONDS), transcriber=KnownRecordings()) as server:
        yield server
