"""What every schema is: a body, a form, a query or an answer. Bodies and forms have no other fields."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct


class Body(Struct, forbid_unknown_fields=True, kw_only=True):
    """A JSON object that a client sends."""


class Form(Struct, forbid_unknown_fields=True, kw_only=True):
    """A form that a client sends: text and files.

    What decoders check is text here, whatever the document says of it.
    """


class Query(Struct, kw_only=True):
    """Parameters of a URL; others are left alone."""


class Answer(Struct, kw_only=True):
    """A JSON object that the server sends; newer versions may have more in it."""


class File:
    """A part of a form that is a file."""


Upload = Annotated[File, Meta(extra_json_schema={"type": "string", "format": "binary"})]

Anything = Annotated[Any, Meta(description="Of an older version; ignored.", extra_json_schema={})]

SampleRate = Literal[8000, 16000, 22050, 24000, 44100, 48000]
Encoding = Literal["pcm_f32le", "pcm_s16le", "pcm_mulaw", "pcm_alaw"]
ListenEncoding = Literal["pcm_s16le", "pcm_s32le", "pcm_f16le", "pcm_f32le", "pcm_mulaw", "pcm_alaw"]
Gender = Literal["masculine", "feminine", "gender_neutral"]
Name = Annotated[str, Meta(min_length=1)]
NextPage = Annotated[str | None, Meta(description="The cursor of the next page.")]
Ignored = Annotated[str | None, Meta(description="Of an older version; ignored.")]
Time = Annotated[str, Meta(examples=["2026-01-01T00:00:00Z"], extra_json_schema={"format": "date-time"})]


class PageQuery(Query, kw_only=True):
    """Which part of a list is asked for. Both cursors at once are an error."""

    limit: Annotated[int, Meta(ge=1, le=100, description="How many items at most.")] = 10
    starting_after: Annotated[
        str | None, Meta(description="The ID after which the page begins; past the end it is empty.")
    ] = None
    ending_before: Annotated[str | None, Meta(description="The ID before which the page ends.")] = None
