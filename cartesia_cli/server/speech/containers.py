"""Samples as WAV or MP3 while they are still being made."""

from collections.abc import Iterator, Mapping
from contextlib import closing

from cartesia_cli.audio.formats import OutputFormat, mp3_bit_rates
from cartesia_cli.audio.wav import pipe_header
from cartesia_cli.models import AudioChunk, AudioFormat, Container, SpeechEvent

CONTENT_TYPES: Mapping[Container, str] = {
    Container.RAW: "audio/pcm",
    Container.WAV: "audio/wav",
    Container.MP3: "audio/mpeg",
}


def wrapped(events: Iterator[SpeechEvent], audio: AudioFormat) -> Iterator[bytes]:
    """Yield the audio in ``events``, raw samples of ``audio``'s encoding and rate, in ``audio``'s container.

    Nothing is yielded before the first audio is there.
    """
    payload = (event.data for event in events if isinstance(event, AudioChunk))
    match audio.container:
        case Container.RAW:
            yield from payload
        case Container.WAV:
            header = unbounded_wav_header(audio)
            for data in payload:
                yield header + data
                header = b""
        case Container.MP3:
            yield from _mp3(payload, audio)


def unbounded_wav_header(audio: AudioFormat) -> bytes:
    """Return a WAV header whose two sizes are 0xFFFFFFFF, as the API sends it before it knows the length."""
    header = bytearray(pipe_header(audio.encoding, audio.sample_rate))
    header[4:8] = header[-4:] = b"\xff\xff\xff\xff"
    return bytes(header)


def _mp3(payload: Iterator[bytes], audio: AudioFormat) -> Iterator[bytes]:
    """Yield MP3; a bit rate that the standard has not at this sample rate becomes the highest that it has."""
    from cartesia_cli.audio.containers import Conversion

    _, most = mp3_bit_rates(audio.sample_rate)
    output = OutputFormat("mp3", None, audio.sample_rate, min(audio.bit_rate or 128_000, most))
    samples = AudioFormat(audio.encoding, audio.sample_rate)
    with closing(Conversion(samples, output)) as conversion:
        for data in payload:
            if ready := conversion.convert(data):
                yield ready
        yield conversion.finish()
