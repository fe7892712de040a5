"""Speech requests, as bodies of ``/tts/bytes`` and ``/tts/sse`` and as messages of ``/tts/websocket``."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from cartesia_cli.server.schemas.kinds import Anything, Body, Encoding, SampleRate


class OutputFormat(Body, kw_only=True):
    """How the audio is to come. Always mono."""

    container: Literal["raw", "wav", "mp3"]
    sample_rate: Annotated[SampleRate, Meta(description="Hertz.")]
    encoding: Annotated[
        Encoding | Literal[""] | None, Meta(description="Of each sample. Needed for raw and wav.")
    ] = None
    bit_rate: Annotated[
        int | Literal[""] | None,
        Meta(description="32000, 64000, 96000, 128000 or 192000. Needed for mp3, else ignored."),
    ] = None


class RawOutputFormat(OutputFormat, kw_only=True):
    """How the audio of an event is to come: as samples alone."""

    container: Literal["raw"]


class VoiceSpecifier(Struct, kw_only=True):
    """Who speaks. Other keys are ignored."""

    id: Annotated[Annotated[str, Meta(min_length=1)] | None, Meta(description="See `GET /voices`.")] = None
    mode: Annotated[str | None, Meta(description="`id` or, in older versions, `embedding`.")] = None
    embedding: Annotated[list[float] | None, Meta(description="Of older versions, instead of an ID.")] = None
    experimental_controls: Anything = field(name="__experimental_controls", default=None)


class GenerationConfig(Body, kw_only=True):
    """How the voice speaks."""

    speed: Annotated[
        Annotated[float, Meta(ge=0.6, le=1.5)] | None, Meta(description="Times the voice's own pace.")
    ] = None
    volume: Annotated[
        Annotated[float, Meta(ge=0.5, le=2)] | None, Meta(description="Times the voice's own level.")
    ] = None
    emotion: Annotated[str | None, Meta(description="Like `calm` or `excited`.")] = None


class _Manner(Body, kw_only=True):
    language: Annotated[str | None, Meta(description="Like `en`. Not together with `locale`.")] = None
    locale: Annotated[str | None, Meta(description="Like `en-GB`. Not together with `language`.")] = None
    normalization: Annotated[str | None, Meta(description="`auto`, `off` or a locale.")] = None
    generation_config: GenerationConfig | None = None
    pronunciation_dict_id: str | None = None
    speed: Annotated[
        Literal["slow", "normal", "fast"] | None, Meta(description="Deprecated: see `generation_config`.")
    ] = None
    duration: Annotated[float | None, Meta(description="Of an older version; ignored.")] = None
    experimental_voice_controls: Anything = field(name="_experimental_voice_controls", default=None)

    add_timestamps: Annotated[bool | None, Meta(description="Send when each word is spoken.")] = None
    add_phoneme_timestamps: Annotated[bool | None, Meta(description="And each phoneme.")] = None
    use_normalized_timestamps: bool | None = None
    use_original_timestamps: bool | None = None
    context_id: Annotated[
        str | None, Meta(description="Comes back in every event. On a socket, whose text this is.")
    ] = None
    stream: Anything = None


Transcript = Annotated[str, Meta(min_length=1, description="What is to be said: more than punctuation.")]
Speaker = Annotated[
    Annotated[str, Meta(min_length=1)] | VoiceSpecifier,
    Meta(description="The ID of a voice, or an object with one."),
]
ModelId = Annotated[str, Meta(min_length=1, examples=["sonic-latest"])]


class SpeechRequest(_Manner, kw_only=True):
    """A text to be spoken, as a file; what is for events has no effect."""

    model_id: ModelId
    transcript: Transcript
    voice: Speaker
    output_format: OutputFormat
    save: Annotated[bool | None, Meta(description="Name a file in `Cartesia-File-ID`.")] = None


class SpeechStreamRequest(_Manner, kw_only=True):
    """A text to be spoken, as events."""

    model_id: ModelId
    transcript: Transcript
    voice: Speaker
    output_format: RawOutputFormat


class Generation(_Manner, kw_only=True, rename={"continue_": "continue"}):
    """A part of a text to be spoken, on a socket.

    The first message of a context names model, voice and format; later ones need not.
    """

    transcript: Annotated[str, Meta(description="Parts are joined as they are. May be empty at the end.")]
    model_id: ModelId | None = None
    voice: Speaker | None = None
    output_format: RawOutputFormat | None = None
    continue_: Annotated[bool | None, Meta(description="Whether more of this text follows.")] = None
    flush: Annotated[bool | None, Meta(description="Speak at once what there is.")] = None
    cancel: bool | None = None
    max_buffer_delay_ms: Annotated[
        Annotated[int, Meta(ge=0, le=5000)] | None,
        Meta(description="How long text may wait for more of it; 3000 if it is not said."),
    ] = None


class Cancellation(Body, kw_only=True):
    """Ends a context before its text is spoken."""

    context_id: str
    cancel: Annotated[bool, Meta(description="`true`.")]
