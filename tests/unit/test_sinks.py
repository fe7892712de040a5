"""Sinks: files, pipes and several at once; whole or absent, and back to the last mark."""

import io
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from cartesia_cli.audio import pcm, wav
from cartesia_cli.audio.formats import OutputFormat, output_formats, source_format
from cartesia_cli.audio.sinks import Sink, Tee, open_sink
from cartesia_cli.errors import OutputError, UsageError
from cartesia_cli.models import AudioFormat, Container, Encoding
from tests.fakes.outputs import output_format

F32 = AudioFormat(Encoding.PCM_F32LE, 44_100)
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX devices")

EVERY_OUTPUT = ["a.wav", "a.pcm", "a.mp3", "a.flac", "a.ogg", "a.opus", "a.ulaw"]


class Pipe(io.BytesIO):
    """A stream that cannot go back, and closes for its writer after ``room`` bytes."""

    def __init__(self, room: int = 1 << 30) -> None:
        super().__init__()
        self.n_flushed = 0
        self._room = room

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        if self.tell() + len(data) > self._room:
            raise BrokenPipeError
        return super().write(data)

    def flush(self) -> None:
        self.n_flushed = self.tell()

    def seekable(self) -> bool:
        return False

    def seek(self, *_: int) -> int:
        raise OSError("Illegal seek")


class Loudspeaker:
    """A live sink that is no file; notes what happens to it."""

    live = True
    written = 0

    def __init__(self, at_end: Callable[[], None] = lambda: None) -> None:
        self.events: list[str] = []
        self._at_end = at_end
        self._dirty = False

    def write(self, data: bytes, /) -> None:
        self._dirty = True

    def mark(self) -> None:
        self._dirty = False

    def rewind(self) -> bool:
        return not self._dirty

    def __enter__(self) -> Self:
        self.events.append("open")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        self.events.append("played" if kind is None else "stopped")
        if kind is None:
            self._at_end()


def sound(n_samples: int = 44_100, rate: int = 44_100) -> bytes:
    time = np.arange(n_samples) / rate
    return pcm.encode(np.asarray(0.3 * np.sin(2 * np.pi * 330 * time), np.float32), Encoding.PCM_F32LE)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def fill(sink: Sink, data: bytes = b"", *, size: int = 7_001) -> None:
    with sink:
        for start in range(0, len(data), size):
            sink.write(data[start : start + size])


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_payload_in_the_format_of_the_file_is_written_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(["a.wav", "a.pcm"]))
    encoding = data.draw(st.sampled_from(Encoding))
    pieces = data.draw(st.lists(st.binary(max_size=50), max_size=9))
    output = output_format(name, encoding=encoding)
    path = tmp_path_factory.mktemp("sink") / name
    whole = b"".join(pieces)
    whole = whole[: len(whole) - len(whole) % encoding.sample_width] if name == "a.wav" else whole

    with open_sink(path, output, source_format([output])) as sink:
        for piece in pieces:
            sink.write(piece)

    header = wav.file_header(encoding, 44_100, len(whole)) if name == "a.wav" else b""
    padding = wav.padding(len(whole)) if name == "a.wav" else b""
    assert path.read_bytes() == header + whole + padding
    assert sink.written == path.stat().st_size


@pytest.mark.parametrize("encoding", list(Encoding))
def test_a_wav_in_a_pipe_has_the_header_of_pipes_before_its_first_sound(encoding: Encoding) -> None:
    output = output_format("-", encoding=encoding)
    pipe = Pipe()

    with open_sink(pipe, output, source_format([output])) as sink:
        assert pipe.getvalue() == b"", "nothing is sent before there is sound"
        sink.write(b"abcdefgh")
        assert pipe.n_flushed == len(pipe.getvalue()), "a piece is sent at once"

    assert pipe.getvalue() == wav.pipe_header(encoding, 44_100) + b"abcdefgh"
    assert sink.written == len(pipe.getvalue())
    assert not pipe.closed


def test_an_mp3_from_the_engine_is_written_as_it_is(tmp_path: Path) -> None:
    source = AudioFormat(container=Container.MP3, bit_rate=128_000)
    data = os.urandom(50_001)

    fill(open_sink(tmp_path / "a.mp3", output_format("a.mp3", straight_mp3=True), source), data)

    assert (tmp_path / "a.mp3").read_bytes() == data


@pytest.mark.parametrize("name", EVERY_OUTPUT)
def test_floats_become_every_output_in_the_same_length(name: str, tmp_path: Path) -> None:
    output = output_format(name)
    path = tmp_path / name
    sink = open_sink(path, output, F32)

    fill(sink, sound(66_150))

    assert sink.written == path.stat().st_size
    if output.name == "raw":
        n_bytes = path.stat().st_size
        seconds = n_bytes / (output.sample_rate * (output.encoding or Encoding.PCM_F32LE).sample_width)
    else:
        seconds = soundfile.info(str(path)).duration
    assert seconds == pytest.approx(1.5, abs=0.001)


