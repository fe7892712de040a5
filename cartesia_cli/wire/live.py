"""Messages of live transcription: ``/stt/websocket`` and ``/stt/turns/websocket``."""

import json
from collections.abc import Iterator, Mapping
from enum import Enum, auto, unique
from typing import Any, Literal

from cartesia_cli.errors import CartesiaError, UnavailableError
from cartesia_cli.models import TranscriptUpdate, WordTiming
from cartesia_cli.wire.errors import decode_error, encode_error_event, event_status
from cartesia_cli.wire.listening import TurnRules, decode_turn_rules
from cartesia_cli.wire.refusals import refuse
from cartesia_cli.wire.values import MalformedError, finite, load_json, one_line, printable, shorten

Command = Literal["finalize", "close"]

TurnEvent = Literal["connected", "turn.start", "turn.update", "turn.eager_end", "turn.resume", "turn.end"]

_HINT_SERVER = "Try again; if it happens again, the server is not compatible."


@unique
class Milestone(Enum):
    """What a server says beside words."""

    FLUSHED = auto()
    """The sound before a ``finalize`` has been written down."""

    DONE = auto()
    """All sound has been written down; the server closes."""


# ---- what a client says


def encode_command(command: Command, *, turns: bool) -> str:
    """Return the text of a command; with turns there is only ``close``."""
    return json.dumps({"type": command}) if turns else command


def decode_command(text: str) -> Command:
    """Return a command of the manual socket: a bare word, or that word in JSON; ``close`` was once ``done``.

    Raises:
        RequestError: it is none.
    """
    word: object = text.strip()
    if text.lstrip()[:1] in {'"', "{"}:
        try:
            word = load_json(text)
        except MalformedError:
            word = text
        if isinstance(word, dict):
            word = word.get("type")
    match str(word).strip().lower():
        case "finalize":
            return "finalize"
        case "close" | "done":
            return "close"
        case _:
            return refuse("Unrecognized message", f"Send sound, finalize or close, not {shorten(text)}.")


def decode_turn_command(text: str, rules: TurnRules) -> TurnRules | None:
    """Return the rules from now on; None if the client sends no more.

    Raises:
        RequestError: the message is none that the API knows.
    """
    try:
        payload = load_json(text)
    except MalformedError:
        payload = None
    match payload:
        case {"type": "close"}:
            return None
        case {"type": "config"}:
            changes = payload.get("turn")
            if changes is None:
                return rules
            if isinstance(changes, dict):
                return decode_turn_rules(changes, rules)
        case _:
            pass
    return refuse("Unrecognized message type", f"Send sound, close or config, not {shorten(text)}.")


# ---- what a server says


def decode_update(data: str | bytes) -> TranscriptUpdate | Milestone | None:
    """Return what a message of either socket says; None if it is nothing that is needed.

    The text of an update is that of the utterance alone. A message of a type that is not known is nothing,
    so that a newer API does not break an older client.

    Raises:
        CredentialsError, LimitError, RequestError, UnavailableError: the message reports an error.
        UnavailableError: the message is not what the API documents.
    """
    try:
        payload = load_json(data)
        if not isinstance(payload, dict):
            raise MalformedError("not an object")  # noqa: TRY301  one place for all that cannot be read
        match payload.get("type"):
            case "transcript":
                return _decode_transcript(payload)
            case "turn.update" | "turn.eager_end":
                return TranscriptUpdate("interim", _readable(payload.get("transcript")))
            case "turn.end":
                return TranscriptUpdate("turn", _readable(payload.get("transcript")))
            case "flush_done":
                return Milestone.FLUSHED
            case "done":
                return Milestone.DONE
            case "error":
                pass
            case _:
                return None
    except MalformedError as error:
        raise UnavailableError(
            f"The API sent a transcript that cannot be read: {one_line(str(error), 120)}.", hint=_HINT_SERVER
        ) from error
    raise decode_error(event_status(payload), payload)


def encode_update(
    update: TranscriptUpdate, *, request_id: str, language: str, continued: bool
) -> dict[str, Any]:
    """Return a message of the manual socket.

    Args:
        update: to be sent.
        request_id: of the connection.
        language: of the text.
        continued: whether a final text was sent before. Clients join final texts as they are, so the
            blank between two of them is a part of the second.
    """
    fields: dict[str, Any] = {
        "type": "transcript",
        "request_id": request_id,
        "text": f" {update.text}" if continued and update.text else update.text,
        "is_final": update.kind != "interim",
        "language": language,
        "words": [
            {"word": word.word, "start": round(word.start, 6), "end": round(word.end, 6)}
            for word in update.words
        ],
    }
    if update.start is not None and update.end is not None:
        fields["duration"] = round(update.end - update.start, 6)
    return fields


def encode_milestone(milestone: Milestone, *, request_id: str) -> dict[str, Any]:
    """Return the message that answers a command."""
    return {"type": "done" if milestone is Milestone.DONE else "flush_done", "request_id": request_id}


def encode_turn(kind: TurnEvent, *, request_id: str, transcript: str | None = None) -> dict[str, Any]:
    """Return a message of the socket with turns; ``transcript`` is all of the turn so far."""
    fields = {"type": kind, "request_id": request_id}
    return fields if transcript is None else {**fields, "transcript": transcript}


def encode_live_error(error: CartesiaError, *, status: int, request_id: str) -> dict[str, Any]:
    """Return an error message, for clients of every version; it has no ``done``, which would mean the end."""
    fields = encode_error_event(error, status=status)
    return {key: value for key, value in fields.items() if key != "done"} | {"request_id": request_id}


def _decode_transcript(payload: Mapping[str, Any]) -> TranscriptUpdate:
    items = payload.get("words")
    if items is not None and not isinstance(items, list):
        raise MalformedError(f"its words are {shorten(items)}")
    words = tuple(word for item in items or () for word in _decode_words(item) if word.word)
    return TranscriptUpdate(
        "final" if payload.get("is_final") is True else "interim",
        _readable(payload.get("text")),
        words[0].start if words else None,
        max(word.end for word in words) if words else None,
        words,
    )


def _decode_words(item: object) -> Iterator[WordTiming]:
    """Yield the word of an item; the official client's types have ``words``, of one or of many."""
    if not isinstance(item, dict):
        raise MalformedError(f"one of its words is {shorten(item)}")
    columns = [item.get("word", item.get("words")), item.get("start"), item.get("end")]
    if not all(isinstance(column, list) for column in columns):
        columns = [[value] for value in columns]
    try:
        rows = list(zip(*columns, strict=True))
    except ValueError as error:
        raise MalformedError("columns of unequal length") from error
    for name, begin, end in rows:
        start = max(0.0, finite(begin))
        yield WordTiming(printable(name).strip(), start, max(start, finite(end)))


def _readable(value: object) -> str:
    """Return a text on one line, without control characters and without white space around it."""
    if not isinstance(value, str):
        raise MalformedError("there is no text in it")
    return printable(" ".join(value.split()))
