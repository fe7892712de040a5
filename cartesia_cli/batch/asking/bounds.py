"""Answers that have an end: nobody looks at each of a million."""

from cartesia_cli.errors import UnavailableError
from cartesia_cli.models import AudioChunk, Speak, SpeechEvents, SpeechRequest

_LEAST = 60.0
"""Seconds that speech may have, however short its text."""

_SECONDS_A_CHARACTER = 2.0
"""More than ten times of what the slowest speech takes; and more than a pause that a tag asks for."""


def bounded(speak: Speak) -> Speak:
    """Return ``speak``, whose speech ends with an error where it is far longer than its text can be."""

    def speak_bounded(request: SpeechRequest) -> SpeechEvents:
        longest = _LEAST + _SECONDS_A_CHARACTER * len(request.transcript)
        n_left = int(longest * request.format.bytes_per_second)
        for event in speak(request):
            if isinstance(event, AudioChunk):
                n_left -= len(event.data)
                if n_left < 0:
                    failure = UnavailableError(
                        f"The speech does not end: it is longer than {longest:.0f} s.",
                        hint="Check --base-url.",
                    )
                    failure.is_passing = False
                    raise failure
            yield event

    return speak_bounded
