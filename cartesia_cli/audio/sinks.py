"""Where sound goes: files, stdout, pipes, the loudspeaker, several at once."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol, Self

from cartesia_cli.audio.formats import OutputFormat
from cartesia_cli.audio.outputs import FileSink, LiveSink, OutputSink
from cartesia_cli.files import is_written_in_place
from cartesia_cli.models import AudioFormat, Container


class Sink(Protocol):
    """Takes the payload of one utterance, part by part.

    A context manager: leaving it completes the output, leaving it by an exception leaves nothing.
    """

    @property
    def live(self) -> bool:
        """Whether what was written cannot be taken back: a pipe, the loudspeaker."""

    @property
    def written(self) -> int:
        """Bytes in the finished output."""

    def write(self, data: bytes, /) -> None:
        """Take payload in the source's format, cut anywhere.

        Raises:
            OutputError: no space, or not writable any more.
            BrokenPipeError: the reader of a pipe went away.
        """

    def mark(self) -> None:
        """Note that a part of the text is complete: ``rewind`` comes back to here."""

    def rewind(self) -> bool:
        """Forget everything since ``mark``; return False if that cannot be done."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> bool | None: ...


def open_sink(
    target: Path | BinaryIO, output: OutputFormat, source: AudioFormat, *, clobber: bool = True
) -> OutputSink:
    """Return a sink that writes ``output`` and takes ``source``; ``with`` opens it.

    Samples are converted, and numpy imported, only where the two differ.

    Args:
        target: a file, or the binary stream of stdout.
        output: what is written.
        source: what ``write`` will be given.
        clobber: whether an existing file may be replaced.
    """
    wav_format = None
    if output.name == "wav" and output.encoding is not None:
        wav_format = (output.encoding, output.sample_rate)
    sink: FileSink | LiveSink
    path: Path | None = None
    if isinstance(target, Path) and not is_written_in_place(target):
        sink = FileSink(target, wav_format=wav_format, clobber=clobber)
        path = target
    else:
        sink = LiveSink(target, wav_format=wav_format)
    same = (output.encoding, output.sample_rate) == (source.encoding, source.sample_rate)
    if source.container is Container.MP3 or (output.name in {"wav", "raw"} and same):
        return sink
    from cartesia_cli.audio.converting import ConvertingSink

    return ConvertingSink(sink, output, source, path=path)


class Tee:
    """Several sinks that get the same; all are completed, or nothing remains of any file."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        self._sinks = sinks
        self._outputs = [sink for sink in sinks if isinstance(sink, OutputSink)]
        self._others = ExitStack()
        self.live = any(sink.live for sink in sinks)

    @property
    def written(self) -> int:
        """Bytes in all the finished outputs."""
        return sum(sink.written for sink in self._sinks)

    def write(self, data: bytes, /) -> None:
        """Give the payload to each."""
        for sink in self._sinks:
            sink.write(data)

    def mark(self) -> None:
        """Mark each."""
        for sink in self._sinks:
            sink.mark()

    def rewind(self) -> bool:
        """Rewind all, or return False."""
        # Live ones first: if one of them cannot, the files are not touched.
        return all(sink.rewind() for sink in sorted(self._sinks, key=lambda sink: not sink.live))

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            for output in self._outputs:
                opened.callback(output.discard)
                output.open()
            for sink in self._sinks:
                if not isinstance(sink, OutputSink):
                    self._others.enter_context(sink)
            opened.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        try:
            if kind is not None:
                self._others.__exit__(kind, error, traceback)
                return
            with self._others:  # the loudspeaker plays to its end, and may fail before it
                for output in self._outputs:
                    output.finish()
            for output in self._outputs:
                output.publish()
        finally:
            for output in self._outputs:
                output.discard()
