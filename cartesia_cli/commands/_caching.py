"""Does what ``cartesia cache`` was asked for."""

import os
import re
import time
from datetime import UTC, datetime
from typing import Any

from cartesia_cli import console
from cartesia_cli.cache import forget_voices
from cartesia_cli.cache.speech import SpeechCache
from cartesia_cli.commands._tables import print_facts
from cartesia_cli.commands.cache import FormOptions, PruneOptions
from cartesia_cli.errors import UsageError
from cartesia_cli.folders import user_folder

_SIZES = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_AGES = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_USUAL_AGE = "30d"


def run_stats(form: FormOptions) -> None:
    """Tell how much there is."""
    console.configure(json=form.json, quiet=form.quiet)
    entries = [*SpeechCache().entries()]
    folder = user_folder("cache", os.environ)
    facts = {
        "folder": None if folder is None else str(folder),
        "entries": len(entries),
        "bytes": sum(entry.n_bytes for entry in entries),
        "oldest_use": _moment(min((entry.used_at for entry in entries), default=None)),
        "latest_use": _moment(max((entry.used_at for entry in entries), default=None)),
    }
    if form.json:
        console.data_json(facts)
    else:
        print_facts(
            (name.replace("_", " "), "–" if value is None else str(value)) for name, value in facts.items()
        )


def run_prune(options: PruneOptions, form: FormOptions) -> None:
    """Delete what was used least recently.

    Raises:
        UsageError: a size or an age that is none.
        OutputError: something cannot be deleted.
    """
    console.configure(json=form.json, quiet=form.quiet)
    age = options.older_than or (None if options.max_size else _USUAL_AGE)
    most = None if options.max_size is None else _size(options.max_size)
    oldest = None if age is None else time.time() - _age(age)
    _tell(SpeechCache().prune(most_bytes=most, oldest=oldest), form)


def run_clear(form: FormOptions) -> None:
    """Delete everything.

    Raises:
        OutputError: something cannot be deleted.
    """
    console.configure(json=form.json, quiet=form.quiet)
    deleted = SpeechCache().prune(most_bytes=0)
    forget_voices()
    _tell(deleted, form)


def _tell(deleted: tuple[int, int], form: FormOptions) -> None:
    n_entries, n_bytes = deleted
    if form.json:
        console.data_json({"deleted": n_entries, "bytes": n_bytes})
    else:
        console.note(f"deleted {n_entries} {'entry' if n_entries == 1 else 'entries'}, {n_bytes} bytes")


def _size(text: str) -> int:
    found = re.fullmatch(r"(\d{1,12}(?:\.\d{1,6})?)\s*([kmgt]?)b?", text.strip().lower(), re.ASCII)
    if found is None:
        raise UsageError(f"{text!r:.40} is no size.", hint="Give one like 500MB or 2GB.")
    return int(float(found[1]) * _SIZES[found[2]])


def _age(text: str) -> int:
    found = re.fullmatch(r"(\d{1,9})\s*([smhdw])", text.strip().lower(), re.ASCII)
    if found is None:
        raise UsageError(f"{text!r:.40} is no age.", hint="Give one like 12h or 30d.")
    return int(found[1]) * _AGES[found[2]]


def _moment(seconds: float | None) -> Any:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
