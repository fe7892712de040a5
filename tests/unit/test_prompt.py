"""The lines of a prompt, which a thread of its own reads."""

import os
from contextlib import closing

import pytest

from cartesia_cli.commands._prompt import _Prompt
from cartesia_cli.errors import OutputError


def test_a_loudspeaker_that_is_gone_ends_the_wait_for_a_line() -> None:
    def silence() -> None:
        raise OutputError("The sound device stopped.", hint="Was it unplugged?")

    reader, writer = os.pipe()
    with (
        os.fdopen(reader, "rb"),
        os.fdopen(writer, "wb", buffering=0) as keyboard,
        closing(_Prompt(reader, silence=silence)) as prompt,
    ):
        keyboard.write(b"Hello.\n")

        with pytest.raises(OutputError, match="stopped"):
            prompt.wait()


def test_the_last_line_needs_no_end() -> None:
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb"), closing(_Prompt(reader, silence=lambda: None)) as prompt:
        with os.fdopen(writer, "wb", buffering=0) as keyboard:
            keyboard.write(b"Hello.")
        line = prompt.wait()

        assert line is not None
        assert line.text == "Hello."
        assert prompt.wait() is None
