"""What an engine can do, as protocols; and the only place that chooses cloud or local."""

import difflib
import ipaddress
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from cartesia_cli.cache import VoiceNames
from cartesia_cli.credentials import Key
from cartesia_cli.errors import CredentialsError, UsageError
from cartesia_cli.local.packages import INSTALL, has_speech
from cartesia_cli.models import EngineName, SpeechEvents, SpeechRequest, Traffic, Voice
from cartesia_cli.settings import Settings

if TYPE_CHECKING:
    from cartesia_cli.api import Client
    from cartesia_cli.local.engine import LocalEngine

BUILT_IN_NOTICE = (
    "no API key, using the built-in voice (CARTESIA_API_KEY or 'cartesia auth login' for Cartesia)"
)
_VOICE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class Synthesizer(Protocol):
    """Turns a transcript into speech. ``api.Client`` and ``local.LocalEngine`` fit."""

    @property
    def name(self) -> EngineName:
        """Which engine this is."""

    @property
    def traffic(self) -> Traffic:
        """Requests made and repeated so far."""

    def synthesize(self, request: SpeechRequest, /) -> SpeechEvents:
        """Yield audio and timings in order; the generator's end is the end.

        Raises:
            CartesiaError: before the first event or after any; what was yielded stays valid.
        """

    def close(self) -> None:
        """Free connections and models."""


class VoiceCatalogue(Protocol):
    """Knows voices by ID and lists them."""

    def get_voice(self, voice_id: str, /) -> Voice:
        """Return one voice.

        Raises:
            RequestError: no voice has this ID.
        """

    def voices(self, *, query: str | None = None) -> Iterator[Voice]:
        """Yield every voice, or those whose name, description or ID matches ``query``."""


def choose_engine(settings: Settings, key: Key | None) -> EngineName:
    """Return the engine that the settings ask for, or that is set up.

    Raises:
        UsageError: the embedded engine was asked for and is not installed.
        CredentialsError: neither engine is set up.
    """
    if settings.engine == "local":
        if not has_speech():
            raise UsageError("The built-in engine is not installed.", hint=f"Install it with: {INSTALL}")
        return "local"
    if settings.engine == "cloud" or key is not None or settings.origin("base_url") != "default":
        return "cloud"
    if has_speech():
        return "local"
    raise CredentialsError(
        "No API key, and the built-in engine is not installed.",
        hint=f"Set CARTESIA_API_KEY for Cartesia's voices, or {INSTALL} for the built-in one.",
    )


def open_cloud(settings: Settings, key: Key | None) -> "Client":
    """Return a client of the API.

    Raises:
        CredentialsError: there is no key, and the server is not one on this machine.
    """
    if key is None and not _is_loopback(settings.base_url):
        raise CredentialsError(
            "No API key.", hint="Set CARTESIA_API_KEY, or use the built-in voice with --engine local."
        )
    from cartesia_cli.api import Client, Timeouts

    patience = settings.timeout
    timeouts = Timeouts() if patience is None else Timeouts(patience, patience, patience)
    return Client(
        key.value if key else None,
        base_url=settings.base_url,
        timeouts=timeouts,
        retries=settings.retries,
        headers=settings.headers,
    )


def open_local() -> "LocalEngine":
    """Return the embedded engine."""
    from cartesia_cli.local.engine import LocalEngine

    return LocalEngine()


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def find_voice_id(wanted: str, catalogue: VoiceCatalogue, names: VoiceNames) -> str:
    """Return the ID of the voice called ``wanted``, which may be an ID already.

    A name is looked up once; ``names`` remembers it for a day.

    Raises:
        UsageError: no voice, or more than one, has this name.
    """
    if _VOICE_ID.fullmatch(wanted):
        return wanted.lower()
    known = names.find(wanted)
    if known is not None:
        return known
    found = list(catalogue.voices(query=wanted))
    same = [voice for voice in found if voice.name.casefold() == wanted.casefold()]
    if len(same) == 1:
        names.remember(wanted, same[0].id)
        return same[0].id
    if same:
        listed = ", ".join(f"{voice.id} ({voice.description or voice.name})" for voice in same[:5])
        raise UsageError(f"{len(same)} voices are called {wanted!r}: {listed}.", hint="Use an ID.")
    all_names = [voice.name for voice in found or catalogue.voices()]
    close = difflib.get_close_matches(wanted, all_names, n=5, cutoff=0.4)
    hint = f"Did you mean {', '.join(close)}?" if close else "Use the ID of a voice."
    raise UsageError(f"No voice is called {wanted!r}.", hint=hint)
