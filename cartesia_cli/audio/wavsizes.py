"""WAV files whose header was never completed: their data is said to be of size 0, and goes to the end."""

import io
import struct
from pathlib import Path

_KNOWN_CHUNKS = (b"LIST", b"id3 ", b"ID3 ", b"bext", b"fact", b"cue ", b"smpl", b"PEAK", b"JUNK")
"""What may follow data that is empty indeed."""


class PatchedFile(io.FileIO):
    """A file of which four bytes read differently from how they are on disk."""

    def __init__(self, path: Path, offset: int, patch: bytes) -> None:
        super().__init__(path, "rb")
        self._offset = offset
        self._patch = patch

    def read(self, size: int | None = -1, /) -> bytes:
        """Return what is there, with the patch."""
        start = self.tell()
        data = bytearray(super().read(size) or b"")
        self._apply(data, start)
        return bytes(data)

    def readinto(self, buffer: object, /) -> int:
        """Fill the buffer with what is there, with the patch."""
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        data = self.read(len(view))
        view[: len(data)] = data
        return len(data)

    def _apply(self, data: bytearray, start: int) -> None:
        for i, value in enumerate(self._patch):
            place = self._offset + i - start
            if 0 <= place < len(data):
                data[place] = value


def with_data_size(path: Path) -> PatchedFile | None:
    """Return a WAV as a file whose data has its true size, if the header says 0 though there is some.

    Sizes that are too large need nothing: libsndfile reads to the end.
    """
    with path.open("rb") as file:
        start = file.read(12)
        if start[:4] != b"RIFF" or start[8:] != b"WAVE":
            return None
        while len(header := file.read(8)) == 8:
            name, size = struct.unpack("<4sI", header)
            if name != b"data":
                file.seek(size + size % 2, io.SEEK_CUR)
                continue
            offset = file.tell()
            if size or file.read(4) in {b"", *_KNOWN_CHUNKS}:
                return None
            n_bytes = min(file.seek(0, io.SEEK_END) - offset, 0xFFFFFFFF)
            return PatchedFile(path, offset - 4, struct.pack("<I", n_bytes))
    return None
