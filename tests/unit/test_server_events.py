import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.errors import UnavailableError
from cartesia_cli.models import (
    AudioChunk,
    AudioFormat,
    Encoding,
    SpeechRequest,
    WordTiming,
    WordTimings,
)
from cartesia_cli.server.speech.events import aligned, event_stream, frame
from tests.fakes.known import KnownSamples, known_s16, known_samples, known_words

TIMINGS = WordTimings((WordTiming("Köln", 0.0, 0.5),))
AUDIO = AudioFormat(Encoding.PCM_S16LE, 8_000)
REQUEST = SpeechRequest(
    "Good day to you", "6ccbfb76-1fc6-48f7-b71d-91ac6298247b", AUDIO, word_timestamps=True
)


@given(st.lists(st.one_of(st.binary(max_size=40), st.none())), st.sampled_from([1, 2, 4, 7]))
def test_audio_is_cut_anew_and_nothing_is_lost(parts: list[bytes | None], n_samples: int) -> None:
    events = [TIMINGS if part is None else AudioChunk(part) for part in parts]

    cut = list(aligned(iter(events), AUDIO, n_samples / AUDIO.sample_rate))

    chunks = [event.data for event in cut if isinstance(event, AudioChunk)]
    assert b"".join(chunks) == b"".join(part or b"" for part in parts)
    assert all(len(chunk) == 2 * n_samples for chunk in chunks[:-1])
    assert cut.count(TIMINGS) == parts.count(None)


def test_a_frame_is_a_name_and_one_line_of_json() -> None:
    assert (
        frame({"type": "note", "text": "Köln\n"})
        == 'event: note\ndata: {"type":"note","text":"Köln\\n"}\n\n'.encode()
    )


def test_the_time_of_a_step_is_what_the_engine_took() -> None:
    ticks = iter([10.0, 10.25, 11.0, 11.5, 12.0])
    events = iter([AudioChunk(b"\0\0"), AudioChunk(b"\0\0")])

    first, second, done = event_stream(events, REQUEST, clock=lambda: next(ticks))

    assert b'"step_time":250.0' in first
    assert b'"step_time":500.0' in second
    assert done == b'event: done\ndata: {"type":"done","done":true,"status_code":206}\n\n'


def test_a_failure_before_the_first_frame_is_raised() -> None:
    frames = event_stream(KnownSamples(fail_after=0).synthesize(REQUEST), REQUEST)

    with pytest.raises(UnavailableError, match="The voice broke"):
        next(frames)


# The voice whose samples are known is what other tests rely on.


def test_known_samples_follow_their_formula() -> None:
    samples = known_s16("one two three", 22_050)

    assert len(samples) == 3 * 6615
    for k in (0, 1, 5511, 5512, 6614, 6615, 9999, 13_230, 19_844):
        i, within = divmod(k, 6615)
        period = 22_050 // (120 + 10 * i)
        tone = 2 * 12_000 * abs(2 * (k % period) - period) // period - 12_000 if within < 5512 else 0
        assert samples[k] == tone + ((k * 40503) % 65536) // 1024 - 32


@pytest.mark.parametrize("encoding", list(Encoding))
def test_known_samples_are_the_same_in_every_encoding(encoding: Encoding) -> None:
    import numpy as np

    from cartesia_cli.audio import pcm

    exact = np.array(known_s16("one two", 8_000)) / 32_768
    decoded = pcm.decode(known_samples("one two", AudioFormat(encoding, 8_000)), encoding)

    # G.711 has 16 steps in each octave; near zero its steps are 8 and 16 of 32,768.
    tolerance = np.maximum(np.abs(exact) / 16, 20 / 32_768) if encoding.sample_width == 1 else 1 / 65_536
    assert np.all(np.abs(decoded - exact) <= tolerance)


@given(chunk_bytes=st.one_of(st.none(), st.integers(1, 9_000)), first=st.booleans())
def test_known_samples_are_the_same_however_they_are_cut(chunk_bytes: int | None, first: bool) -> None:
    events = list(KnownSamples(chunk_bytes=chunk_bytes, timings_first=first).synthesize(REQUEST))

    audio = b"".join(event.data for event in events if isinstance(event, AudioChunk))
    words = tuple(word for event in events if isinstance(event, WordTimings) for word in event.words)
    assert audio == known_samples(REQUEST.transcript, AUDIO)
    assert words == known_words(REQUEST.transcript)
