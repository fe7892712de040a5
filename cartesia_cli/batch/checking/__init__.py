"""Whether a file that was made is what was asked for."""

from cartesia_cli.batch.checking.checks import Flaw, check_sound, check_words

__all__ = ["Flaw", "check_sound", "check_words"]
