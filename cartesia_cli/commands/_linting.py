"""Does what ``cartesia captions lint`` was asked for."""

import sys
from collections.abc import Sequence
from typing import NamedTuple

from cartesia_cli import console
from cartesia_cli.captions import FORMATS, CaptionFormat, Finding, Profile, Subtitles, lint_cues
from cartesia_cli.commands._caption_files import STDIN, input_format, read_source
from cartesia_cli.commands._captioning import JSON, set_up_captions
from cartesia_cli.commands.captions import LintOptions
from cartesia_cli.errors import CartesiaError, PartialFailureError, UsageError

_COLORS = {"error": "\x1b[31m", "warning": "\x1b[33m"}
_PLAIN = "\x1b[0m"
_EXCUSE = " (warning: the speech allows no better)"


class _Counts(NamedTuple):
    """What was found."""

    errors: int = 0
    warnings: int = 0
    unread: int = 0
    """Files."""


def run_lint(options: LintOptions) -> None:
    """Print what breaks the rules.

    Raises:
        PartialFailureError: there are errors, or one of several files cannot be read.
    """
    settings = set_up_captions(options.talk, options.cues, json=options.check.json)
    profile = options.cues.profile(settings.captions)
    sources = options.check.sources or []
    _check_sources(sources, options.check.words)
    timings = read_source(options.check.words, JSON) if options.check.words is not None else None
    counts = _Counts()
    for source in sources:
        try:
            form = FORMATS[input_format(source, options.reading.from_)]
            subtitles = read_source(source, form.name)
        except CartesiaError as failure:
            if len(sources) == 1:
                raise
            console.note_failure(source, failure)
            counts = counts._replace(unread=counts.unread + 1)
            continue
        findings = _findings(subtitles, form, timings, profile, options.reading.language)
        for finding in findings:
            _show(source, finding, as_json=options.check.json)
        n_errors = sum(finding.severity == "error" for finding in findings)
        counts = counts._replace(
            errors=counts.errors + n_errors, warnings=counts.warnings + len(findings) - n_errors
        )
    _conclude(counts)


def _check_sources(sources: Sequence[str], words: str | None) -> None:
    if not sources:
        raise UsageError("There is nothing to check.", hint="For example: cartesia captions lint talk.srt")
    if [*sources, words].count(STDIN) > 1:
        raise UsageError("Standard input can be read only once.")
    if words is not None and len(sources) > 1:
        raise UsageError("--words belongs to one file.", hint="Check the files one by one.")


def _findings(
    subtitles: Subtitles,
    form: CaptionFormat,
    timings: Subtitles | None,
    profile: Profile,
    language: str | None,
) -> list[Finding]:
    """Return what is wrong; words alone are judged as they would be cut."""
    language = language or subtitles.language or (timings.language if timings else None)
    words = timings.words if timings else None
    if subtitles.cues is None:
        words = words or subtitles.words
        subtitles = subtitles.cut(profile, language=language)
    return lint_cues(
        subtitles.cues or (),
        profile,
        words=words,
        language=language,
        resolution=form.resolution,
        has_lines=form.has_lines,
    )


def _show(source: str, finding: Finding, *, as_json: bool) -> None:
    if as_json:
        console.data_json(
            {
                "file": source,
                "line": finding.line,
                "cue": finding.cue,
                "rule": finding.rule,
                "severity": finding.severity,
                "message": finding.message,
            }
        )
        return
    rule: str = finding.rule
    if console.use_color(sys.stdout):
        rule = f"{_COLORS[finding.severity]}{rule}{_PLAIN}"
    excuse = _EXCUSE if finding.severity == "warning" else ""
    console.data(f"{_one_line(source)}:{finding.line or 1}: {rule}: {_one_line(finding.message)}{excuse}\n")


def _one_line(text: str) -> str:
    """Return text without control characters: a file must not drive a terminal."""
    return "".join(" " if ord(char) < 32 or 127 <= ord(char) < 160 else char for char in text)


def _conclude(counts: _Counts) -> None:
    parts = [
        f"{count} {noun}{'s' if count != 1 else ''}"
        for count, noun in ((counts.errors, "error"), (counts.warnings, "warning"))
    ]
    if counts.unread:
        parts.append(f"{counts.unread} file{'s' if counts.unread != 1 else ''} could not be read")
    summary = ", ".join(parts)
    if counts.errors or counts.unread:
        raise PartialFailureError(f"{summary}.")
    if counts.warnings:
        console.note(summary)
