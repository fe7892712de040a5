"""Queries and messages of ``/stt/websocket`` and ``/stt/turns/websocket``."""

from typing import Annotated, Literal

from msgspec import Meta

from cartesia_cli.server.schemas.kinds import Answer, ListenEncoding, Query
from cartesia_cli.server.schemas.recordings import TranscribedWord


class SoundQuery(Query, kw_only=True):
    """What the sound is that follows, in binary messages."""

    model: Annotated[str, Meta(examples=["ink-2"])]
    encoding: ListenEncoding
    sample_rate: Annotated[int, Meta(ge=1, le=768_000, description="Hertz.")]
    keyterm: Annotated[
        Annotated[list[str], Meta(max_length=100)] | None,
        Meta(description="Words that may occur; 1200 characters in all."),
    ] = None


class ManualQuery(SoundQuery, kw_only=True):
    """What the sound is that follows, and what is said in it."""

    language: str | None = None
    min_volume: Annotated[float, Meta(ge=0, le=1)] | None = None
    max_silence_duration_secs: Annotated[float, Meta(gt=0)] | None = None


class TurnsQuery(SoundQuery, kw_only=True):
    """What the sound is that follows, and when a turn begins and ends.

    The start's threshold is above that of the eager end, and that above the end's.
    """

    turn_start_threshold: Annotated[float, Meta(ge=0.5, le=0.9)] = 0.8
    turn_eager_end_threshold: Annotated[float, Meta(ge=0.3, le=0.6)] = 0.4
    turn_end_threshold: Annotated[float, Meta(ge=0.05, le=0.5)] = 0.2
    turn_end_timeout_ms: Annotated[float, Meta(ge=640, le=11_200)] = 5_600


class TurnRules(Answer, kw_only=True):
    """When a turn begins and ends."""

    start_threshold: float | None = None
    eager_end_threshold: float | None = None
    end_threshold: float | None = None
    end_timeout_ms: float | None = None


class TurnConfig(Answer, kw_only=True):
    """Changes when a turn begins and ends."""

    type: Literal["config"]
    turn: TurnRules


class TurnClose(Answer, kw_only=True):
    """Ends the sound."""

    type: Literal["close"]


class HeardText(Answer, kw_only=True):
    """What was heard since the last final text. Final texts are joined as they are."""

    type: Literal["transcript"]
    request_id: str
    text: str
    is_final: bool
    language: str
    words: list[TranscribedWord]
    duration: float | None = None


class HeardMilestone(Answer, kw_only=True):
    """A command has been obeyed: `finalize`, or `close`."""

    type: Literal["flush_done", "done"]
    request_id: str


class HeardTurn(Answer, kw_only=True):
    """What was heard of a turn."""

    type: Literal["connected", "turn.start", "turn.update", "turn.eager_end", "turn.resume", "turn.end"]
    request_id: str
    transcript: Annotated[str | None, Meta(description="All of the turn so far.")] = None


class ListeningError(Answer, kw_only=True):
    """What cannot be done."""

    type: Literal["error"]
    status_code: int
    title: str
    message: str
    request_id: str
    error: Annotated[str, Meta(description='For older clients: "Title: message".')]
    error_code: str | None = None
