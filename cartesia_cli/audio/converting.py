"""An output whose sound has to be converted on its way; imports numpy, so only where that is needed."""

import os
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

from cartesia_cli.audio.containers import Conversion
from cartesia_cli.audio.formats import OutputFormat
from cartesia_cli.audio.outputs import FileSink, LiveSink, OutputSink
from cartesia_cli.files import naming
from cartesia_cli.models import AudioFormat

_SPOOL_SIZE = 1 << 20
_BLOCK_SIZE = 1 << 18


class ConvertingSink(OutputSink):
    """Converts what it is given and passes it on.

    An encoder cannot go back. Where the output could, the part that may still be taken back waits
    in an unnamed file beside the target, in memory while it is small, and is converted at ``mark``.

    Args:
        sink: takes the converted bytes.
        output: what they are.
        source: what ``write`` will be given.
        path: the file that ``sink`` writes; None if it is live.
    """

    _conversion: Conversion
    _spool: IO[bytes]

    def __init__(
        self,
        sink: FileSink | LiveSink,
        output: OutputFormat,
        source: AudioFormat,
        *,
        path: Path | None,
    ) -> None:
        self._sink = sink
        self._path = path
        self._name = path or "stdout"
        self._output = output
        self._source = source
        self._opened = ExitStack()
        self.live = sink.live
        self.written = 0

    @property
    def part(self) -> Path | None:
        """See ``OutputSink``."""
        return self._sink.part

    def open(self) -> None:
        """Open the output, the encoder and the place to wait in."""
        with ExitStack() as opened:
            self._sink.open()
            opened.callback(self._sink.discard)
            self._conversion = Conversion(self._source, self._output)
            opened.callback(self._conversion.close)
            folder = None if self._path is None else str(Path(os.path.realpath(self._path)).parent)
            self._spool = SpooledTemporaryFile(_SPOOL_SIZE, dir=folder)  # noqa: SIM115 - closed by `opened`
            opened.callback(self._close_spool)
            self._opened = opened.pop_all()

    def write(self, data: bytes, /) -> None:
        """Convert the payload at once if it goes out at once, else keep it for ``mark``."""
        if self.live:
            self._sink.write(self._conversion.convert(data))
        else:
            with naming(self._name):
                self._spool.write(data)

    def mark(self) -> None:
        """Convert what has waited."""
        if not self.live:
            self._convert_spool()
        self._sink.mark()

    def rewind(self) -> bool:
        """Forget what has waited."""
        if self.live:
            return self._sink.rewind()
        with naming(self._name):
            self._empty_spool()
        return True

    def finish(self) -> None:
        """Convert and write the rest, and what the container says of the whole."""
        self._convert_spool()
        self._sink.write(self._conversion.finish())
        for offset, data in self._conversion.patches:
            self._sink.patch(offset, data)
        self._sink.finish()
        self.written = self._sink.written

    def publish(self) -> None:
        """Give the output its name."""
        self._sink.publish()

    def discard(self) -> None:
        """Free everything."""
        self._opened.close()

    def _convert_spool(self) -> None:
        with naming(self._name):
            self._spool.seek(0)
            while data := self._spool.read(_BLOCK_SIZE):
                self._sink.write(self._conversion.convert(data))
            self._empty_spool()

    def _empty_spool(self) -> None:
        self._spool.seek(0)
        self._spool.truncate()

    def _close_spool(self) -> None:
        with suppress(OSError):  # it tries once more to write what a full disk did not take
            self._spool.close()
