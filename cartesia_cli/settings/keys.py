"""Every key of the configuration: what it may be, and who may set it."""

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from cartesia_cli.access import check_base_url
from cartesia_cli.models import FILE_FORMATS, SAMPLE_RATES, Encoding


class Setting(NamedTuple):
    """A key of the configuration: what it may be, and who may set it."""

    must: str
    """Completes "KEY must …"."""

    read: Callable[[Any], Any] = str
    """Returns the value as ``Settings`` has it; raises ValueError if it is not allowed."""

    accepts: tuple[type, ...] = (str,)
    """The types that it has in TOML."""

    variables: Mapping[str, str | None] = MappingProxyType({})
    """Environment variables, the first one wins; each sets its own value, or always the one here."""

    in_project: bool = True
    """Whether a project file may set it: whatever could send a key elsewhere must not."""

    secret: bool = False
    """Whether messages may not show the value."""

    def parse(self, value: object) -> Any:
        """Return the value, checked.

        Raises:
            ValueError: it cannot be used; the message completes "KEY …".
        """
        if isinstance(value, self.accepts) and not isinstance(value, bool):
            try:
                return self.read(value)
            except (ValueError, OverflowError):
                pass
        is_short = isinstance(value, str | float) or (isinstance(value, int) and abs(value) < 10**9)
        shown = f", not {value!r:.60}" if is_short and not self.secret else ""
        raise ValueError(f"must {self.must}{shown}")

    def parse_text(self, text: str) -> Any:
        """Return the value of a text, as environment variables and ``config set`` have it.

        Raises:
            ValueError: it cannot be used; the message completes "KEY …".
        """
        value: object = text
        for kind in self.accepts:
            try:
                value = kind(text)
                break
            except ValueError:
                continue
        return self.parse(value)


def _text(value: str) -> str:
    if not value.strip() or not value.isprintable():
        raise ValueError(value)
    return value


def _one_of(*names: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in names:
            raise ValueError(value)
        return value

    return read


def _number_where(allowed: Callable[[float], bool], kind: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read(value: float) -> Any:
        if not (math.isfinite(value) and allowed(value)):
            raise ValueError(value)
        return kind(value)

    return read


def _language(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*", value):
        raise ValueError(value)
    return value


SETTINGS: Mapping[str, Setting] = {
    "engine": Setting(
        "be auto, cloud or local", _one_of("auto", "cloud", "local"), variables={"CARTESIA_ENGINE": None}
    ),
    "voice": Setting("be the name or the ID of a voice", _text, variables={"CARTESIA_VOICE": None}),
    "model": Setting("be the ID of a model", _text, variables={"CARTESIA_MODEL": None}),
    "stt_model": Setting("be the ID of a model", _text, variables={"CARTESIA_STT_MODEL": None}),
    "language": Setting("be a language like 'en'", _language, variables={"CARTESIA_LANGUAGE": None}),
    "format": Setting(f"be {', '.join(FILE_FORMATS[:-1])} or {FILE_FORMATS[-1]}", _one_of(*FILE_FORMATS)),
    "sample_rate": Setting(
        f"be one of {', '.join(map(str, SAMPLE_RATES))}",
        _number_where(SAMPLE_RATES.__contains__, int),
        accepts=(int,),
    ),
    "encoding": Setting(f"be one of {', '.join(Encoding)}", Encoding),
    "captions": Setting("be the name of a profile, or a file", _text),
    "timeout": Setting(
        "be a number of seconds above 0, at most a day",
        _number_where(lambda n: 0 < n <= 86_400, float),
        accepts=(float, int),
    ),
    "retries": Setting(
        "be a whole number from 0 to 100", _number_where(lambda n: 0 <= n <= 100, int), accepts=(int,)
    ),
    "device": Setting(
        "be the name or the index of a sound device", lambda v: _text(str(v)), accepts=(str, int)
    ),
    "gain": Setting(
        "be a number of decibels from -60 to 60",
        _number_where(lambda n: -60 <= n <= 60, float),
        accepts=(float, int),
    ),
    "color": Setting(
        "be auto, always or never",
        _one_of("auto", "always", "never"),
        variables={"NO_COLOR": "never", "FORCE_COLOR": "always"},
    ),
    "base_url": Setting(
        "be a URL like https://HOST/PATH, without a password or a query",
        check_base_url,
        variables={"CARTESIA_BASE_URL": None},
        in_project=False,
        secret=True,
    ),
}
"""Every key of the configuration but the tables."""
