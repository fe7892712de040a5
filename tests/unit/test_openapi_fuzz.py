"""Requests that ``/openapi.json`` allows, and some that it does not, made up by schemathesis."""

import io
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import numpy as np
import pytest
import requests
import schemathesis
import soundfile
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cartesia_cli.local.catalogue import LocalCatalogue
from cartesia_cli.server.openapi import openapi_document
from cartesia_cli.server.schemas.operations import OPERATIONS
from tests.fakes.known import DEFAULT_VOICE, VOICES, KnownSamples
from tests.fakes.listening import KnownRecordings
from tests.fakes.quiet import Quiet
from tests.fakes.server import RunningServer, running_server

N_ALLOWED, N_OTHERS = 20, 10
"""Requests for each operation."""

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# Made-up keys take as long to make up as all the rest, and here every one is accepted.
SCHEMA = schemathesis.openapi.from_dict(openapi_document() | {"security": []})
NAMES = {f"{each.method.upper()} {each.path}": each for each in OPERATIONS}
STRICT = [label for label, each in NAMES.items() if each.body is not None and not each.is_form]
FUZZED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # a request that fails says enough as it is
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with (
        closing(LocalCatalogue(":memory:")) as catalogue,
        running_server(
            KnownSamples(word_seconds=0.01),
            library=catalogue,
            dictionaries=catalogue,
            transcriber=KnownRecordings(),
            changer=Quiet(),
        ) as running,
    ):
        yield running


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.fixture(scope="module")
def known(server: RunningServer) -> dict[str, list[str]]:
    """Return values by the names of what they are IDs of."""
    made = httpx.post(f"{server.url}/pronunciation-dicts", json={"name": "x"}).json()["id"]
    dataset = httpx.post(f"{server.url}/datasets", json={"name": "x", "description": ""}).json()["id"]
    metric = httpx.post(f"{server.url}/agents/metrics", json={"name": "x", "prompt": ""}).json()["id"]
    clone = httpx.post(
        f"{server.url}/voices/clone", data={"name": "x", "language": "en"}, files={"clip": clip()}
    )
    assert clone.status_code == 200, clone.text
    own = [clone.json()["id"], *(each["id"] for each in httpx.get(f"{server.url}/voices").json()["data"])]
    return {
        "voice": [voice.id for voice in VOICES],
        "voice_id": [*own, DEFAULT_VOICE],
        "base_voice_id": own,
        "dictionary_id": [made],
        "dataset_id": [dataset],
        "dataset": [dataset],
        "metric_id": [metric],
        "accent": ["british", "general-american"],
        "accent_id": ["british", "general-american"],
        "accents": ["british"],
    }


def clip() -> bytes:
    """Return three seconds of a voice that hums, louder and softer, as a WAV."""
    rate, file = 16_000, io.BytesIO()
    seconds = np.arange(3 * rate) / rate
    overtones = sum(np.sin(2 * np.pi * 120 * n * seconds) / n for n in range(1, 20))
    soundfile.write(file, 0.1 * overtones * (1.2 + np.sin(8 * np.pi * seconds)), rate, format="WAV")
    return file.getvalue()


def ask(case: Any, server: RunningServer, session: requests.Session) -> Any:
    """Return the answer to a case; no fault of the server is allowed but what it says that it does not do."""
    response = case.call(base_url=server.url, session=session)
    if response.status_code == 501:
        assert json.loads(response.content)["title"] == "Not implemented"
    else:
        case.validate_response(response, checks=[not_a_server_error])
    return response


def made_known(fields: Any, known: dict[str, list[str]], data: st.DataObject) -> Any:
    """Return fields with IDs that there are, and text that can be said."""
    if not isinstance(fields, dict):
        return fields
    better = dict(fields)
    for name, value in fields.items():
        if name in known:
            chosen = data.draw(st.sampled_from(known[name]))
            better[name] = [chosen] if isinstance(value, list) else chosen
        elif name == "transcript":
            better[name] = f"{value} and more"
        elif name == "locale" and "language" in fields:
            del better[name]
    return better


@pytest.mark.parametrize("label", NAMES)
def test_what_the_document_allows_gets_an_answer_that_it_describes(
    server: RunningServer, session: requests.Session, known: dict[str, list[str]], label: str
) -> None:
    operation = SCHEMA[NAMES[label].path][NAMES[label].method]

    @settings(FUZZED, max_examples=N_ALLOWED)
    @given(st.data())
    def send(data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy())
        if data.draw(st.booleans()):
            case.path_parameters = made_known(case.path_parameters, known, data)
            case.body = made_known(case.body, known, data)
        case.validate_response(ask(case, server, session), checks=CHECKS)

    send()


@pytest.mark.parametrize("label", NAMES)
def test_what_the_document_does_not_allow_is_no_trouble(
    server: RunningServer, session: requests.Session, label: str
) -> None:
    operation = SCHEMA[NAMES[label].path][NAMES[label].method]
    checks = [*CHECKS, negative_data_rejection] if label in STRICT else CHECKS

    @settings(FUZZED, max_examples=N_OTHERS)
    @given(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    def send(case: Any) -> None:
        case.validate_response(ask(case, server, session), checks=checks)

    send()
