"""How sound is to be heard: requests for live transcription ⇄ the queries of both sockets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from cartesia_cli.models import ListenRequest
from cartesia_cli.wire.refusals import refuse
from cartesia_cli.wire.values import finite, shorten

SAMPLE_WIDTHS: Mapping[str, int] = {
    "pcm_s16le": 2,
    "pcm_s32le": 4,
    "pcm_f16le": 2,
    "pcm_f32le": 4,
    "pcm_mulaw": 1,
    "pcm_alaw": 1,
}
"""Bytes per sample of each encoding."""

Query = dict[str, str | list[str]]
"""Values by name; a name comes once for each item of a list."""

_MOST_HERTZ = 768_000
_MOST_KEYTERMS, _MOST_KEYTERM_CHARS = 100, 1_200


@dataclass(frozen=True, slots=True)
class TurnRules:
    """When a turn begins and ends; probabilities that someone is speaking."""

    start: float = 0.8
    eager_end: float = 0.4
    end: float = 0.2
    end_timeout_ms: float = 5_600.0
    """Of silence, after which a turn ends in any case."""

    def checked(self) -> "TurnRules":
        """Return the same.

        Raises:
            RequestError: a value is out of its range, or the thresholds are not in order.
        """
        for name, (low, high) in _TURN_RANGES.items():
            if not low <= getattr(self, name) <= high:
                refuse("Invalid turn detection", f"{_TURN_KEYS[name]} must be between {low:g} and {high:g}.")
        if not self.start > self.eager_end > self.end:
            refuse(
                "Invalid turn detection",
                "start_threshold must be above eager_end_threshold, and that above end_threshold.",
            )
        return self


_TURN_KEYS = {
    "start": "start_threshold",
    "eager_end": "eager_end_threshold",
    "end": "end_threshold",
    "end_timeout_ms": "end_timeout_ms",
}
_TURN_RANGES = {
    "start": (0.5, 0.9),
    "eager_end": (0.3, 0.6),
    "end": (0.05, 0.5),
    "end_timeout_ms": (640.0, 11_200.0),
}


def encode_listen_query(request: ListenRequest, *, model_id: str) -> Query:
    """Return the query that opens a socket; what is not set, or has no form there, is left out.

    Turns are English, and know no volume; their silence is the longest that may last within a turn.

    Args:
        request: what is wanted.
        model_id: taken if the request names none.
    """
    query: Query = {
        "model": request.model_id or model_id,
        "encoding": request.encoding,
        "sample_rate": str(request.sample_rate),
    }
    silence = request.max_silence
    if request.turns:
        if silence is not None:
            query["turn_end_timeout_ms"] = f"{silence * 1_000:.10g}"
    else:
        if request.language is not None:
            query["language"] = request.language
        if request.min_volume is not None:
            query["min_volume"] = f"{request.min_volume:.10g}"
        if silence is not None:
            query["max_silence_duration_secs"] = f"{silence:.10g}"
    if request.keyterms:
        query["keyterm"] = list(request.keyterms)
    return query


def decode_listen_query(query: Iterable[tuple[str, str]], *, turns: bool) -> ListenRequest:
    """Return what a client asked for when it opened a socket.

    Raises:
        RequestError: as the API answers with status 400; title and code are set.
    """
    values: dict[str, str] = {}
    keyterms: list[str] = []
    for name, value in query:
        if name == "keyterm":
            keyterms.append(value)
        elif value:
            values[name] = value
    if "model" not in values:
        refuse("Invalid model", "model is required.", "model_not_found")
    if len(keyterms) > _MOST_KEYTERMS or sum(map(len, keyterms)) > _MOST_KEYTERM_CHARS:
        refuse(
            "Invalid keyterms",
            f"keyterm may be given {_MOST_KEYTERMS} times, with {_MOST_KEYTERM_CHARS} characters together.",
        )
    asked = ListenRequest(
        encoding=_decode_encoding(values),
        sample_rate=_decode_sample_rate(values),
        model_id=values["model"],
        keyterms=tuple(term for term in keyterms if term.strip()),
        turns=turns,
    )
    if turns:
        decode_turn_rules(values, prefix="turn_")
        timeout = _number(values, "turn_end_timeout_ms")
        return replace(asked, max_silence=None if timeout is None else timeout / 1_000)
    volume, silence = _number(values, "min_volume"), _number(values, "max_silence_duration_secs")
    if volume is not None and not 0 <= volume <= 1:
        refuse("Invalid min_volume", "min_volume must be between 0 and 1.")
    if silence is not None and silence <= 0:
        refuse("Invalid max_silence_duration_secs", "max_silence_duration_secs must be above 0.")
    return replace(asked, language=values.get("language"), min_volume=volume, max_silence=silence)


def _decode_encoding(values: Mapping[str, str]) -> str:
    encoding = values.get("encoding")
    if encoding is None or encoding not in SAMPLE_WIDTHS:
        refuse(
            "Invalid encoding",
            f"encoding must be one of {', '.join(SAMPLE_WIDTHS)}.",
            "unsupported_audio_format",
        )
    return encoding


def _decode_sample_rate(values: Mapping[str, str]) -> int:
    text = values.get("sample_rate", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 0 < int(text) <= _MOST_HERTZ):
        refuse(
            "Invalid sample rate",
            f"sample_rate must be a number of hertz, at most {_MOST_HERTZ}.",
            "unsupported_audio_format",
        )
    return int(text)


def decode_turn_rules(
    fields: Mapping[str, object], rules: TurnRules | None = None, *, prefix: str = ""
) -> TurnRules:
    """Return rules with what is said of them.

    Args:
        fields: of a query, or of a ``config``.
        rules: what holds where nothing is said; the API's own if there are none.
        prefix: of the names.

    Raises:
        RequestError: a value is no number or out of its range, or the thresholds are not in order.
    """
    changes = {
        name: value
        for name, key in _TURN_KEYS.items()
        if (value := _number(fields, f"{prefix}{key}")) is not None
    }
    return replace(rules or TurnRules(), **changes).checked()


def _number(fields: Mapping[str, object], key: str) -> float | None:
    """Return a number of a query, where it is text, or of a JSON object; None if it is not there."""
    value = fields.get(key)
    if value is None:
        return None
    try:
        return finite(float(value) if isinstance(value, str) else value)
    except ValueError:  # also a MalformedError
        return refuse(f"Invalid {key}", f"{key} must be a number, not {shorten(value)}.")
