"""The official client 4.2.0 and our server: data sets, fine-tunes and agents; strict about what it reads."""

from collections.abc import Iterator

import pytest
from cartesia import Cartesia, InternalServerError, NotFoundError

from cartesia_cli.server.storage.state import State
from tests.fakes.keeping import serving


@pytest.fixture(scope="module")
def client() -> Iterator[Cartesia]:
    state = State(":memory:")
    with (
        serving(state) as url,
        Cartesia(api_key="any", base_url=url, max_retries=0, _strict_response_validation=True) as official,
    ):
        yield official
    state.close()


@pytest.fixture(scope="module")
def lenient() -> Iterator[Cartesia]:
    state = State(":memory:")
    with (
        serving(state, is_lenient=True) as url,
        Cartesia(api_key="any", base_url=url, max_retries=0, _strict_response_validation=True) as official,
    ):
        yield official
    state.close()


def test_a_data_set_and_its_files(client: Cartesia) -> None:
    made = client.datasets.create(name="Calls", description="Of May")
    client.datasets.update(made.id, name="Talks", description="Of June")
    for number in range(12):
        client.datasets.files.upload(made.id, file=(f"{number}.wav", b"RIFF"), purpose="fine_tune")
    files = list(client.datasets.files.list(made.id))
    client.datasets.files.delete(files[0].id, id=made.id)

    assert client.datasets.retrieve(made.id).name == "Talks"
    assert [each.filename for each in files] == [f"{number}.wav" for number in range(12)]
    assert len(list(client.datasets.files.list(made.id))) == 11
    assert [each.id for each in client.datasets.list()] == [made.id]
    client.datasets.delete(made.id)
    with pytest.raises(NotFoundError):
        client.datasets.retrieve(made.id)


def test_a_fine_tune_is_refused_once_and_honestly(client: Cartesia) -> None:
    dataset = client.datasets.create(name="Calls", description="")

    with pytest.raises(InternalServerError) as refused:
        client.with_options(max_retries=2).fine_tunes.create(
            dataset=dataset.id, name="x", description="", language="en", model_id="sonic-3-2026-01-12"
        )

    assert refused.value.status_code == 501
    assert refused.value.response.request.headers["x-stainless-retry-count"] == "0"
    assert list(client.fine_tunes.list()) == []


def test_metrics_are_stored(client: Cartesia) -> None:
    made = client.agents.metrics.create(name="said", prompt="Was it said?", display_name="Said?")

    assert client.agents.metrics.retrieve(made.id) == made
    assert client.agents.metrics.list().data == [made]
    assert client.agents.list().summaries == []
    assert list(client.agents.metrics.results.list()) == []
    assert str(client.agents.metrics.results.export()).startswith("id,agentId,")


def test_examples_are_valid(lenient: Cartesia) -> None:
    assert lenient.datasets.retrieve("made-up").id == "made-up"
    assert lenient.fine_tunes.retrieve("made-up").status == "created"
    assert lenient.agents.retrieve("made-up").id == "made-up"
    assert lenient.agents.update("made-up", name="x").id == "made-up"
    assert lenient.agents.list_phone_numbers("made-up")[0].agent_id == "made-up"
    assert lenient.agents.deployments.list("made-up")[0].agent_id == "made-up"
    assert lenient.agents.deployments.retrieve("made-up").id == "made-up"
    assert lenient.agents.metrics.retrieve("made-up").id == "made-up"
    assert lenient.agents.calls.retrieve("made-up").status == "completed"
    assert lenient.voices.get("made-up").id == "made-up"
