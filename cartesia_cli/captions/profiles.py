"""The rules of reading as numbers: built-in profiles, profile files, and what options override."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cartesia_cli.errors import UsageError

FRAME = 1 / 24
"""Seconds of one frame of film, the unit in which gaps between cues are given."""

_LATIN = (
    " af az bs ca cs cy da de es et eu fi fil fo fr ga gl ha hr ht hu id ig is it jv ku la lb ln lt lv mg mi "
    "ms mt nb nl nn no oc pl pt ro rw sk sl sn so sq su sv sw tl tn tr uz vi xh yo zu "
)
"""Languages in Latin script that share one reading speed; English has its own."""

_ALIASES = {
    "cmn": "zh",
    "yue": "zh",
    "wuu": "zh",
    "jpn": "ja",
    "kor": "ko",
    "zho": "zh",
    "tha": "th",
    "eng": "en",
}


@dataclass(frozen=True, slots=True)
class LanguageRules:
    """What one language has of its own; None leaves the profile's value."""

    max_chars: int | None = None
    cps: float | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """A profile for one language, in whole milliseconds, rounded so that keeping them keeps the profile."""

    max_chars: int
    max_lines: int
    min_duration: int
    min_duration_per_word: int
    max_duration: int
    cps: float
    gap: int
    chain: int
    extend: int

    def shortest(self, n_words: int) -> int:
        """Milliseconds that a cue of ``n_words`` words must last."""
        return min(self.max_duration, max(self.min_duration, n_words * self.min_duration_per_word))

    def reading_time(self, n_chars: int) -> int:
        """Milliseconds that reading ``n_chars`` characters takes."""
        return math.ceil(n_chars * 1000 / self.cps - 1e-6)


@dataclass(frozen=True, slots=True)
class Profile:
    """The rules that cues must keep. Times in seconds."""

    name: str
    max_chars: int = 42
    """Characters a line."""

    max_lines: int = 2
    min_duration: float = 5 / 6
    min_duration_per_word: float = 0.0
    max_duration: float = 7.0
    cps: float = 20.0
    """Characters a second that a viewer can read."""

    gap: float = 2 * FRAME
    """The least silence between two cues."""

    chain: float = 0.5
    """A gap up to this is closed to ``gap``; longer ones stay."""

    extend: float = 0.5
    """How long after its last sound a cue may stay so that it can be read."""

    languages: Mapping[str, LanguageRules] = field(default_factory=dict)
    """By language code; ``latin`` is every language in Latin script but English."""

    def limits(self, language: str | None = None) -> Limits:
        """Return the rules for one language (``ja``, ``pt-BR``; None: the profile's own values)."""
        code = re.split("[-_]", language.lower())[0] if language else ""
        code = _ALIASES.get(code, code)
        rules = self.languages.get(code)
        if rules is None:
            rules = self.languages.get("latin" if f" {code} " in _LATIN else "") or LanguageRules()
        return Limits(
            max_chars=rules.max_chars or self.max_chars,
            max_lines=self.max_lines,
            min_duration=math.ceil(self.min_duration * 1000 - 1e-6),
            min_duration_per_word=math.ceil(self.min_duration_per_word * 1000 - 1e-6),
            max_duration=math.floor(self.max_duration * 1000 + 1e-6),
            cps=rules.cps or self.cps,
            gap=round(self.gap * 1000),
            chain=round(max(self.chain, self.gap) * 1000),
            extend=round(self.extend * 1000),
        )


_SPEEDS = {
    "latin": LanguageRules(cps=17),
    "ja": LanguageRules(cps=7),
    "ko": LanguageRules(cps=14),
    "zh": LanguageRules(cps=11),
    "th": LanguageRules(cps=17),
}
_WIDTHS = {"ja": 23, "ko": 16, "zh": 16, "th": 35}

PROFILES: Mapping[str, Profile] = {
    "netflix": Profile(
        "netflix",
        languages={code: replace(rules, max_chars=_WIDTHS.get(code)) for code, rules in _SPEEDS.items()},
    ),
    "bbc": Profile("bbc", max_chars=37, min_duration_per_word=0.3, cps=18.0, extend=1.5, languages=_SPEEDS),
    "shorts": Profile("shorts", max_chars=24, min_duration=0.7, max_duration=5.0, gap=0.0, languages=_SPEEDS),
}

_COUNTS = frozenset({"max_chars", "max_lines"})
_KEYS = (
    "max_chars", "max_lines", "min_duration", "min_duration_per_word", "max_duration", "cps", "gap", "chain",
    "extend",
)  # fmt: skip
_MAY_BE_ZERO = frozenset({"min_duration", "min_duration_per_word", "gap", "chain", "extend"})


