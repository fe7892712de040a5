"""A whole text over the TTS WebSocket: one context with one message."""

from cartesia_cli.api.endings import require_audio
from cartesia_cli.api.exchange import Exchange
from cartesia_cli.api.lines import Lines
from cartesia_cli.errors import CartesiaError
from cartesia_cli.models import SpeechEvents, SpeechRequest
from cartesia_cli.wire import encode_context, encode_text


def speak(exchange: Exchange, lines: Lines, request: SpeechRequest) -> SpeechEvents:
    """Yield the speech of a request; again from the beginning if it failed before there was any audio.

    Raises:
        CartesiaError: before the first event or after any; what was yielded stays valid.
    """
    n_retries = 0
    may_be_stale = True
    with exchange.kept():
        while True:
            line = lines.take()
            context = line.open(request.context_id)
            was_idle = line.n_opened > 1
            exchange.count_request()
            try:
                fields = encode_context(request, context.id)
                context.post(encode_text(fields, request.transcript, goes_on=False))
                yield from context.events(exchange.timeouts.first_byte, exchange.timeouts.stall)
                require_audio(context.n_audio, request.format)
            except CartesiaError as error:
                if context.n_audio or not context.may_help(error):
                    raise
                if was_idle and may_be_stale and context.is_lost:  # it was closed before this text came
                    may_be_stale = False
                elif exchange.pause(n_retries, error):
                    n_retries += 1
                else:
                    raise
            else:
                return
            finally:
                context.close()
