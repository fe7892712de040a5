"""Writes a transcript that grows: on stdout, or in a file that is valid at every moment."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cartesia_cli import console
from cartesia_cli.commands._columns import fitting_end
from cartesia_cli.commands._live_plan import LivePlan
from cartesia_cli.commands._transcripts import JSON, TEXT, word_lines
from cartesia_cli.errors import CartesiaError, UnavailableError, UsageError
from cartesia_cli.files import naming
from cartesia_cli.models import TranscriptUpdate, WordTiming

if TYPE_CHECKING:
    from cartesia_cli.captions import Cue


class GrowingTranscript:
    """What is new in one format, update by update; all of it joined is a valid file at every moment."""

    def __init__(self, plan: LivePlan) -> None:
        self._plan = plan
        self._cues: list[Cue] = []
        self._n_written = 0

    def begin(self) -> str:
        """Return what stands before the first words."""
        return "" if self._plan.format in {TEXT, JSON} else self._rest()

    def add(self, update: TranscriptUpdate) -> str:
        """Return what an update adds; nothing where it may still change and that is not wanted.

        Raises:
            UnavailableError: the format needs the times of the words, and there are none.
        """
        given = self._plan.options
        if update.kind == "interim" and not given.live.interim:
            return ""
        if self._plan.format == JSON:
            return f"{json.dumps(_facts(update), ensure_ascii=False)}\n"
        if not update.text:
            return ""
        if self._plan.format == TEXT:
            words = given.transcript.words
            return word_lines(_words(update)) if words else f"{' '.join(update.text.split())}\n"
        self._cut(update)
        return self._rest()

    def _cut(self, update: TranscriptUpdate) -> None:
        from cartesia_cli.captions import cues_from_words

        before = self._cues[-1].end if self._cues else 0
        for cue in cues_from_words(_words(update), self._plan.profile, language=self._plan.settings.language):
            # A short cue stays longer than its words, and the next words may be there already.
            start = max(cue.start, before)
            self._cues.append(replace(cue, start=start, end=max(cue.end, start + 1)))
            before = self._cues[-1].end

    def _rest(self) -> str:
        from cartesia_cli.captions import format_captions

        text = format_captions(self._plan.format, self._cues)
        rest = text[self._n_written :]
        self._n_written = len(text)
        return rest


def _words(update: TranscriptUpdate) -> tuple[WordTiming, ...]:
    """Return the words with their times; the whole text as one, where only that is known."""
    if update.words:
        return update.words
    if update.start is None or update.end is None:
        raise UnavailableError(
            "The API sent a text without the times of its words.",
            hint="Ask for the text alone: without --words, and not as subtitles.",
        )
    return (WordTiming(update.text, update.start, update.end),)


def _facts(update: TranscriptUpdate) -> dict[str, Any]:
    facts: dict[str, Any] = {"type": update.kind, "text": update.text}
    if update.start is not None and update.end is not None:
        facts |= {"start": round(update.start, 3), "end": round(update.end, 3)}
    if update.words:
        facts["words"] = [
            {"word": w.word, "start": round(w.start, 3), "end": round(w.end, 3)} for w in update.words
        ]
    return facts


class Paper:
    """Where a growing transcript is written: stdout or a file, and the terminal meanwhile."""

    def __init__(self, plan: LivePlan, descriptor: int | None) -> None:
        self._transcript = GrowingTranscript(plan)
        self._path, self._descriptor = plan.output, descriptor
        self._shows_interim = console.shows_progress() and not plan.options.live.interim
        self._shown = self._is_begun = False
        self.has_words = False
        """Whether anything was understood."""

        if descriptor is None or not os.fstat(descriptor).st_size:
            self.begin()

    def begin(self) -> None:
        """Write what stands before the first words, in the place of what an old file holds."""
        if self._is_begun:
            return
        self._is_begun = True
        if self._descriptor is not None and os.fstat(self._descriptor).st_size:
            os.ftruncate(self._descriptor, 0)
        self._put(self._transcript.begin())

    def write(self, update: TranscriptUpdate) -> None:
        """Write what is new, whole, and show on the terminal what may still change."""
        self.has_words = True
        self.begin()
        new = self._transcript.add(update)
        self._clear()
        self._put(new)
        if self._shows_interim and update.kind == "interim" and update.text:
            console.status(fitting_end(update.text))
            self._shown = True
        elif self._descriptor is not None and update.text and update.kind != "interim":
            console.hint_to_person(update.text)

    def leave(self) -> None:
        """Take away what may still have changed."""
        self._clear()

    def _clear(self) -> None:
        if self._shown:
            console.status("")
            self._shown = False

    def _put(self, text: str) -> None:
        if not text:
            return
        if self._descriptor is None or self._path is None:
            console.pass_on(text.encode(errors="replace"))
            return
        data = text.encode(errors="replace")
        with naming(self._path):
            while data:
                data = data[os.write(self._descriptor, data) :]


@contextmanager
def open_paper(plan: LivePlan) -> Iterator[Paper]:
    """Open what a growing transcript is written on; what was written stays, however this ends.

    What an old file holds goes with the first words: an error before them leaves all as it was.

    Raises:
        UsageError: the file exists already, and must not be replaced.
        OutputError: it cannot be written.
    """
    with ExitStack() as stack:
        descriptor, is_new = None, False
        if plan.output is not None:
            descriptor, is_new = _open_in_place(plan.output, clobber=not plan.options.transcript.no_clobber)
            stack.callback(os.close, descriptor)
        paper = Paper(plan, descriptor)
        stack.callback(paper.leave)
        try:
            yield paper
            paper.begin()
        except CartesiaError:
            if plan.output is not None and is_new and not paper.has_words:
                plan.output.unlink(missing_ok=True)
            raise


def _open_in_place(path: Path, *, clobber: bool) -> tuple[int, bool]:
    """Return a file as it is, and whether it is new."""
    flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)
    with naming(path):
        try:
            return os.open(path, flags | os.O_EXCL, 0o666), True
        except FileExistsError as error:
            if clobber:
                return os.open(path, flags, 0o666), False
            raise UsageError(
                f"{path} exists already.", hint="Leave out --no-clobber to replace it."
            ) from error
