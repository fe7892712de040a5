"""Pronunciation dictionaries."""

from typing import Annotated

from msgspec import Meta

from cartesia_cli.server.schemas.kinds import Answer, Body, Ignored, Name, NextPage, Time

_Alias = Annotated[str, Meta(max_length=100)]


class DictionaryItem(Body, kw_only=True):
    """How a text is to be said."""

    text: Annotated[str, Meta(min_length=1)]
    alias: Annotated[_Alias | None, Meta(description="As it sounds, or IPA: `<<h|ə|l|oʊ>>`.")] = None
    pronunciation: Annotated[_Alias | None, Meta(description="Another name of `alias`.")] = None
    case_sensitive: bool | None = None


class NewDictionary(Body, kw_only=True):
    """A dictionary to be made."""

    name: Name
    items: list[DictionaryItem] | None = None
    description: Ignored = None


class DictionaryUpdate(Body, kw_only=True):
    """What of a dictionary is to change."""

    name: Annotated[str | None, Meta(description="Left as it is if it is not said.")] = None
    items: Annotated[list[DictionaryItem] | None, Meta(description="Take the place of all there are.")] = None
    description: Ignored = None


class DictionaryEntry(Answer, kw_only=True):
    """How a text is said."""

    text: str
    alias: str
    case_sensitive: bool


class Dictionary(Answer, kw_only=True):
    """How some texts are said."""

    id: str
    name: str
    owner_id: str
    pinned: bool
    created_at: Time
    items: list[DictionaryEntry]


class DictionaryPage(Answer, kw_only=True):
    """Some dictionaries."""

    data: list[Dictionary]
    has_more: bool
    next_page: NextPage = None
