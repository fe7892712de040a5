"""Data sets, their files, and fine-tunes."""

from typing import Annotated, Literal

from msgspec import Meta

from cartesia_cli.server.schemas.kinds import Answer, Body, Form, Name, NextPage, Time, Upload


class DatasetFields(Body, kw_only=True):
    """What a data set is called."""

    name: Name
    description: str


class Dataset(Answer, kw_only=True):
    """Recordings under one name."""

    id: str
    name: str
    description: str
    created_at: Time


class DatasetPage(Answer, kw_only=True):
    """Some data sets."""

    data: list[Dataset]
    has_more: bool
    next_page: NextPage = None


class DatasetFileForm(Form, kw_only=True):
    """A recording to be kept in a data set."""

    file: Upload
    purpose: Annotated[str | None, Meta(examples=["fine_tune"])] = None


class DatasetFile(Answer, kw_only=True):
    """A recording of a data set."""

    id: str
    filename: str
    size: Annotated[int, Meta(description="Bytes.")]
    created_at: Time


class DatasetFilePage(Answer, kw_only=True):
    """Some recordings of a data set."""

    data: list[DatasetFile]
    has_more: bool
    next_page: NextPage = None


class NewFineTune(Body, kw_only=True):
    """A voice to be learnt from a data set."""

    name: Name
    description: str
    language: Annotated[str, Meta(min_length=1, examples=["en"])]
    model_id: Annotated[str, Meta(min_length=1, examples=["sonic-3-2026-01-12"])]
    dataset: Annotated[str, Meta(min_length=1, description="The ID of a data set.")]
    accent: str | None = None


class FineTune(Answer, kw_only=True):
    """A voice that is being learnt."""

    id: str
    name: str
    description: str
    language: str
    model_id: str
    dataset: str
    status: Literal["created", "training", "completed", "failed"]
    accent: str | None = None


class FineTunePage(Answer, kw_only=True):
    """Some fine-tunes."""

    data: list[FineTune]
    has_more: bool
    next_page: NextPage = None