@pytest.mark.parametrize("name", EVERY_OUTPUT)
def test_an_output_without_sound_is_whole_too(name: str, tmp_path: Path) -> None:
    fill(open_sink(tmp_path / name, output_format(name), F32))

    assert names(tmp_path) == [name]


@pytest.mark.parametrize("name", EVERY_OUTPUT)
@pytest.mark.parametrize("straight", [True, False], ids=["as it comes", "converted"])
def test_rewinding_forgets_what_came_since_the_mark(name: str, straight: bool, tmp_path: Path) -> None:
    output = output_format(name)
    source = source_format([output]) if straight else AudioFormat(Encoding.PCM_F32LE, 16_000)
    rng = np.random.default_rng(0)
    first, wrong, second = (
        pcm.encode(rng.uniform(-0.3, 0.3, size).astype(np.float32), source.encoding)
        for size in (9_000, 400_000, 8_000)
    )
    expected = tmp_path / f"expected.{name}"
    fill(open_sink(expected, output, source), first + second)

    with open_sink(tmp_path / name, output, source) as sink:
        sink.write(wrong)
        assert sink.rewind()
        sink.write(first)
        sink.mark()
        sink.write(wrong)
        assert sink.rewind()
        assert sink.rewind()
        sink.write(second)

    if output.name in {"ogg", "opus"}:  # a stream's number is random
        again, before = (soundfile.read(path)[0] for path in (tmp_path / name, expected))
        assert np.array_equal(again, before)
    else:
        assert (tmp_path / name).read_bytes() == expected.read_bytes()
    assert names(tmp_path) == sorted([name, expected.name])


@pytest.mark.parametrize("format", ["wav", "mp3", "pcm"])
def test_a_pipe_rewinds_only_while_nothing_of_the_part_was_sent(format: str) -> None:
    with open_sink(Pipe(), output_format("-", format=format), F32) as sink:
        assert sink.live
        assert sink.rewind()
        sink.write(sound())
        assert not sink.rewind()
        sink.mark()
        assert sink.rewind()


@pytest.mark.parametrize("name", EVERY_OUTPUT)
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_remains_after_an_exception(name: str, error: type[BaseException], tmp_path: Path) -> None:
    with pytest.raises(error), open_sink(tmp_path / name, output_format(name), F32) as sink:
        sink.write(sound())
        sink.mark()
        sink.write(sound())
        raise error

    assert names(tmp_path) == []


@pytest.mark.parametrize("format", ["wav", "mp3", "pcm", "flac"])
def test_a_reader_that_goes_away_is_a_broken_pipe(format: str) -> None:
    sink = open_sink(Pipe(room=1_000), output_format("-", format=format), F32)

    with pytest.raises(BrokenPipeError):
        fill(sink, sound(200_000))


@posix
@pytest.mark.parametrize("format", ["wav", "mp3"])
def test_a_reader_of_a_named_pipe_that_goes_away_is_a_broken_pipe(format: str, tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = threading.Thread(target=lambda: path.open("rb").close())
    reader.start()

    with pytest.raises(BrokenPipeError), open_sink(path, output_format(path, format=format), F32) as sink:
        reader.join(10)
        for _ in range(20):
            sink.write(sound())


@posix
def test_a_named_pipe_gets_what_stdout_gets(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(path.read_bytes()))
    reader.start()
    output = output_format(path, format="wav")
    stdout = Pipe()

    fill(open_sink(path, output, F32), sound())

    reader.join(10)
    fill(open_sink(stdout, output, F32), sound())
    assert received == [stdout.getvalue()]


@posix
@pytest.mark.parametrize("format", ["wav", "pcm", "mp3", "flac", "ogg"])
def test_a_full_device_is_an_output_error(format: str) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    path = Path("/dev/full")

    with pytest.raises(OutputError, match="No space left on device"):
        fill(open_sink(path, output_format(path, format=format), F32), sound())


@posix
def test_a_full_disk_behind_stdout_is_an_output_error() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with (
        Path("/dev/full").open("wb", buffering=0) as stdout,
        pytest.raises(OutputError, match="Cannot write stdout: No space left on device"),
    ):
        fill(open_sink(stdout, output_format("-"), F32), sound())


def test_a_folder_that_is_missing_is_found_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="there is no folder"):
        open_sink(tmp_path / "missing" / "a.mp3", output_format("a.mp3"), F32).__enter__()


def test_an_existing_file_is_not_replaced_if_it_must_not_be(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"before")

    with pytest.raises(UsageError, match="exists already"):
        fill(open_sink(tmp_path / "a.wav", output_format("a.wav"), F32, clobber=False), sound())

    assert (tmp_path / "a.wav").read_bytes() == b"before"


def tee(folder: Path, names: list[str], *others: Sink) -> Tee:
    outputs = output_formats(names)
    source = source_format(outputs)
    return Tee(
        [
            *(open_sink(folder / name, output, source) for name, output in zip(names, outputs, strict=True)),
            *others,
        ]
    )


