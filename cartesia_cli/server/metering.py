"""Engines whose work is noted in a ledger, at the API's prices, once there is something of it."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cartesia_cli.engines import LiveTranscriber, Synthesizer, Transcriber, VoiceChanger
from cartesia_cli.models import (
    AudioChunk,
    AudioFormat,
    EngineName,
    ListenRequest,
    SpeechEvents,
    SpeechRequest,
    TextPiece,
    Traffic,
    Transcript,
    TranscriptUpdates,
)
from cartesia_cli.server.staff import Staff
from cartesia_cli.server.storage.usage import Ledger
from cartesia_cli.wire.listening import SAMPLE_WIDTHS

_PER_CHARACTER = 1.0
"""Credits; so are all below."""

_PER_INFILL = 300.0
_PER_CHANGED_SECOND = 15.0
_PER_RECORDED_SECOND = 0.5
_PER_LIVE_SECOND = 1.0
_PER_TURN_SECOND = 3.0
"""Of ``ink-2``; ``ink-whisper`` costs a third."""


def metered(staff: Staff, ledger: Ledger) -> Staff:
    """Return the same engines; what they do is noted in ``ledger``."""
    return replace(
        staff,
        synthesizer=MeteredSynthesizer(staff.synthesizer, ledger),
        transcriber=staff.transcriber and MeteredTranscriber(staff.transcriber, ledger),
        live_transcriber=staff.live_transcriber and MeteredLiveTranscriber(staff.live_transcriber, ledger),
        changer=staff.changer and MeteredVoiceChanger(staff.changer, ledger),
    )


@dataclass(frozen=True, slots=True)
class MeteredSynthesizer:
    """Fits ``Synthesizer``; each character costs."""

    engine: Synthesizer
    ledger: Ledger

    @property
    def name(self) -> EngineName:
        """Which engine this is."""
        return self.engine.name

    @property
    def traffic(self) -> Traffic:
        """Requests made and repeated so far."""
        return self.engine.traffic

    def synthesize(self, request: SpeechRequest, /) -> SpeechEvents:
        """Yield what the engine does; the text is paid for with the first sound."""
        events = self.engine.synthesize(request)
        return _paid(events, self.ledger, len(request.transcript) * _PER_CHARACTER)

    def stream(self, request: SpeechRequest, pieces: Iterable[TextPiece], /) -> SpeechEvents:
        """Yield what the engine does; every piece of text is paid for when it is taken."""
        return self.engine.stream(request, self._counted(pieces))

    def close(self) -> None:
        """Free connections and models."""
        self.engine.close()

    def _counted(self, pieces: Iterable[TextPiece]) -> Iterator[TextPiece]:
        for piece in pieces:
            if isinstance(piece, str):
                self.ledger.add(len(piece) * _PER_CHARACTER)
            yield piece


@dataclass(frozen=True, slots=True)
class MeteredTranscriber:
    """Fits ``Transcriber``; each second costs."""

    engine: Transcriber
    ledger: Ledger

    def transcribe(self, recording: Path, /, **how: Any) -> Transcript:
        """Return what the engine does."""
        transcript = self.engine.transcribe(recording, **how)
        self.ledger.add((transcript.duration or 0.0) * _PER_RECORDED_SECOND)
        return transcript

    def close(self) -> None:
        """Free connections and models."""
        self.engine.close()


@dataclass(frozen=True, slots=True)
class MeteredLiveTranscriber:
    """Fits ``LiveTranscriber``; each second costs."""

    engine: LiveTranscriber
    ledger: Ledger

    def listen(self, request: ListenRequest, sound: Iterable[bytes], /) -> TranscriptUpdates:
        """Yield what the engine does."""
        is_newer = (request.model_id or "").startswith("ink-2")
        price = _PER_TURN_SECOND if is_newer else _PER_LIVE_SECOND
        per_byte = price / (SAMPLE_WIDTHS.get(request.encoding, 2) * request.sample_rate)

        def counted() -> Iterator[bytes]:
            for block in sound:
                self.ledger.add(len(block) * per_byte)
                yield block

        return self.engine.listen(request, counted())

    def close(self) -> None:
        """Free connections and models."""
        self.engine.close()


@dataclass(frozen=True, slots=True)
class MeteredVoiceChanger:
    """Fits ``VoiceChanger``; each second costs, or each character."""

    engine: VoiceChanger
    ledger: Ledger

    def change_voice(self, recording: Path, voice_id: str, format: AudioFormat, /) -> SpeechEvents:
        """Yield what the engine does; its length is that of the recording."""
        with closing(self.engine.change_voice(recording, voice_id, format)) as events:
            for event in events:
                if isinstance(event, AudioChunk):
                    self.ledger.add(format.seconds(len(event.data)) * _PER_CHANGED_SECOND)
                yield event

    def infill(self, request: SpeechRequest, left: Path | None, right: Path | None, /) -> SpeechEvents:
        """Yield what the engine does; the text is paid for with the first sound."""
        events = self.engine.infill(request, left, right)
        price = _PER_INFILL + len(request.transcript) * _PER_CHARACTER
        return _paid(events, self.ledger, price)


def _paid(events: SpeechEvents, ledger: Ledger, price: float) -> SpeechEvents:
    """Yield events; the price is noted with the first sound."""
    with closing(events):
        is_paid = False
        for event in events:
            if not is_paid and isinstance(event, AudioChunk):
                is_paid = True
                ledger.add(price)
            yield event
