"""One output alone, for tests that need no more."""

from pathlib import PurePath
from typing import Any

from cartesia_cli.audio.formats import OutputFormat, output_formats


def output_format(target: str | PurePath, **options: Any) -> OutputFormat:
    """Return what a lone output will hold."""
    [output] = output_formats([target], **options)
    return output
