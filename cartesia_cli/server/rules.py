"""What a server accepts, how much of it, and how long it waits."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The same for every request that an app answers. What is usual is so at the API too."""

    is_lenient: bool = False
    """Whether fields that nobody knows are passed over, and objects that nobody made are answered with an
    example, as servers do that only stand in for one. Otherwise they are refused."""

    concurrency: int | None = None
    """Texts that are spoken at the same time. Four times as many recordings and sockets that listen, and ten
    times as many sockets for speech, may be there too; more are refused with status 429. None refuses
    nothing."""

    max_body: int = 32 * 2**20
    """Bytes of a request without a file."""

    max_recording: int = 2 * 10**9
    """Bytes of a request with a recording."""

    max_clip: int = 64 * 2**20
    """Bytes of a request with a clip of a speaker."""

    chunk_seconds: float | None = 0.1
    """The length of an event's audio; None passes on the engine's chunks, even those that end inside a
    sample, which is only of use to try out clients."""

    context_expiry: float = 1.0
    """Seconds after its last sound at which a context ends that nobody continues."""

    speaking_idle: float = 300.0
    """Seconds without any message, either way, after which a socket for speech is closed."""

    listening_idle: float = 180.0
    """Seconds without any message of the client after which a socket for sound is closed."""


USUAL = Rules()


def rules_of(connection: HTTPConnection) -> Rules:
    """Return the rules of the app that a request came to."""
    rules: Rules = connection.app.state.rules
    return rules