def load_profile(
    name_or_path: str,
    *,
    max_chars: int | None = None,
    max_lines: int | None = None,
    min_duration: float | None = None,
    max_duration: float | None = None,
    cps: float | None = None,
    gap: float | None = None,
) -> Profile:
    """Return a built-in profile, or that of a TOML file, with what is given here in its place, in seconds.

    A file starts from the profile that its key ``base`` names (``netflix`` without one). What it sets holds
    for every language but those that it names itself, in tables like ``[languages.ja]``.

    Raises:
        UsageError: no such profile; a file that cannot be read; a key that is unknown or of the wrong type,
            named with its line; values that contradict each other.
    """
    profile = PROFILES.get(name_or_path)
    if profile is None:
        profile = _read_profile(name_or_path)
    options = {
        "max_chars": max_chars,
        "max_lines": max_lines,
        "min_duration": min_duration,
        "max_duration": max_duration,
        "cps": cps,
        "gap": gap,
    }
    given = {key: value for key, value in options.items() if value is not None}
    for key, value in given.items():
        if (problem := _problem(key, value)) is not None:
            raise UsageError(f"--{key.replace('_', '-')} {problem}, not {value}.")
    profile = _with(profile, given)
    if profile.min_duration > profile.max_duration:
        raise UsageError(
            f"The shortest cue ({profile.min_duration:.3g} s) is longer than the longest "
            f"({profile.max_duration:.3g} s).",
            hint="Change --min-duration or --max-duration, or the profile's values.",
        )
    return profile


def _with(profile: Profile, values: Mapping[str, Any]) -> Profile:
    """Return the profile with these values, for every language."""
    languages = {
        code: LanguageRules(
            max_chars=None if "max_chars" in values else rules.max_chars,
            cps=None if "cps" in values else rules.cps,
        )
        for code, rules in profile.languages.items()
    }
    return replace(profile, languages=languages, **values)


def _problem(key: str, value: object) -> str | None:
    """Return what a value must be, if it is not; as the end of a sentence."""
    if key in _COUNTS:
        good = isinstance(value, int) and not isinstance(value, bool) and value >= 1
        return None if good else "must be a whole number from 1"
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return "must be a number"
    if value < 0 or (value == 0 and key not in _MAY_BE_ZERO):
        return "must not be negative" if key in _MAY_BE_ZERO else "must be more than 0"
    return None


def _read_profile(path: str) -> Profile:
    """Return the profile in a TOML file; every mistake is a `UsageError` with file and line."""
    import tomllib
    from difflib import get_close_matches

    if not path.endswith(".toml"):
        close = get_close_matches(path, PROFILES, n=1)
        raise UsageError(
            f"No caption profile is called {path!r}.",
            hint=f"Did you mean {close[0]}?"
            if close
            else f"It is one of {', '.join(PROFILES)}, or a file FILE.toml.",
        )
    try:
        text = Path(path).read_text("utf-8-sig")
        table = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"Cannot read the caption profile {path}: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not valid TOML: {error}.") from error
    return _decode_profile(table, _Source(path, text))


@dataclass(frozen=True, slots=True)
class _Source:
    """A profile file, for messages that name the line."""

    path: str
    text: str

    def error(self, key: str, problem: str, *, table: str = "", hint: str | None = None) -> UsageError:
        """Return the error for one key; ``table`` is the language whose table it stands in."""
        inside = not table
        for number, line in enumerate(self.text.splitlines(), 1):
            inside = inside or re.match(rf"\s*\[.*\b{re.escape(table)}\b", line) is not None
            if inside and re.match(rf"\s*(\[\s*)?([\w.\"'-]+\.)?[\"']?{re.escape(key)}\b", line):
                return UsageError(f"{self.path}, line {number}: {key} {problem}.", hint=hint)
        return UsageError(f"{self.path}: {key} {problem}.", hint=hint)


def _decode_profile(table: Mapping[str, Any], source: _Source) -> Profile:
    base_name = table.get("base", "netflix")
    base = PROFILES.get(base_name) if isinstance(base_name, str) else None
    if base is None:
        raise source.error("base", f"must be one of {', '.join(PROFILES)}, not {base_name!r}")
    values = {key: value for key, value in table.items() if key not in {"base", "languages"}}
    _check(values, _KEYS, source)
    profile = replace(_with(base, values), name=Path(source.path).stem)
    languages = table.get("languages", {})
    if not isinstance(languages, dict):
        raise source.error("languages", "must be a table")
    decoded = dict(profile.languages)
    for code, rules in languages.items():
        if not isinstance(rules, dict):
            raise source.error(code, "must be a table of max_chars and cps")
        _check(rules, ("max_chars", "cps"), source, table=code)
        decoded[code.lower()] = replace(decoded.get(code.lower(), LanguageRules()), **rules)
    return replace(profile, languages=decoded)


def _check(values: Mapping[str, Any], keys: tuple[str, ...], source: _Source, *, table: str = "") -> None:
    from difflib import get_close_matches

    for key, value in values.items():
        if key not in keys:
            close = get_close_matches(key, keys, n=1)
            hint = f"Did you mean {close[0]}?" if close else f"The keys are {', '.join(keys)}."
            raise source.error(key, "is not a key of a caption profile", table=table, hint=hint)
        if (problem := _problem(key, value)) is not None:
            raise source.error(key, f"{problem}, not {value!r}", table=table)
