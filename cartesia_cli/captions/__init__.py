"""Subtitles: word timings become cues that a viewer can read; their files; a lint."""

from cartesia_cli.captions.cue import Cue
from cartesia_cli.captions.cues import cues_from_words
from cartesia_cli.captions.formats import (
    FORMATS,
    CaptionFormat,
    format_captions,
    format_subtitles,
    read_captions,
    read_subtitles,
)
from cartesia_cli.captions.lint import Finding, lint_cues
from cartesia_cli.captions.profiles import PROFILES, Profile, load_profile
from cartesia_cli.captions.subtitles import Subtitles
from cartesia_cli.captions.timings import format_timings

__all__ = [
    "FORMATS",
    "PROFILES",
    "CaptionFormat",
    "Cue",
    "Finding",
    "Profile",
    "Subtitles",
    "cues_from_words",
    "format_captions",
    "format_subtitles",
    "format_timings",
    "lint_cues",
    "load_profile",
    "read_captions",
    "read_subtitles",
]
