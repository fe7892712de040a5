"""The voices and pronunciation dictionaries that were made on this machine."""

import os
from pathlib import Path
from typing import Literal

from cartesia_cli.database import Database, Shelf
from cartesia_cli.folders import user_folder
from cartesia_cli.local.dictionaries import OwnDictionaries
from cartesia_cli.local.ownvoices import OwnVoices

FILE_NAME = "catalogue.sqlite3"


class LocalCatalogue(OwnVoices, OwnDictionaries):
    """Fits ``VoiceLibrary`` and ``DictionaryCatalogue``. Several threads and processes may use one.

    Nothing is created before something is kept; only a catalogue in memory needs to be closed.

    Args:
        folder: where the file is, or ``:memory:``; None is the user's data folder.
        name: of the file.
    """

    def __init__(self, folder: Path | Literal[":memory:"] | None = None, *, name: str = FILE_NAME) -> None:
        place = user_folder("data", os.environ) if folder is None else folder
        self._database = Database(
            place / name if isinstance(place, Path) else place, "voices and dictionaries"
        )
        OwnVoices.__init__(self, Shelf(self._database, "voice"))
        OwnDictionaries.__init__(self, Shelf(self._database, "dictionary"))

    def close(self) -> None:
        """Forget what was kept in memory."""
        self._database.close()
