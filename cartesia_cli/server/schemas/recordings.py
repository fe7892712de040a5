"""The forms with recordings, and transcripts."""

from typing import Annotated, Any, Literal, get_args

from msgspec import Meta, field

from cartesia_cli.server.schemas.kinds import (
    Answer,
    Encoding,
    Form,
    Ignored,
    ListenEncoding,
    Query,
    SampleRate,
    Upload,
)

_Units = Annotated[
    Any,
    Meta(
        description="`word`: say when each word was said.",
        extra_json_schema={"type": "array", "items": {"enum": ["word"]}},
    ),
]
_Container = Annotated[str, Meta(extra_json_schema={"enum": ["raw", "wav", "mp3"]})]
_SampleRate = Annotated[Any, Meta(extra_json_schema={"type": "integer", "enum": [*get_args(SampleRate)]})]
_Encoding = Annotated[
    str,
    Meta(
        description="Needed for raw and wav.",
        extra_json_schema={"enum": [*get_args(Encoding)]},
    ),
]
_BitRate = Annotated[
    Any,
    Meta(
        description="Needed for mp3.",
        extra_json_schema={"type": "integer", "enum": [32000, 64000, 96000, 128000, 192000]},
    ),
]


class TranscriptionQuery(Query, kw_only=True):
    """What a recording without a header is."""

    encoding: Annotated[ListenEncoding | None, Meta(description="Of samples without a header.")] = None
    sample_rate: Annotated[
        Annotated[int, Meta(ge=1, le=9_999_999)] | None,
        Meta(description="Hertz, of samples without a header."),
    ] = None


class TranscriptionForm(Form, kw_only=True):
    """A recording of speech."""

    file: Upload
    model: Annotated[str, Meta(min_length=1, examples=["ink-whisper"])]
    language: Annotated[str | None, Meta(description="Like `en`.")] = None
    granularities: _Units = field(name="timestamp_granularities[]", default=None)
    plain_granularities: _Units = field(name="timestamp_granularities", default=None)


class OpenAITranscriptionForm(TranscriptionForm, kw_only=True):
    """A recording of speech, as OpenAI's clients send it. What they can ask for besides is not there."""

    response_format: Annotated[Literal["json"] | None, Meta(description="There is no other.")] = None
    temperature: Annotated[Literal["0", "0.0"] | None, Meta(description="There is no other.")] = None
    stream: Annotated[Literal["false"] | None, Meta(description="The answer comes whole.")] = None


class TranscribedWord(Answer, kw_only=True):
    """One word and when it was said, in seconds."""

    word: str
    start: float
    end: float


class TranscriptAnswer(Answer, kw_only=True):
    """What was said."""

    type: Literal["transcript"]
    request_id: str
    text: str
    language: str | None = None
    duration: Annotated[float | None, Meta(description="Of the recording, in seconds.")] = None
    words: Annotated[list[TranscribedWord] | None, Meta(description="If they were asked for.")] = None


class ChangeForm(Form, kw_only=True):
    """A recording, to be said by another voice."""

    clip: Upload
    voice_id: Annotated[str, Meta(min_length=1)] = field(name="voice[id]")
    container: _Container = field(name="output_format[container]")
    sample_rate: _SampleRate = field(name="output_format[sample_rate]")
    encoding: _Encoding | None = field(name="output_format[encoding]", default=None)
    bit_rate: _BitRate = field(name="output_format[bit_rate]", default=None)
    plain_voice_id: Annotated[str | None, Meta(description="Another name of `voice[id]`.")] = field(
        name="voice_id", default=None
    )


class ChangeStreamForm(ChangeForm, kw_only=True):
    """A recording, to be said by another voice, as events."""

    container: Annotated[str, Meta(extra_json_schema={"enum": ["raw"]})] = field(
        name="output_format[container]"
    )


class InfillForm(Form, kw_only=True):
    """A text, to be said between two recordings or beside one."""

    model_id: Annotated[str, Meta(min_length=1, examples=["sonic-3"])]
    transcript: Annotated[str, Meta(min_length=1)]
    voice_id: Annotated[str, Meta(min_length=1)]
    container: _Container = field(name="output_format[container]")
    sample_rate: _SampleRate = field(name="output_format[sample_rate]")
    encoding: _Encoding | None = field(name="output_format[encoding]", default=None)
    bit_rate: _BitRate = field(name="output_format[bit_rate]", default=None)
    language: str | None = None
    left_audio: Annotated[Upload | None, Meta(description="At least one of the two is needed.")] = None
    right_audio: Upload | None = None
    voice: Annotated[str | None, Meta(description="Another name of `voice_id`.")] = field(
        name="voice[id]", default=None
    )
    speed: Ignored = field(name="voice[__experimental_controls][speed]", default=None)
    emotion: Ignored = field(name="voice[__experimental_controls][emotion][]", default=None)
