"""Status, errors, access tokens and credits."""

from typing import Annotated, Any, Literal

from msgspec import Meta

from cartesia_cli.server.schemas.kinds import Answer, Body, Query, Time


class Status(Answer, kw_only=True):
    """The server is there."""

    ok: bool
    version: Annotated[str, Meta(description="The newest version of the API that the server speaks.")]


class Error(Answer, kw_only=True):
    """Why a request was refused; versions before 2026-03-01 get "Title: message" as text."""

    title: str
    message: str
    request_id: Annotated[str, Meta(description="Stands in the header `x-request-id` too.")]
    error_code: Annotated[
        str | None, Meta(description="For programs, like `voice_not_found`; null if there is none.")
    ] = None
    doc_url: str | None = None


class Grants(Body, kw_only=True):
    """What a token allows; what is not named it does not."""

    tts: Annotated[bool | None, Meta(description="Speech.")] = None
    stt: Annotated[bool | None, Meta(description="Transcripts.")] = None
    agent: Annotated[bool | None, Meta(description="Agents.")] = None


class AccessTokenRequest(Body, kw_only=True):
    """A token that stands in for a key."""

    expires_in: Annotated[
        Annotated[int, Meta(ge=1, le=3600)] | None, Meta(description="Seconds; an hour if it is not said.")
    ] = None
    grants: Grants | None = None


class AccessToken(Answer, kw_only=True):
    """A new token."""

    token: str


class CreditsQuery(Query, kw_only=True):
    """Which time is asked for: a year at most, in whole days of UTC."""

    start_ts: Annotated[Time | None, Meta(description="A week before the end, if it is not said.")] = None
    end_ts: Annotated[Time | None, Meta(description="Now, if it is not said.")] = None
    interval: Annotated[
        Literal["day", "week", "month"] | None,
        Meta(description="How long a bucket is; not said: one for all."),
    ] = None
    api_key_id: Annotated[str | None, Meta(description="Keys have none here: with it, nothing was used.")] = (
        None
    )


class ApiKeysQuery(Query, kw_only=True):
    """Which keys are asked for."""

    limit: int = 20
    starting_after: str | None = None
    ending_before: str | None = None


class ApiKeys(Answer, kw_only=True):
    """The keys that have a name: none."""

    data: list[dict[str, Any]]
    has_more: bool


class CreditsBucket(Answer, kw_only=True):
    """What was used in a time."""

    start_ts: Time
    end_ts: Time
    credits: int


class Credits(Answer, kw_only=True):
    """What was used, in the order of time."""

    data: list[CreditsBucket]
