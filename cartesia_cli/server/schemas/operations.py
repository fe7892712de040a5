"""The table of all HTTP operations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from msgspec import Struct

from cartesia_cli.server.schemas import account, agents, dictionaries, recordings, speech, training, voices
from cartesia_cli.server.schemas.kinds import Form, PageQuery, Query

Method = Literal["get", "post", "patch", "delete"]

AUDIO = ("audio/wav", "audio/mpeg", "audio/pcm")
EVENTS = ("text/event-stream",)
JSON = ("application/json",)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    method: Method
    path: str
    name: str
    """Of the operation, as official clients call it."""

    summary: str
    answer: Any = None
    """The type of what is sent with status 200; None where that is no JSON."""

    kinds: Sequence[str] = JSON
    """Content types of the answer; none if there is nothing in it, with status 204."""

    body: type[Struct] | None = None
    """A form, or else JSON."""

    example: Mapping[str, Any] | None = None
    """A body."""

    query: type[Query] | None = None
    is_open: bool = False
    """Whether it needs no key."""

    is_old: bool = False
    """Whether the newest version has it no more."""

    headers: Mapping[str, str] | None = None
    """Of the answer: what each says."""

    @property
    def tag(self) -> str:
        """The first part of the path."""
        return self.path.split("/")[1] or "status"

    @property
    def is_form(self) -> bool:
        """Whether the body is a form."""
        return self.body is not None and issubclass(self.body, Form)


_VOICE = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"
_SPEECH_EXAMPLE = {
    "model_id": "sonic-latest",
    "transcript": "Good day.",
    "voice": {"mode": "id", "id": _VOICE},
    "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 24000},
    "language": "en",
}

_STATUS = (
    Operation(
        "get", "/", "get_status", "Tell that the server is there.", account.Status,
        kinds=(*JSON, "text/html"), is_open=True,
    ),
    Operation(
        "get", "/openapi.json", "get_openapi", "Describe everything that there is.", dict[str, Any],
        is_open=True,
    ),
    Operation(
        "post", "/access-token", "create_access_token", "Make a token that stands in for a key.",
        account.AccessToken, body=account.AccessTokenRequest,
        example={"expires_in": 600, "grants": {"tts": True}},
    ),
    Operation(
        "get", "/usage/credits", "get_credits", "Tell what was used.", account.Credits,
        query=account.CreditsQuery,
    ),
    Operation(
        "get", "/usage/agents", "get_agents_usage", "Tell what agents used: nothing.", account.Credits,
        query=account.CreditsQuery,
    ),
    Operation(
        "get", "/api-keys", "list_api_keys", "List the keys that have a name: none.", account.ApiKeys,
        query=account.ApiKeysQuery,
    ),
    Operation("get", "/api-keys/{key_id}", "get_api_key", "Describe a key.", dict[str, Any]),
)  # fmt: skip

_SPEECH = (
    Operation(
        "post", "/tts/bytes", "tts_generate", "Speak a text.", body=speech.SpeechRequest, kinds=AUDIO,
        example=_SPEECH_EXAMPLE,
        headers={"Cartesia-File-ID": "Of a request with `save`."},
    ),
    Operation(
        "post", "/tts/sse", "tts_generate_sse", "Speak a text, as events.", body=speech.SpeechStreamRequest,
        kinds=EVENTS, example={**_SPEECH_EXAMPLE, "add_timestamps": True},
    ),
    Operation(
        "post", "/infill/bytes", "tts_infill", "Speak a text between two recordings.",
        body=recordings.InfillForm, kinds=AUDIO,
    ),
    Operation(
        "post", "/voice-changer/bytes", "voice_changer_generate", "Speak a recording in another voice.",
        body=recordings.ChangeForm, kinds=AUDIO,
    ),
    Operation(
        "post", "/voice-changer/sse", "voice_changer_generate_sse",
        "Speak a recording in another voice, as events.", body=recordings.ChangeStreamForm, kinds=EVENTS,
    ),
    Operation(
        "post", "/stt", "stt_transcribe", "Write down a recording.", recordings.TranscriptAnswer,
        body=recordings.TranscriptionForm, query=recordings.TranscriptionQuery,
    ),
    Operation(
        "post", "/audio/transcriptions", "openai_transcribe", "Write down a recording, for OpenAI's clients.",
        recordings.TranscriptAnswer, body=recordings.OpenAITranscriptionForm,
        query=recordings.TranscriptionQuery,
    ),
)  # fmt: skip

_VOICES = (
    Operation(
        "get", "/voices", "list_voices", "List voices. Versions before 2024-11-13 get all of them at once.",
        voices.VoicePage | list[voices.Voice], query=voices.VoicesQuery,
    ),
    Operation(
        "post", "/voices", "create_voice", "Make a voice of an embedding. Before 2025-04-16.", voices.Voice,
        body=voices.NewVoice, is_old=True,
    ),
    Operation(
        "get", "/voices/{voice_id}", "get_voice", "Describe a voice.", voices.Voice, query=voices.VoiceQuery
    ),
    Operation(
        "patch", "/voices/{voice_id}", "update_voice", "Change a voice.", voices.Voice,
        body=voices.VoiceUpdate, example={"name": "Bea", "gender": None},
    ),
    Operation("delete", "/voices/{voice_id}", "delete_voice", "Delete a voice.", kinds=()),
    Operation(
        "post", "/voices/clone", "clone_voice", "Make a voice of a clip of its speaker.",
        voices.VoiceMetadata, body=voices.CloneForm,
    ),
    Operation(
        "post", "/voices/clone/clip", "embed_clip", "Make an embedding of a clip. Before 2024-11-13.",
        voices.Embedding, body=voices.ClipForm, is_old=True,
    ),
    Operation(
        "post", "/voices/localize", "localize_voice", "Make a voice of another, with another accent.",
        voices.VoiceMetadata, body=voices.Localization,
        example={"voice_id": _VOICE, "name": "Ada from London", "accent": "british"},
    ),
    Operation(
        "post", "/voices/mix", "mix_voices", "Make an embedding of several. Before 2025-04-16.",
        voices.Embedding, body=voices.Mix, is_old=True,
    ),
    Operation(
        "patch", "/voices/{voice_id}/accents", "add_accents", "Let a voice speak with more accents.",
        voices.Voice, body=voices.AccentsToAdd,
    ),
    Operation(
        "delete", "/voices/{voice_id}/accents/{accent_id}", "delete_accent", "Take an accent from a voice.",
        voices.Voice,
    ),
    Operation("get", "/accents", "list_accents", "List all accents.", voices.Accents),
)  # fmt: skip

_DICTIONARIES = (
    Operation(
        "get", "/pronunciation-dicts", "list_pronunciation_dicts", "List dictionaries.",
        dictionaries.DictionaryPage, query=PageQuery,
    ),
    Operation(
        "post", "/pronunciation-dicts", "create_pronunciation_dict", "Make a dictionary.",
        dictionaries.Dictionary, body=dictionaries.NewDictionary,
        example={"name": "Places", "items": [{"text": "Worcester", "alias": "Wooster"}]},
    ),
    Operation(
        "get", "/pronunciation-dicts/{dictionary_id}", "get_pronunciation_dict", "Describe a dictionary.",
        dictionaries.Dictionary,
    ),
    Operation(
        "patch", "/pronunciation-dicts/{dictionary_id}", "update_pronunciation_dict", "Change a dictionary.",
        dictionaries.Dictionary, body=dictionaries.DictionaryUpdate,
    ),
    Operation(
        "delete", "/pronunciation-dicts/{dictionary_id}", "delete_pronunciation_dict",
        "Delete a dictionary.", kinds=(),
    ),
)  # fmt: skip

_TRAINING = (
    Operation(
        "get", "/datasets", "list_datasets", "List data sets.", training.DatasetPage, query=PageQuery
    ),
    Operation(
        "post", "/datasets", "create_dataset", "Make a data set.", training.Dataset,
        body=training.DatasetFields, example={"name": "Readings", "description": "An hour of one speaker."},
    ),
    Operation("get", "/datasets/{dataset_id}", "get_dataset", "Describe a data set.", training.Dataset),
    Operation(
        "patch", "/datasets/{dataset_id}", "update_dataset", "Change a data set.",
        body=training.DatasetFields, kinds=(),
    ),
    Operation("delete", "/datasets/{dataset_id}", "delete_dataset", "Delete a data set.", kinds=()),
    Operation(
        "get", "/datasets/{dataset_id}/files", "list_dataset_files", "List the recordings of a data set.",
        training.DatasetFilePage, query=PageQuery,
    ),
    Operation(
        "post", "/datasets/{dataset_id}/files", "upload_dataset_file", "Put a recording into a data set.",
        body=training.DatasetFileForm, kinds=(),
    ),
    Operation(
        "delete", "/datasets/{dataset_id}/files/{file_id}", "delete_dataset_file",
        "Delete a recording of a data set.", kinds=(),
    ),
    Operation(
        "get", "/fine-tunes", "list_fine_tunes", "List fine-tunes.", training.FineTunePage, query=PageQuery
    ),
    Operation(
        "post", "/fine-tunes", "create_fine_tune", "Learn a voice from a data set.", training.FineTune,
        body=training.NewFineTune,
    ),
    Operation(
        "get", "/fine-tunes/{fine_tune_id}", "get_fine_tune", "Describe a fine-tune.", training.FineTune
    ),
    Operation("delete", "/fine-tunes/{fine_tune_id}", "delete_fine_tune", "Delete a fine-tune.", kinds=()),
    Operation(
        "get", "/fine-tunes/{fine_tune_id}/voices", "list_fine_tune_voices",
        "List the voices of a fine-tune.", voices.VoicePage, query=PageQuery,
    ),
)  # fmt: skip

_AGENTS = (
    Operation("get", "/agents", "list_agents", "List agents.", agents.Agents),
    Operation("get", "/agents/templates", "list_agent_templates", "List templates.", agents.AgentTemplates),
    Operation(
        "get", "/agents/calls", "list_calls", "List calls.", agents.AgentCallPage, query=agents.CallsQuery
    ),
    Operation("get", "/agents/calls/{call_id}", "get_call", "Describe a call.", agents.AgentCall),
    Operation(
        "get", "/agents/calls/{call_id}/audio", "download_call_audio", "Send what was said in a call.",
        kinds=("audio/wav",),
    ),
    Operation(
        "get", "/agents/metrics", "list_metrics", "List metrics.", agents.MetricPage,
        query=agents.MetricsQuery,
    ),
    Operation(
        "post", "/agents/metrics", "create_metric", "Make a metric.", agents.Metric, body=agents.NewMetric,
        example={"name": "polite", "prompt": "Was the agent polite?"},
    ),
    Operation("get", "/agents/metrics/{metric_id}", "get_metric", "Describe a metric.", agents.Metric),
    Operation(
        "get", "/agents/metrics/results", "list_metric_results", "List what metrics said of calls.",
        agents.MetricResultPage, query=agents.ResultsQuery,
    ),
    Operation(
        "get", "/agents/metrics/results/export", "export_metric_results",
        "Send what metrics said of calls as a table.", kinds=("text/csv",), query=agents.ResultsExportQuery,
    ),
    Operation(
        "get", "/agents/deployments/{deployment_id}", "get_deployment", "Describe a deployment.",
        agents.Deployment,
    ),
    Operation("get", "/agents/{agent_id}", "get_agent", "Describe an agent.", agents.AgentSummary),
    Operation(
        "patch", "/agents/{agent_id}", "update_agent", "Change an agent.", agents.AgentSummary,
        body=agents.AgentUpdate,
    ),
    Operation("delete", "/agents/{agent_id}", "delete_agent", "Delete an agent.", kinds=()),
    Operation(
        "get", "/agents/{agent_id}/phone-numbers", "list_agent_phone_numbers", "List an agent's numbers.",
        list[agents.PhoneNumber],
    ),
    Operation(
        "get", "/agents/{agent_id}/deployments", "list_agent_deployments", "List an agent's deployments.",
        list[agents.Deployment],
    ),
    Operation(
        "post", "/agents/{agent_id}/metrics/{metric_id}", "add_agent_metric",
        "Let a metric judge an agent's calls.", kinds=(),
    ),
    Operation(
        "delete", "/agents/{agent_id}/metrics/{metric_id}", "remove_agent_metric",
        "Let a metric judge an agent's calls no more.", kinds=(),
    ),
)  # fmt: skip

OPERATIONS = (*_STATUS, *_SPEECH, *_VOICES, *_DICTIONARIES, *_TRAINING, *_AGENTS)
