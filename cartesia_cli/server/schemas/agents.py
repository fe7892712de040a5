"""Agents, their calls, deployments and metrics."""

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from cartesia_cli.server.schemas.kinds import Answer, Body, Name, NextPage, PageQuery, Query, Time

_Things = Annotated[dict[str, Any], Meta(description="An object.")]


class AgentUpdate(Body, kw_only=True):
    """What of an agent is to change."""

    name: str | None = None
    description: str | None = None
    tts_voice: str | None = None
    tts_language: str | None = None


class AgentSummary(Answer, kw_only=True):
    """Who answers calls."""

    id: str
    name: str
    created_at: Time
    updated_at: Time
    deployment_count: int
    has_text_to_agent_run: bool
    tts_language: str
    tts_voice: str
    description: str | None = None


class Agents(Answer, kw_only=True):
    """All agents."""

    summaries: list[AgentSummary]


class AgentTemplates(Answer, kw_only=True):
    """What agents can be made of."""

    templates: list[_Things]


class PhoneNumber(Answer, kw_only=True):
    """A number at which an agent answers."""

    agent_id: str
    number: str
    created_at: Time
    updated_at: Time
    is_cartesia_managed: bool


class CallsQuery(PageQuery, kw_only=True):
    """Which calls are asked for."""

    agent_id: str
    expand: Annotated[str | None, Meta(description="`transcript`.")] = None


class AgentCall(Answer, kw_only=True):
    """A call."""

    id: str
    agent_id: str
    status: Literal["active", "completed", "failed", "cancelled"]
    start_time: Time | None = None
    end_time: Time | None = None
    transcript: list[_Things] | None = None


class AgentCallPage(Answer, kw_only=True):
    """Some calls."""

    data: list[AgentCall]
    has_more: bool
    next_page: NextPage = None


class Deployment(Answer, kw_only=True):
    """A program of an agent that runs."""

    id: str
    agent_id: str
    status: str


class MetricsQuery(Query, kw_only=True):
    """Which metrics are asked for."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 10
    starting_after: str | None = None


class NewMetric(Body, kw_only=True):
    """What is to be measured in calls."""

    name: Name
    prompt: str
    display_name: str | None = None


class Metric(Answer, kw_only=True):
    """What is measured in calls."""

    id: str
    name: str
    prompt: str
    created_at: Time
    display_name: str | None = None


class MetricPage(Answer, kw_only=True):
    """Some metrics."""

    data: list[Metric]
    has_more: bool
    next_page: NextPage = None


class ResultsExportQuery(Query, kw_only=True):
    """Which results are asked for."""

    agent_id: str | None = None
    call_id: str | None = None
    deployment_id: str | None = None
    metric_id: str | None = None
    start_date: Time | None = None
    end_date: Time | None = None


class ResultsQuery(ResultsExportQuery, kw_only=True):
    """Which results are asked for, and which part of them."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 10
    starting_after: str | None = None
    ending_before: str | None = None


class MetricResult(Answer, kw_only=True):
    """What was measured in a call."""

    id: str
    agent_id: str = field(name="agentId")
    call_id: str = field(name="callId")


class MetricResultPage(Answer, kw_only=True):
    """Some results."""

    data: list[MetricResult]
    has_more: bool
    next_page: NextPage = None
