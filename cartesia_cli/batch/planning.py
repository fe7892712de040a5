"""From a line of a manifest to a job: what is asked for, and which files it becomes."""

from collections.abc import Callable
from dataclasses import fields
from hashlib import sha256
from typing import Any, Literal, NamedTuple

from cartesia_cli.audio.formats import OutputFormat, output_formats, source_format
from cartesia_cli.batch.jobs import Job
from cartesia_cli.batch.manifest import Line
from cartesia_cli.batch.naming import Names
from cartesia_cli.local.languages import check_language
from cartesia_cli.models import AudioFormat, Encoding, EngineName, SpeechRequest
from cartesia_cli.sentences import is_speakable, split_parts

TransportName = Literal["auto", "bytes", "sse", "websocket"]


class FormatChoice(NamedTuple):
    """What was chosen for all files; each follows it as far as its kind has the choice."""

    format: str = "wav"
    """Of files whose name and line say nothing."""

    encoding: Encoding | None = None
    sample_rate: int | None = None
    bit_rate: int | None = None
    usual_encoding: Encoding | None = None
    usual_rate: int | None = None


class Planner:
    """Turns lines into jobs.

    Args:
        engine: which engine speaks.
        usual: what is asked for where a line says nothing else; its text and format do not matter.
        voice: as the user named that of ``usual``.
        find_voice: returns the ID of a voice by its name; it remembers.
        names: how files are called.
        choice: of formats.
        transport: how the cloud sends speech.
        timings: caption formats; a file of each is made beside the audio.
        origin: what shapes the speech besides: the engine's address, the words of a dictionary.
        rules: what shapes the timings: the rules of captions.

    Raises:
        UsageError: the choice of formats contradicts itself.
    """

    def __init__(
        self,
        engine: EngineName,
        usual: SpeechRequest,
        *,
        voice: str,
        find_voice: Callable[[str], str],
        names: Names,
        choice: FormatChoice,
        transport: TransportName = "auto",
        timings: tuple[str, ...] = (),
        origin: str = "",
        rules: str = "",
    ) -> None:
        self._engine = engine
        self._usual = usual
        self._voice = voice
        self._find_voice = find_voice
        self._names = names
        self._choice = choice
        self._may_come_as_mp3 = engine == "cloud" and transport in {"auto", "bytes"} and not timings
        self._timings = timings
        self._rules = sha256(rules.encode()).hexdigest()[:32] if timings else ""
        self._formats: dict[tuple[str, bool], tuple[OutputFormat, AudioFormat]] = {}
        # What an engine does not have shapes nothing.
        manner = usual.seed if engine == "local" else usual.normalization
        self._constant = repr((engine, origin, manner, usual.pronunciation_dict_id))
        self._embedding = sha256(repr(usual.voice_embedding).encode()).hexdigest()
        # A million times, this is a third of what `dataclasses.replace` takes.
        self._fields: dict[str, Any] = {each.name: getattr(usual, each.name) for each in fields(usual)}
        self._formats_of(f"*.{choice.format}", is_one_part=True)

    def plan(self, line: Line) -> Job:
        """Return the job of a line.

        Raises:
            UsageError: the line asks for something that cannot be.
            CartesiaError: a voice cannot be looked up.
        """
        voice = line.voice or self._voice
        name = self._names.name(line, voice, line.format or self._choice.format)
        parts = self._parts(line.text)
        output, source = self._formats_of(name, is_one_part=len(parts) == 1)
        usual = self._usual
        is_embedded = usual.voice_embedding is not None and line.voice is None
        wanted = {
            **self._fields,
            "voice_id": usual.voice_id if is_embedded else self._find_voice(voice),
            "voice_embedding": usual.voice_embedding if is_embedded else None,
            "format": source,
            "model_id": line.model or usual.model_id,
            "language": line.language or usual.language,
            "locale": None if line.language else usual.locale,
            "speed": usual.speed if line.speed is None else line.speed,
            "volume": usual.volume if line.volume is None else line.volume,
            "emotion": line.emotion or usual.emotion,
        }
        requests = tuple(SpeechRequest(**{**wanted, "transcript": part}) for part in parts)
        if self._engine == "local":
            check_language(requests[0].language, requests[0].locale)
        return Job(
            line.number,
            line.id,
            name,
            requests,
            output,
            tuple((f"{name.removesuffix(_ending(name))}.{each}", each) for each in self._timings),
            self._fingerprint(requests[0], parts, output),
            self._rules,
        )

    def _parts(self, text: str) -> list[str]:
        if self._engine == "local":
            return [text]
        return [part for part in split_parts(text) if is_speakable(part)]

    def _formats_of(self, name: str, *, is_one_part: bool) -> tuple[OutputFormat, AudioFormat]:
        ending = _ending(name)
        straight = is_one_part and self._may_come_as_mp3
        found = self._formats.get((ending, straight))
        if found is None:
            choice = self._choice
            # What was chosen for all holds where it can: the first stands for those that have the choice.
            *_, output = output_formats(
                [f"*.{choice.format}", name],
                encoding=choice.encoding,
                sample_rate=choice.sample_rate,
                bit_rate=choice.bit_rate,
                usual_encoding=choice.usual_encoding,
                usual_rate=choice.usual_rate,
                straight_mp3=straight,
            )
            found = output, source_format([output], straight_mp3=straight)
            self._formats[ending, straight] = found
        return found

    def _fingerprint(self, request: SpeechRequest, parts: list[str], output: OutputFormat) -> str:
        shaping = (
            self._constant,
            parts,
            (request.voice_id,) if request.voice_embedding is None else self._embedding,
            request.model_id if self._engine == "cloud" else None,
            request.language,
            request.locale,
            request.speed,
            request.volume,
            request.emotion,
            (output.name, str(output.encoding), output.sample_rate, output.bit_rate),
        )
        return sha256(repr(shaping).encode(errors="surrogatepass")).hexdigest()[:32]


def _ending(name: str) -> str:
    """Return the ending of a name that has one, with its dot."""
    return name[name.rindex(".") :]
