"""The table of all sockets. OpenAPI has no words for them, so they stand in an extension."""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct

from cartesia_cli.server.schemas import events, listening, speech
from cartesia_cli.server.schemas.kinds import Query


@dataclass(frozen=True, slots=True)
class Socket:
    """A path that answers a handshake."""

    path: str
    summary: str
    sends: Sequence[type[Struct]]
    """The JSON that clients send; what is not JSON is in the summary."""

    receives: Sequence[type[Struct]]
    """The JSON that the server sends."""

    query: type[Query] | None = None


SOCKETS = (
    Socket(
        "/tts/websocket",
        "Speak texts that are still being written, several at a time.",
        (speech.Generation, speech.Cancellation),
        events.SPEECH_EVENTS,
    ),
    Socket(
        "/stt/websocket",
        "Write down sound as it comes, in binary messages. The texts `finalize` and `close` are commands.",
        (),
        (listening.HeardText, listening.HeardMilestone, listening.ListeningError),
        listening.ManualQuery,
    ),
    Socket(
        "/stt/turns/websocket",
        "Write down sound as it comes, in binary messages, turn by turn.",
        (listening.TurnConfig, listening.TurnClose),
        (listening.HeardTurn, listening.ListeningError),
        listening.TurnsQuery,
    ),
)