def test_several_outputs_last_equally_long(tmp_path: Path) -> None:
    several = ["a.wav", "b.mp3", "c.flac", "d.opus", "e.ogg"]
    sink = tee(tmp_path, several)

    fill(sink, sound(48_000 * 2, 48_000))

    assert names(tmp_path) == several
    durations = [soundfile.info(str(tmp_path / name)).duration for name in several]
    assert max(durations) - min(durations) < 0.001
    assert sink.written == sum(path.stat().st_size for path in tmp_path.iterdir())


def test_if_one_of_several_fails_at_the_end_none_appears(tmp_path: Path) -> None:
    def unplug() -> None:
        raise OutputError("The device is gone")

    speaker = Loudspeaker(unplug)

    with pytest.raises(OutputError, match="gone"):
        fill(tee(tmp_path, ["a.wav", "b.mp3"], speaker), sound())

    assert names(tmp_path) == []
    assert speaker.events == ["open", "played"]


@posix
def test_if_one_of_several_cannot_be_written_none_appears(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    raw = OutputFormat("raw", Encoding.PCM_F32LE, 44_100)
    speaker = Loudspeaker()
    sink = Tee([open_sink(tmp_path / "a.pcm", raw, F32), open_sink(Path("/dev/full"), raw, F32), speaker])

    with pytest.raises(OutputError, match="No space"):
        fill(sink, sound())

    assert names(tmp_path) == []
    assert speaker.events == ["open", "stopped"]


def test_if_one_of_several_cannot_be_opened_nothing_remains_of_the_others(tmp_path: Path) -> None:
    sink = tee(tmp_path, ["a.wav", "b.mp3", "missing/c.flac"])

    with pytest.raises(OutputError, match="missing"):
        fill(sink, sound())

    assert names(tmp_path) == []


def test_the_files_appear_when_the_loudspeaker_has_played_to_its_end(tmp_path: Path) -> None:
    seen: list[str] = []
    speaker = Loudspeaker(lambda: seen.extend(names(tmp_path)))

    fill(tee(tmp_path, ["a.wav", "b.wav"], speaker), sound())

    assert all(name.endswith(".cartesia-part") for name in seen)
    assert len(seen) == 2
    assert names(tmp_path) == ["a.wav", "b.wav"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_stops_the_loudspeaker_and_leaves_nothing(
    error: type[BaseException], tmp_path: Path
) -> None:
    speaker = Loudspeaker()

    with pytest.raises(error), tee(tmp_path, ["a.wav"], speaker) as sink:
        sink.write(sound())
        raise error

    assert speaker.events == ["open", "stopped"]
    assert names(tmp_path) == []


def test_several_outputs_rewind_together_or_not_at_all(tmp_path: Path) -> None:
    with tee(tmp_path, ["a.pcm"], Loudspeaker()) as sink:
        assert sink.live
        sink.write(b"once")
        assert not sink.rewind()
        sink.mark()
        sink.write(b"more")
        assert not sink.rewind()

    assert (tmp_path / "a.pcm").read_bytes() == b"oncemore"


def test_several_files_rewind(tmp_path: Path) -> None:
    with tee(tmp_path, ["a.pcm", "b.pcm"]) as sink:
        assert not sink.live
        sink.write(b"once")
        sink.mark()
        sink.write(b"wrong")
        assert sink.rewind()
        sink.write(b"more")

    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"oncemore"}


IMPORTS = """
import sys
from pathlib import Path
from cartesia_cli.audio.formats import output_formats, source_format
from cartesia_cli.audio.sinks import Tee, open_sink
for name in sys.argv[1:]:
    [output] = output_formats([name], straight_mp3=True)
    source = source_format([output], straight_mp3=True)
    with Tee([open_sink(Path(name), output, source)]) as sink:
        sink.write(bytes(40_000))
        sink.mark()
        sink.rewind()
print({"numpy", "soundfile", "soxr", "sounddevice", "asyncio", "tempfile", "rich"} & set(sys.modules))
"""


def test_bytes_that_need_no_conversion_need_no_library(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.wav", "a.mp3", "a.pcm", "a.ulaw")]

    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, *paths], capture_output=True, text=True, check=True, timeout=30
    )

    assert done.stdout == "set()\n"


MEMORY = """
import resource, sys
from pathlib import Path
from cartesia_cli.audio.formats import output_formats
from cartesia_cli.audio.sinks import Tee, open_sink
from cartesia_cli.models import AudioFormat, Encoding
source = AudioFormat(Encoding.PCM_F32LE, 24_000)
outputs = output_formats(sys.argv[1:], sample_rate=24_000)
second = bytes(96_000)
with Tee([open_sink(Path(name), output, source) for name, output in zip(sys.argv[1:], outputs)]) as sink:
    for n_seconds in (60, 600):
        for _ in range(n_seconds):
            sink.write(second)
        sink.mark()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts in kilobytes on Linux")
@pytest.mark.parametrize(("several", "most"), [(["a.pcm"], 300), (["a.wav", "b.flac"], 5_000)])
def test_memory_does_not_grow_with_the_length(several: list[str], most: int, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in several]

    done = subprocess.run(
        [sys.executable, "-c", MEMORY, *paths], capture_output=True, text=True, check=True, timeout=60
    )

    early, late = map(int, done.stdout.split())
    assert late - early < most
