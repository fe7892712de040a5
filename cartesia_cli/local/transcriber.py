"""Writes down recordings of any length: cut at pauses, heard on every core, in order; and live sound."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from math import inf
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from cartesia_cli.audio.recordings import open_recording
from cartesia_cli.errors import UsageError
from cartesia_cli.local.live import listen_live
from cartesia_cli.local.passages import Models, Passage, hear_passage
from cartesia_cli.local.recognizer import SAMPLE_RATE, Recognizer
from cartesia_cli.local.segments import Segment, cut_segments
from cartesia_cli.local.workers import Work, at_once, work_in_order
from cartesia_cli.models import EngineName, ListenRequest, Transcript, TranscriptUpdates, WordTiming


class LocalTranscriber:
    """Fits ``Transcriber`` and ``LiveTranscriber``.

    Loads its models with the first recording; several threads may use it.

    Args:
        n_threads: how many segments of a recording are worked on at once; one for each core if not said.
        work: who listens; the threads of each recording if it is not said.
    """

    name: EngineName = "local"

    def __init__(self, *, n_threads: int | None = None, work: Work = at_once) -> None:
        self._n_threads = n_threads
        self._work = work
        self._models: Models | None = None
        self._lock = Lock()

    def transcribe(
        self,
        source: Path | BinaryIO,
        /,
        *,
        words: bool = False,
        language: str | None = None,
        model_id: str | None = None,
        encoding: str | None = None,
        sample_rate: int | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Transcript:
        """Return what is said in a recording, in English; nothing if no one speaks.

        Args:
            source: a file or stream; see ``open_recording``.
            words: also find when each word is spoken.
            language: None or a kind of English.
            model_id: of no effect; there is one model.
            encoding: of samples without a header.
            sample_rate: of samples without a header.
            progress: told which share of the recording is done, 0 to 1, where its length is known.

        Raises:
            UsageError: the recording cannot be read, the language is another, or the extra
                ``local`` is missing or broken.
        """
        check_language(language)
        texts: list[str] = []
        timings: list[WordTiming] = []
        with open_recording(source, encoding=encoding, sample_rate=sample_rate) as recording:
            for passage in self.passages(recording.blocks(SAMPLE_RATE), words=words):
                texts.append(passage.text)
                timings += passage.words
                if progress is not None and recording.duration:
                    progress(min(1.0, passage.end / recording.duration))
            return Transcript(" ".join(texts), tuple(timings), "en", recording.seconds, recording.is_cut)

    def listen(self, request: ListenRequest, sound: Iterable[bytes], /) -> TranscriptUpdates:
        """Yield what is said, in English, while it is being said; nothing if no one speaks.

        Args:
            request: ``model_id`` and ``keyterms`` have no effect.
            sound: pulled by a thread, which ends with the first sound after the generator was closed.

        Raises:
            UsageError: at once if the encoding, the rate or the language is not known; at the first
                update if the extra ``local`` is missing or broken.
        """
        check_language(request.language)
        return listen_live(request, sound, self.models, self._work)

    def passages(self, blocks: Iterable[NDArray[np.float32]], *, words: bool) -> Iterator[Passage]:
        """Yield what is said, a few seconds at a time and in order.

        Args:
            blocks: a recording, mono at 16 kHz, in pieces of any length.
            words: also find when each word is spoken.
        """
        models = self.models()

        def transcribe(segment: Segment) -> Passage | None:
            return self._work(partial(hear_passage, segment, models, words=words), inf)

        for passage in work_in_order(cut_segments(blocks), transcribe, self._n_threads):
            if passage is not None:
                yield passage

    def models(self) -> Models:
        """Return the models, loaded now if they were not.

        Raises:
            UsageError: the extra ``local`` is missing or broken.
        """
        with self._lock:
            if self._models is None:
                self._models = Models(Recognizer())
            return self._models

    def close(self) -> None:
        """Free the models; another recording loads them again."""
        with self._lock:
            self._models = None


def check_language(language: str | None) -> None:
    """Check that the recogniser knows a language.

    Raises:
        UsageError: it is not English.
    """
    if language is not None and language.replace("_", "-").partition("-")[0].lower() != "en":
        raise UsageError(
            f"The built-in recogniser knows English only, not {language!r}.",
            hint="Use --engine cloud for other languages.",
            title="Language not supported",
            code="language_not_supported",
        )
