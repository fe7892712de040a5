"""Recordings that the API says again with another voice, or between which it speaks."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Literal

from cartesia_cli.api.bodies import Form
from cartesia_cli.api.exchange import Exchange
from cartesia_cli.api.receiving import receive_bytes, receive_events
from cartesia_cli.api.recordings import Recording
from cartesia_cli.errors import UsageError
from cartesia_cli.models import AudioFormat, SpeechEvents, SpeechRequest, SpeechWarning
from cartesia_cli.wire.changing import encode_change, encode_infill, left_out


class Changing:
    """What ``api.Client`` does as ``engines.VoiceChanger``.

    Both methods raise CredentialsError, LimitError, RequestError, UnavailableError or UsageError before the
    first event or after any; what was yielded stays valid. Closing the iterator ends the request.
    """

    _exchange: Exchange

    def change_voice(
        self,
        recording: Path | BinaryIO,
        voice_id: str,
        format: AudioFormat,
        /,
        *,
        transport: Literal["bytes", "sse"] = "bytes",
        progress: Callable[[float], None] | None = None,
    ) -> SpeechEvents:
        """Yield the recording, said by another voice.

        Args:
            recording: a file of any kind that the API reads, or a stream of its bytes; it is sent as it is.
            voice_id: whose voice it is to be.
            format: of the sound that comes.
            transport: how it comes.
            progress: told now and then which share has been sent, 0 to 1; not of a pipe.
        """
        with Recording(recording, progress) as file:
            form = Form(encode_change(voice_id, format), {"clip": file})
            receive = receive_events if transport == "sse" else receive_bytes
            yield from receive(self._exchange, f"/voice-changer/{transport}", form, format)

    def infill(
        self, request: SpeechRequest, left: Path | BinaryIO | None, right: Path | BinaryIO | None, /
    ) -> SpeechEvents:
        """Yield speech that fits between two recordings; one of them may be missing."""
        fields = encode_infill(request)
        sides = {"left_audio": left, "right_audio": right}
        given = {name: side for name, side in sides.items() if side is not None}
        if not given:
            raise UsageError("There is no recording to fit to.", hint="Give one with --left or --right.")
        with ExitStack() as opened:
            form = Form(fields, {name: opened.enter_context(Recording(side)) for name, side in given.items()})
            if ignored := left_out(request):
                yield SpeechWarning(f"Infilling ignores {' and '.join(ignored)}.")
            yield from receive_bytes(self._exchange, "/infill/bytes", form, request.format)
