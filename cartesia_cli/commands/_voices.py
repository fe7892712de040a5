"""What every command for voices begins with: the library that is asked, and how it shows a voice."""

import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cartesia_cli import console
from cartesia_cli.cache import VoiceList, VoiceNames
from cartesia_cli.commands._options import LibraryOptions, ReportOptions
from cartesia_cli.commands._setup import find_secret_key, set_up
from cartesia_cli.commands._tables import is_plain
from cartesia_cli.commands._voices_options import TellOptions
from cartesia_cli.credentials import Key
from cartesia_cli.engines import BUILT_IN_NOTICE, choose_engine, find_voice_id, open_library
from cartesia_cli.errors import RequestError, UsageError
from cartesia_cli.models import EngineName, Voice
from cartesia_cli.settings import Settings

if TYPE_CHECKING:
    from cartesia_cli.api import Client
    from cartesia_cli.local.catalogue import LocalCatalogue


@dataclass(slots=True)
class Desk:
    """Where voices are asked for."""

    settings: Settings
    key: Key | None
    engine: EngineName
    library: "Client | LocalCatalogue"
    names: VoiceNames | None
    """None where the library itself finds voices by their names."""

    tell: TellOptions
    started: float
    """``time.monotonic()``."""

    looked_up: list[str] = field(default_factory=list)

    def find(self, wanted: str | None) -> str:
        """Return the ID of the voice that is meant by an ID, an alias or a name.

        Raises:
            UsageError: no voice is named, none is called so, or more than one is.
            RequestError: the embedded engine has no voice with this ID.
        """
        wanted = require_voice(wanted)
        self.looked_up.append(wanted)
        return find_voice_id(wanted, self.library, self.names, self.settings.aliases)

    def forget_name(self, wanted: str) -> None:
        """Forget which voice a name stands for: that one may be gone."""
        if self.names is not None:
            self.names.forget(self.settings.aliases.get(wanted, wanted))

    def forget(self, voice: Voice) -> None:
        """Forget what is not true any more of a voice that was made or changed."""
        if self.names is not None:
            self.names.forget_voice(voice.id, voice.name)
        VoiceList().change(voice.id, voice.name)

    def forget_deleted(self, voice_id: str) -> None:
        """Forget a voice that is gone."""
        if self.names is not None:
            self.names.forget_voice(voice_id)
        VoiceList().change(voice_id, None)

    def print_json(self, value: Mapping[str, Any]) -> None:
        """Print one object, with the figures that ``--stats`` asks for."""
        console.data_json({**value, "stats": self.stats()} if self.tell.stats else value)

    def stats(self) -> dict[str, Any]:
        """Return the time in seconds, and the counts that there are."""
        wall = {"wall": round(time.monotonic() - self.started, 3)}
        traffic = getattr(self.library, "traffic", None)
        return wall if traffic is None else wall | {"requests": traffic.requests, "retries": traffic.retries}

    @property
    def plain(self) -> bool:
        """Whether tables are for a screen reader."""
        return is_plain(self.settings)


@contextmanager
def open_desk(library: LibraryOptions, tell: TellOptions, *, prints_object: bool = False) -> Iterator[Desk]:
    """Open the library that the options and the settings ask for.

    Args:
        library: which one.
        tell: what the run tells about itself.
        prints_object: whether ``--json`` prints one object, which the figures of ``--stats`` go into.

    Raises:
        CartesiaError: the settings cannot be used, or nothing is set up.
    """
    started = time.monotonic()
    settings = load_settings(library, tell)
    key = find_secret_key(settings)
    engine = choose_engine(settings, key)
    if engine == "local" and settings.engine == "auto":
        console.note(BUILT_IN_NOTICE)
    names = VoiceNames(settings.base_url, key) if engine == "cloud" else None
    with closing(open_library(settings, engine, key)) as opened:
        desk = Desk(settings, key, engine, opened, names, tell, started)
        try:
            yield desk
        except RequestError:
            for name in desk.looked_up:
                desk.forget_name(name)
            raise
        if tell.stats and not (tell.json and prints_object):
            console.report(desk.stats())


def load_settings(library: LibraryOptions, tell: TellOptions) -> Settings:
    """Return the settings of this run and tell the console how to speak."""
    return set_up(library.as_engine_options(), ReportOptions(**tell._asdict()), {})


def require_voice(wanted: str | None) -> str:
    """Return which voice is meant.

    Raises:
        UsageError: none is named.
    """
    if not wanted:
        raise UsageError(
            "No voice is named.", hint="Give an ID, an alias or a name; see: cartesia voices list"
        )
    return wanted


def require_option(value: str | None, option: str, what: str) -> str:
    """Return what an option was given.

    Raises:
        UsageError: it was not given, or is blank.
    """
    if value is None or not value.strip():
        raise UsageError(f"{option} is missing: {what}.", hint=f"Add {option}.")
    return value


def tell_new(desk: Desk, voice: Voice) -> None:
    """Print the ID of a voice that was made, or all of it as JSON."""
    desk.forget(voice)
    if desk.tell.json:
        desk.print_json(voice.fields)
        return
    console.data(f"{voice.id}\n")
    console.hint_to_person(f"made the voice {voice.name}")
