"""What a strict server refuses, and in which words; what a lenient one passes over."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from importlib import import_module
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct
from websockets.sync.client import connect

from cartesia_cli.errors import RequestError
from cartesia_cli.local.catalogue import LocalCatalogue
from cartesia_cli.server.app import create_app
from cartesia_cli.server.rules import Rules
from cartesia_cli.server.schemas import agents, dictionaries, recordings, speech, training, voices
from cartesia_cli.server.schemas.account import AccessTokenRequest, Grants
from cartesia_cli.server.schemas.checking import check, decode_checked, find_fault
from cartesia_cli.server.schemas.kinds import File
from cartesia_cli.server.staff import Staff
from tests.fakes.apps import running_app
from tests.fakes.known import DEFAULT_VOICE, KnownSamples
from tests.fakes.listening import KnownRecordings
from tests.fakes.quiet import Quiet

RAW = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 8_000}
MP3 = {"container": "mp3", "sample_rate": 44_100, "bit_rate": 128_000}
SPEECH = {"model_id": "sonic-3", "transcript": "Good day", "voice": DEFAULT_VOICE, "output_format": RAW}
EMBEDDING = [0.5] * 192
OLD, OLDEST = {"cartesia-version": "2024-11-13"}, {"cartesia-version": "2024-06-10"}
CHANGE = {
    "voice[id]": DEFAULT_VOICE,
    "output_format[container]": "raw",
    "output_format[encoding]": "pcm_s16le",
    "output_format[sample_rate]": "8000",
}
INFILL = {
    **{name: value for name, value in CHANGE.items() if name != "voice[id]"},
    "voice_id": DEFAULT_VOICE,
    "model_id": "sonic-3",
    "transcript": "between",
    "language": "en",
}
CONTROLS = "voice[__experimental_controls]"
CLONE = {"name": "Bea", "language": "en"}
STT = {"model": "ink-whisper"}


@contextmanager
def serving(**rules: Any) -> Iterator[str]:
    engine, catalogue = KnownSamples(), LocalCatalogue(":memory:")
    staff = Staff(
        synthesizer=engine,
        catalogue=engine,
        library=catalogue,
        dictionaries=catalogue,
        transcriber=KnownRecordings(),
        changer=Quiet(),
    )
    with closing(catalogue), running_app(create_app(staff, rules=Rules(**rules))) as url:
        yield url


@pytest.fixture(scope="module")
def strict() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture(scope="module")
def lenient() -> Iterator[str]:
    with serving(is_lenient=True) as url:
        yield url


def send(
    url: str,
    where: str,
    body: Mapping[str, Any],
    files: tuple[str, ...] = (),
    headers: dict[str, str] | None = None,
) -> httpx.Response:
    """Send a body, as a form if it has files."""
    method, path = where.split()
    if not files:
        return httpx.request(method, url + path, json=body, headers=headers)
    sent = {name: (f"{name}.wav", b"RIFF") for name in files}
    return httpx.request(method, url + path, data=body, files=sent, headers=headers)


UNKNOWN = [
    ("POST /tts/bytes", SPEECH | {"colour": 1}, (), "Unknown field 'colour'."),
    (
        "POST /tts/bytes",
        SPEECH | {"output_format": RAW | {"foo": 1}},
        (),
        "Unknown field 'foo' in output_format.",
    ),
    (
        "POST /tts/sse",
        SPEECH | {"generation_config": {"pitch": 1}},
        (),
        "Unknown field 'pitch' in generation_config.",
    ),
    ("POST /tts/sse", {"voic": DEFAULT_VOICE}, (), "Unknown field 'voic'."),
    ("POST /access-token", {"grants": {"tts": True, "admin": True}}, (), "Unknown field 'admin' in grants."),
    ("PATCH /voices/anybody", {"name": "x", "owner": "me"}, (), "Unknown field 'owner'."),
    ("PATCH /voices/anybody/accents", {"accents": ["british"], "more": 1}, (), "Unknown field 'more'."),
    ("POST /voices/localize", {"voice": "x"}, (), "Unknown field 'voice'."),
    ("POST /pronunciation-dicts", {"name": "x", "itmes": []}, (), "Unknown field 'itmes'."),
    (
        "POST /pronunciation-dicts",
        {"name": "x", "items": [{"text": "a", "alias": "b"}, {"text": "a", "says": "b"}]},
        (),
        "Unknown field 'says' in items[1].",
    ),
    ("PATCH /pronunciation-dicts/any", {"nmae": "x"}, (), "Unknown field 'nmae'."),
    ("POST /voices/clone", CLONE | {"volume": "1"}, ("clip",), "Unknown field 'volume'."),
    ("POST /voice-changer/bytes", CHANGE | {"model_id": "x"}, ("clip",), "Unknown field 'model_id'."),
    ("POST /voice-changer/sse", CHANGE, ("clip", "other"), "Unknown field 'other'."),
    ("POST /infill/bytes", INFILL | {"save": "true"}, ("left_audio",), "Unknown field 'save'."),
    ("POST /stt", STT | {"prompt": "x"}, ("file",), "Unknown field 'prompt'."),
    ("POST /stt", STT | {"temperature": "0"}, ("file",), "Unknown field 'temperature'."),
    ("POST /audio/transcriptions", STT | {"prompt": "x"}, ("file",), "Unknown field 'prompt'."),
]


@pytest.mark.parametrize(("where", "body", "files", "message"), UNKNOWN)
def test_an_unknown_field_is_refused_by_its_name_and_place(
    strict: str, where: str, body: dict[str, Any], files: tuple[str, ...], message: str
) -> None:
    answer = send(strict, where, body, files)

    assert answer.status_code == 400
    assert answer.json() | {"request_id": ""} == {
        "error_code": None,
        "title": "Invalid request",
        "message": message,
        "request_id": "",
    }


@pytest.mark.parametrize(("where", "body", "files"), [case[:3] for case in UNKNOWN])
def test_a_lenient_server_knows_of_no_unknown_field(
    lenient: str, where: str, body: dict[str, Any], files: tuple[str, ...]
) -> None:
    answer = send(lenient, where, body, files)

    assert "Unknown field" not in answer.text
    assert answer.status_code != 500


@pytest.mark.parametrize(
    ("where", "body", "files"),
    [
        ("POST /tts/bytes", SPEECH | {"colour": 1}, ()),
        ("POST /tts/sse", SPEECH | {"add_timestamps": "yes"}, ()),
        ("POST /access-token", {"grants": {"admin": True}}, ()),
        ("POST /pronunciation-dicts", {"name": "x", "itmes": []}, ()),
        ("POST /stt", STT | {"prompt": "x"}, ("file",)),
        ("POST /audio/transcriptions", STT | {"temperature": "0.7"}, ("file",)),
        ("POST /voice-changer/bytes", CHANGE | {"model_id": "x"}, ("clip",)),
    ],
)
def test_a_lenient_server_does_what_it_can(
    lenient: str, strict: str, where: str, body: dict[str, Any], files: tuple[str, ...]
) -> None:
    assert send(lenient, where, body, files).status_code == 200
    assert send(strict, where, body, files).status_code == 400


def test_old_versions_are_told_in_text(strict: str) -> None:
    answer = send(strict, "POST /tts/bytes", SPEECH | {"colour": 1}, headers=OLD)

    assert (answer.status_code, answer.text) == (400, "Invalid request: Unknown field 'colour'.")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("where", "body", "files", "message"),
    [
        ("POST /tts/bytes", SPEECH | {"save": "yes"}, (), "save must be true or false, not a string."),
        ("POST /tts/bytes", SPEECH | {"duration": "1"}, (), "duration must be a number, not a string."),
        (
            "POST /tts/sse",
            SPEECH | {"add_timestamps": 1},
            (),
            "add_timestamps must be true or false, not a whole number.",
        ),
        (
            "POST /tts/sse",
            SPEECH | {"output_format": RAW | {"bit_rate": [1]}},
            (),
            "output_format.bit_rate must be a whole number or a string, not a list.",
        ),
        (
            "POST /tts/bytes",
            SPEECH | {"output_format": MP3 | {"encoding": "mp3"}},
            (),
            "output_format.encoding must be one of pcm_alaw, pcm_f32le, pcm_mulaw, pcm_s16le.",
        ),
        ("POST /access-token", {"expires_in": 3601}, (), "expires_in must be at most 3600."),
        (
            "POST /access-token",
            {"expires_in": 1.5},
            (),
            "expires_in must be a whole number, not a number with a point.",
        ),
        ("POST /access-token", {"grants": ["tts"]}, (), "grants must be an object, not a list."),
        (
            "PATCH /voices/anybody",
            {"gender": "robot"},
            (),
            "gender must be one of feminine, gender_neutral, masculine.",
        ),
        (
            "POST /voices/localize",
            {"voice_id": "x", "name": "y", "accent": "british", "tagline": "z" * 33},
            (),
            "tagline must have at most 32 characters.",
        ),
        (
            "POST /pronunciation-dicts",
            {"name": "x", "items": [{"text": "a", "alias": "b" * 101}]},
            (),
            "items[0].alias must have at most 100 characters.",
        ),
        (
            "POST /audio/transcriptions",
            STT | {"temperature": "0.7"},
            ("file",),
            "temperature must be one of 0, 0.0.",
        ),
        (
            "POST /audio/transcriptions",
            STT | {"response_format": "srt"},
            ("file",),
            "response_format must be one of json.",
        ),
        ("POST /voices/clone", {"name": "x"}, ("clip", "language"), "language must be a string, not a file."),
        (
            "POST /infill/bytes",
            INFILL | {"left_audio": "text"},
            ("right_audio",),
            "The form has no file called 'left_audio', but a text.",
        ),
    ],
)
def test_a_wrong_value_is_refused_by_its_name_and_what_it_must_be(
    strict: str, where: str, body: dict[str, Any], files: tuple[str, ...], message: str
) -> None:
    answer = send(strict, where, body, files)

    assert (answer.status_code, answer.json()["title"]) == (400, "Invalid request")
    assert answer.json()["message"] == message


@pytest.mark.parametrize(
    ("change", "title", "code"),
    [
        ({"voice": 7}, "Invalid voice", None),
        ({"voice": {"mode": "id"}}, "Invalid voice", None),
        ({"model_id": None}, "Invalid model", "model_not_found"),
        ({"output_format": "wav"}, "Invalid output format", None),
        ({"output_format": RAW | {"container": "ogg"}}, "Invalid output format", None),
        ({"output_format": RAW | {"sample_rate": "8000"}}, "Invalid output format", None),
        ({"generation_config": {"speed": 9}}, "Invalid generation config", None),
        ({"transcript": None}, "Invalid transcript", None),
        ({"speed": "rapid"}, "Invalid speed", None),
        ({"language": "en", "locale": "en-GB"}, "Invalid language", None),
    ],
)
def test_where_the_api_has_words_of_its_own_they_are_used(
    strict: str, change: dict[str, Any], title: str, code: str | None
) -> None:
    answer = send(strict, "POST /tts/bytes", SPEECH | change)

    assert (answer.status_code, answer.json()["title"], answer.json()["error_code"]) == (400, title, code)


VOICE_OF_2 = {"mode": "id", "id": DEFAULT_VOICE, "__experimental_controls": {"speed": "slow"}, "x": 1}
NULLS = dict.fromkeys(
    ["language", "locale", "normalization", "generation_config", "pronunciation_dict_id", "speed", "duration"]
)

TIMED_VOICE_OF_2 = {"mode": "id", "id": DEFAULT_VOICE, "__experimental_controls": {"speed": "slow"}, "x": 1}
TIMED_NULLS = dict.fromkeys(
    ["add_timestamps", "add_phoneme_timestamps", "use_normalized_timestamps", "context_id"]
)


@pytest.mark.parametrize(
    ("where", "body", "files", "headers"),
    [
        pytest.param("POST /tts/bytes", SPEECH | NULLS | {"save": None}, (), {}, id="nulls"),
        pytest.param(
            "POST /tts/bytes",
            SPEECH | {"voice": VOICE_OF_2},
            (),
            OLD,
            id="voice of 2.x",
        ),
        pytest.param(
            "POST /tts/bytes",
            SPEECH | {"voice": {"mode": "embedding", "embedding": EMBEDDING}},
            (),
            OLD,
            id="embedding",
        ),
        pytest.param(
            "POST /tts/bytes",
            SPEECH | {"voice": {"id": None, "embedding": EMBEDDING}},
            (),
            OLDEST,
            id="embedding of 1.x",
        ),
        pytest.param(
            "POST /tts/bytes",
            SPEECH | {"output_format": MP3 | {"encoding": ""}},
            (),
            OLD,
            id="mp3 with an encoding",
        ),
        pytest.param(
            "POST /tts/bytes",
            SPEECH | {"output_format": RAW | {"bit_rate": None}},
            (),
            OLD,
            id="raw with a bit rate",
        ),
        pytest.param(
            "POST /tts/bytes",
            SPEECH | {"output_format": RAW | {"bit_rate": 5}},
            (),
            OLD,
            id="raw with another",
        ),
        pytest.param(
            "POST /tts/sse",
            SPEECH | NULLS | TIMED_NULLS,
            (),
            OLD,
            id="events of 2.x",
        ),
        pytest.param("POST /access-token", {"grants": None, "expires_in": None}, (), {}, id="token"),
        pytest.param(
            "POST /pronunciation-dicts",
            {"name": "x", "description": "y", "items": [{"text": "a", "pronunciation": "b"}]},
            (),
            {"cartesia-version": "2025-04-16"},
            id="dictionary",
        ),
        pytest.param("POST /voice-changer/bytes", CHANGE, ("clip",), OLD, id="changer"),
        pytest.param(
            "POST /infill/bytes",
            INFILL | {f"{CONTROLS}[speed]": "slow", f"{CONTROLS}[emotion][]": ["anger"]},
            ("left_audio", "right_audio"),
            OLD,
            id="infill",
        ),
        pytest.param(
            "POST /stt",
            STT | {"timestamp_granularities[]": ["word", "word"], "language": "en"},
            ("file",),
            OLD,
            id="stt",
        ),
        pytest.param(
            "POST /audio/transcriptions",
            STT | {"response_format": "json", "temperature": "0", "stream": "false"},
            ("file",),
            {},
            id="OpenAI's defaults",
        ),
    ],
)
def test_what_clients_of_any_age_send_is_taken(
    strict: str, where: str, body: dict[str, Any], files: tuple[str, ...], headers: dict[str, str]
) -> None:
    answer = send(strict, where, body, files, headers)

    assert answer.status_code == 200, answer.text


def test_unknown_parameters_of_a_query_are_left_alone(strict: str) -> None:
    assert httpx.get(f"{strict}/voices?limit=2&colour=1").status_code == 200
    assert httpx.post(f"{strict}/tts/bytes?trace=abc", json=SPEECH).status_code == 200


def test_a_misspelt_file_is_named_with_what_is_missing(strict: str) -> None:
    answer = send(strict, "POST /stt", STT, ("fiel",))

    assert answer.json()["message"] == "Unknown field 'fiel'. The form has no file called 'file'."


@pytest.mark.parametrize("name", ["a" * 5_000, "a\nb\x1b[31m", "`", "x` - at `$.y", "", "\ud800"])
def test_no_name_of_a_field_makes_a_mess_of_the_message(strict: str, name: str) -> None:
    content = json.dumps(SPEECH | {name: 1}).encode()
    answer = httpx.post(f"{strict}/tts/bytes", content=content, headers={"content-type": "application/json"})

    message = answer.json()["message"]
    assert answer.status_code == 400
    assert message.startswith("Unknown field ")
    assert message.isprintable()
    assert len(message) < 100


# ---- the socket


class Talk:
    """One socket."""

    def __init__(self, url: str, stack: ExitStack) -> None:
        self._socket = stack.enter_context(
            connect(f"{url.replace('http', 'ws', 1)}/tts/websocket", close_timeout=2)
        )

    def send(self, **message: Any) -> None:
        self._socket.send(json.dumps(message))

    def last(self, context_id: str) -> dict[str, Any]:
        """Return the event that ends a context."""
        while True:
            event: dict[str, Any] = json.loads(self._socket.recv(5))
            if event["done"] and event.get("context_id") == context_id:
                return event


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize(
    ("change", "title", "message"),
    [
        ({"colour": 1}, "Invalid request", "Unknown field 'colour'."),
        ({"output_format": RAW | {"foo": 1}}, "Invalid request", "Unknown field 'foo' in output_format."),
        ({"add_timestamps": "yes"}, "Invalid request", "add_timestamps must be true or false, not a string."),
        ({"duration": "1"}, "Invalid request", "duration must be a number, not a string."),
        ({"voice": 7}, "Invalid voice", "voice is required: an ID, or an object with an ID."),
    ],
)
def test_a_socket_names_what_is_wrong_and_stays_open(
    strict: str, stack: ExitStack, change: dict[str, Any], title: str, message: str
) -> None:
    talk = Talk(strict, stack)
    talk.send(context_id="wrong", **SPEECH | change)
    error = talk.last("wrong")
    talk.send(context_id="right", **SPEECH)

    assert (error["type"], error["status_code"], error["title"], error["message"]) == (
        "error",
        400,
        title,
        message,
    )
    assert error["error"] == f"{title}: {message}"
    assert talk.last("right")["type"] == "done"


def test_a_later_message_is_held_to_its_shape_too(strict: str, stack: ExitStack) -> None:
    talk = Talk(strict, stack)
    talk.send(context_id="a", **SPEECH | {"continue": True})
    talk.send(context_id="a", transcript=" to you", flash=True)

    assert talk.last("a")["message"] == "Unknown field 'flash'."


def test_a_cancellation_has_two_fields(strict: str, stack: ExitStack) -> None:
    talk = Talk(strict, stack)
    talk.send(context_id="a", cancel=True, now=True)

    assert talk.last("a")["message"] == "Unknown field 'now'."


@pytest.mark.parametrize(
    "change",
    [
        {"colour": 1, "output_format": RAW | {"foo": 1}},
        {"add_timestamps": "yes"},
    ],
)
def test_a_lenient_socket_passes_over_it(lenient: str, stack: ExitStack, change: dict[str, Any]) -> None:
    talk = Talk(lenient, stack)
    talk.send(context_id="a", **SPEECH | change)

    assert talk.last("a")["type"] == "done"


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(
            SPEECH
            | NULLS
            | {"stream": True, "duration": 10, "add_timestamps": False, "add_phoneme_timestamps": False}
            | {
                "use_original_timestamps": False,
                "max_buffer_delay_ms": None,
                "flush": None,
                "continue": None,
            },
            id="2.x",
        ),
        pytest.param(
            SPEECH | {"_experimental_voice_controls": {"speed": 0.5}, "voice": {"id": DEFAULT_VOICE}},
            id="1.x",
        ),
        pytest.param(
            SPEECH | {"max_buffer_delay_ms": 0, "use_normalized_timestamps": True, "cancel": False}, id="4.x"
        ),
    ],
)
def test_a_socket_takes_the_messages_of_clients_of_any_age(
    strict: str, stack: ExitStack, message: dict[str, Any]
) -> None:
    talk = Talk(strict, stack)
    talk.send(context_id="a", **message)

    assert talk.last("a")["type"] == "done"


# ---- the schemas themselves

OFFICIAL: list[tuple[str, str, type[Struct]]] = [
    ("tts_generate_params", "TTSGenerateParams", speech.SpeechRequest),
    ("tts_generate_sse_params", "TTSGenerateSSEParams", speech.SpeechStreamRequest),
    ("generation_request_param", "GenerationRequestParam", speech.Generation),
    ("generation_config_param", "GenerationConfigParam", speech.GenerationConfig),
    ("raw_output_format_param", "RawOutputFormatParam", speech.RawOutputFormat),
    ("mp3_output_format_param", "MP3OutputFormatParam", speech.OutputFormat),
    ("access_token_create_params", "AccessTokenCreateParams", AccessTokenRequest),
    ("access_token_create_params", "Grants", Grants),
    ("voice_update_params", "VoiceUpdateParams", voices.VoiceUpdate),
    ("voice_clone_params", "VoiceCloneParams", voices.CloneForm),
    ("voice_localize_params", "VoiceLocalizeParams", voices.Localization),
    ("voice_add_accents_params", "VoiceAddAccentsParams", voices.AccentsToAdd),
    ("pronunciation_dict_create_params", "PronunciationDictCreateParams", dictionaries.NewDictionary),
    ("pronunciation_dict_update_params", "PronunciationDictUpdateParams", dictionaries.DictionaryUpdate),
    ("pronunciation_dict_item_param", "PronunciationDictItemParam", dictionaries.DictionaryItem),
    ("dataset_create_params", "DatasetCreateParams", training.DatasetFields),
    ("dataset_update_params", "DatasetUpdateParams", training.DatasetFields),
    ("datasets.file_upload_params", "FileUploadParams", training.DatasetFileForm),
    ("fine_tune_create_params", "FineTuneCreateParams", training.NewFineTune),
    ("agent_update_params", "AgentUpdateParams", agents.AgentUpdate),
    ("agents.metric_create_params", "MetricCreateParams", agents.NewMetric),
]


@pytest.mark.parametrize(("module", "name", "schema"), OFFICIAL)
def test_every_field_of_the_official_client_is_known(module: str, name: str, schema: type[Struct]) -> None:
    theirs = getattr(import_module(f"cartesia.types.{module}"), name)
    ours = {field.encode_name for field in msgspec.structs.fields(schema)}

    assert set(theirs.__annotations__) <= ours
    assert set(theirs.__annotations__)


@pytest.mark.parametrize(
    "schema", [recordings.ChangeForm, recordings.InfillForm, recordings.TranscriptionForm]
)
def test_forms_have_the_names_that_clients_send(schema: type[Struct]) -> None:
    names = {field.encode_name for field in msgspec.structs.fields(schema)}
    sent = {
        recordings.ChangeForm: CHANGE.keys() | {"clip", "output_format[bit_rate]"},
        recordings.InfillForm: INFILL.keys() | {"left_audio", "right_audio", "output_format[bit_rate]"},
        recordings.TranscriptionForm: {"file", "model", "language", "timestamp_granularities[]"},
    }

    assert names >= sent[schema]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = [field.encode_name for field in msgspec.structs.fields(speech.Generation)]


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), JSON, max_size=6))
def test_whatever_is_sent_the_fault_is_a_sentence(payload: dict[str, Any]) -> None:
    fault = find_fault(payload, speech.Generation)

    if fault is None:
        assert payload.keys() <= set(NAMES)
        assert isinstance(payload["transcript"], str)
    else:
        assert fault.message.endswith(".")
        assert fault.message.isprintable()
        assert len(fault.message) < 400


@given(st.text(min_size=1).filter(lambda name: name not in NAMES), JSON)
def test_a_field_that_nobody_knows_is_always_found(name: str, value: object) -> None:
    fault = find_fault({"transcript": "x", name: value}, speech.Generation)

    assert fault is not None
    assert fault.kind == "unknown"


def test_a_check_names_what_is_missing() -> None:
    with pytest.raises(RequestError, match=r"^description is required\.$"):
        check({"name": "x"}, training.DatasetFields)
    with pytest.raises(RequestError, match=r"^voices\[0\]\.weight is required\.$"):
        check({"voices": [{"id": "x"}]}, voices.Mix)

    check({"name": "x"}, training.DatasetFields, lenient=True)


def test_an_unknown_field_goes_before_the_decoder_and_the_rest_after_it() -> None:
    def decode(_payload: dict[str, Any]) -> str:
        raise RequestError("In its own words.", title="Invalid name")

    with pytest.raises(RequestError, match="Unknown field 'nmae'"):
        decode_checked({"nmae": 1}, training.DatasetFields, decode)
    with pytest.raises(RequestError, match="In its own words"):
        decode_checked({"name": 1}, training.DatasetFields, decode)
    with pytest.raises(RequestError, match="name must be a string, not a whole number"):
        decode_checked({"name": 1, "description": ""}, training.DatasetFields, len)
    assert decode_checked({"nmae": 1}, training.DatasetFields, len, lenient=True) == 1


def test_a_form_takes_files_for_files_alone() -> None:
    assert find_fault({"file": File()}, training.DatasetFileForm) is None
    fault = find_fault({"file": "UklGRg=="}, training.DatasetFileForm)

    assert fault is not None
    assert fault.message == "The form has no file called 'file', but a text."
