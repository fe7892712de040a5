"""Voices and accents."""

from typing import Annotated, Literal

from msgspec import Meta, field

from cartesia_cli.server.schemas.kinds import (
    Answer,
    Body,
    Form,
    Gender,
    Ignored,
    Name,
    NextPage,
    PageQuery,
    Query,
    Time,
    Upload,
)

_Expansions = Annotated[
    list[Literal["preview_file_url", "embedding", "is_starred"]] | None,
    Meta(description="What each voice is to have besides; all but the first are of older versions."),
]
_Embedding = Annotated[list[float], Meta(min_length=1)]
Tagline = Annotated[Annotated[str, Meta(max_length=32)] | None, Meta(description="A few words.")]


class VoiceQuery(Query, kw_only=True):
    """What a voice is to have."""

    expand: _Expansions = field(name="expand[]", default=None)


class VoicesQuery(PageQuery, kw_only=True):
    """Which voices are asked for."""

    q: Annotated[str | None, Meta(description="Occurs in the name, the description or the ID.")] = None
    is_owner: Annotated[bool | None, Meta(description="Whether they were made here.")] = None
    gender: Gender | None = None
    language: str | None = None
    expand: _Expansions = field(name="expand[]", default=None)


class VoiceLocale(Answer, kw_only=True):
    """A locale that a voice speaks."""

    locale: str
    is_native: bool


class VoiceMetadata(Answer, kw_only=True):
    """A voice that was just made."""

    id: str
    user_id: str
    name: str
    tagline: str
    description: str
    created_at: Time
    language: str
    access: Literal["private", "public"]
    visibility: Literal["owner", "all"]
    is_public: Annotated[bool, Meta(description="Of older versions: see `access`.")]


class Voice(Answer, kw_only=True):
    """Who speaks."""

    id: str
    name: str
    tagline: str
    description: str
    created_at: Time
    language: str
    locales: list[VoiceLocale]
    is_owner: bool
    access: Literal["private", "public"]
    visibility: Literal["owner", "all"]
    is_public: Annotated[bool, Meta(description="Of older versions: see `access`.")]
    gender: str | None = None
    accent: Annotated[str | None, Meta(description="An ID of the accents.")] = None
    country: str | None = None
    preview_file_url: Annotated[str | None, Meta(description="If it was asked for.")] = None
    embedding: Annotated[list[float] | None, Meta(description="Of older versions.")] = None
    is_starred: Annotated[bool | None, Meta(description="Of older versions.")] = None
    user_id: Annotated[str | None, Meta(description="Of older versions.")] = None


class VoicePage(Answer, kw_only=True):
    """Some voices."""

    data: list[Voice]
    has_more: bool
    next_page: NextPage = None


class VoiceUpdate(Body, kw_only=True):
    """What of a voice is to change."""

    name: Name | None = None
    description: str | None = None
    gender: Annotated[Gender | None, Meta(description="null: not known.")] = None
    accent: str | None = None


class CloneForm(Form, kw_only=True):
    """A clip of a speaker, to be a voice."""

    clip: Annotated[Upload, Meta(description="About 5 s of one speaker.")]
    name: Name
    language: Annotated[str, Meta(min_length=1, examples=["en"])]
    description: str | None = None
    accent: str | None = None
    base_voice_id: str | None = None
    access: Ignored = None
    tagline: Ignored = None
    mode: Ignored = None
    enhance: Ignored = None
    transcript: Ignored = None


class ClipForm(Form, kw_only=True):
    """A clip of a speaker, to be an embedding. Of an older version."""

    clip: Upload
    mode: Ignored = None
    enhance: Ignored = None


class Localization(Body, kw_only=True):
    """A voice, to speak with another accent.

    Older versions name a language, and perhaps a dialect, instead of the accent.
    """

    voice_id: Annotated[str, Meta(min_length=1)]
    name: Name
    accent: str | None = None
    description: str | None = None
    tagline: Tagline = None
    language: Annotated[str | None, Meta(description="Like `de`.")] = None
    dialect: Annotated[str | None, Meta(description="Like `uk`.")] = None
    original_speaker_gender: Literal["male", "female"] | None = None


class AccentsToAdd(Body, kw_only=True):
    """Accents that a voice is to speak with."""

    accents: Annotated[list[str], Meta(min_length=1)]


class MixPart(Body, kw_only=True):
    """A voice, by its ID or by its embedding."""

    weight: float
    id: str | None = None
    embedding: _Embedding | None = None


class Mix(Body, kw_only=True):
    """Voices to be mixed. Of an older version."""

    voices: Annotated[list[MixPart], Meta(min_length=1, max_length=100)]


class Embedding(Answer, kw_only=True):
    """A voice in numbers. Of an older version."""

    embedding: list[float]


class NewVoice(Body, kw_only=True):
    """A voice to be made of an embedding. Of an older version."""

    name: Name
    embedding: _Embedding
    description: str | None = None
    language: str | None = None
    base_voice_id: str | None = None
    is_public: Annotated[bool | None, Meta(description="Ignored.")] = None


class Accent(Answer, kw_only=True):
    """A way of speaking a language."""

    id: str
    name: str
    language: str
    locale: str
    is_locale_default: bool
    is_localizable: bool


class Accents(Answer, kw_only=True):
    """All accents, by ID."""

    accents: list[Accent]
