"""Both official clients 4.2.0 and ``cartesia serve``: what is kept, and what there is not."""

from typing import Any
from uuid import uuid4

import pytest
from cartesia import APIStatusError, BadRequestError, NotFoundError

from tests.sdk.clients import assert_refused, body_of
from tests.sdk.speech import SPEECH, UNKNOWN, WAV

shows = pytest.mark.shows


@shows(*(f"pronunciation_dicts.{name}" for name in ("create", "retrieve", "update", "list", "delete")))
def test_a_dictionary_is_made_heard_changed_and_deleted(client: Any) -> None:
    made = client.pronunciation_dicts.create(name="Stations", items=[{"text": "Boston", "alias": "Austin"}])
    other = client.pronunciation_dicts.create(name="Empty")

    def speak(dictionary: str | None) -> bytes:
        sound: bytes = client.tts.generate(**SPEECH, pronunciation_dict_id=dictionary).read()
        return sound

    plain, changed = speak(None), speak(made.id)
    assert (
        changed
        == client.tts.generate(
            **SPEECH | {"transcript": SPEECH["transcript"].replace("Boston", "Austin")}
        ).read()
    )
    assert changed != plain
    assert speak(other.id) == plain

    case = {"text": "boston", "alias": "Austin", "case_sensitive": True}
    renamed = client.pronunciation_dicts.update(made.id, name="Places", items=[case])
    assert (renamed.id, renamed.name) == (made.id, "Places")
    assert client.pronunciation_dicts.retrieve(made.id).items[0].to_dict() == case
    assert speak(made.id) == plain
    assert {each.id for each in client.pronunciation_dicts.list(limit=1)} == {made.id, other.id}
    assert made.pinned is False
    assert made.owner_id
    assert made.created_at

    for dictionary in (made, other):
        client.pronunciation_dicts.delete(dictionary.id)
        with pytest.raises(NotFoundError):
            client.pronunciation_dicts.retrieve(dictionary.id)
    assert list(client.pronunciation_dicts.list()) == []


@shows("pronunciation_dicts.create", "pronunciation_dicts.update", "pronunciation_dicts.delete")
def test_a_dictionary_that_cannot_be_is_refused(client: Any) -> None:
    with pytest.raises(BadRequestError):
        client.pronunciation_dicts.create(name="x", items=[{"text": "", "alias": "y"}])
    with pytest.raises(NotFoundError):
        client.pronunciation_dicts.update(UNKNOWN, name="x")
    with pytest.raises(NotFoundError):
        client.pronunciation_dicts.delete(UNKNOWN)


@shows(
    *(f"datasets.{name}" for name in ("create", "retrieve", "update", "list", "delete")),
    *(f"datasets.files.{name}" for name in ("upload", "list", "delete")),
)
def test_a_data_set_keeps_its_files(client: Any) -> None:
    made = client.datasets.create(name="Talks", description="Mine")
    other = client.datasets.create(name="Others", description="")
    clip = client.tts.generate(**SPEECH | {"output_format": WAV}).read()
    for name in ("a.wav", "b.wav", "c.wav"):
        assert client.datasets.files.upload(made.id, file=(name, clip), purpose="fine_tune") is None
    files = list(client.datasets.files.list(made.id, limit=2))
    client.datasets.files.delete(files[1].id, id=made.id)
    left = [file.id for file in client.datasets.files.list(made.id)]
    answer = client.datasets.update(made.id, name="Speeches", description="Ours")
    changed = client.datasets.retrieve(made.id)
    listed = {each.id for each in client.datasets.list(limit=1)}

    assert (made.name, made.description) == ("Talks", "Mine")
    assert made.created_at
    assert sorted(file.filename for file in files) == ["a.wav", "b.wav", "c.wav"]
    assert {file.size for file in files} == {len(clip)}
    assert left == [files[0].id, files[2].id]
    assert answer is None
    assert (changed.id, changed.name, changed.description) == (made.id, "Speeches", "Ours")
    assert listed == {made.id, other.id}
    for dataset in (made, other):
        client.datasets.delete(dataset.id)
        with pytest.raises(NotFoundError):
            client.datasets.retrieve(dataset.id)
    assert list(client.datasets.list()) == []


@shows("datasets.update", "datasets.delete", "datasets.files.list", "datasets.files.upload")
def test_a_data_set_that_nobody_made_is_not_found(client: Any) -> None:
    assert_refused(
        NotFoundError,
        lambda: client.datasets.update(UNKNOWN, name="x", description="y"),
        lambda: client.datasets.delete(UNKNOWN),
        lambda: list(client.datasets.files.list(UNKNOWN)),
        lambda: client.datasets.files.upload(UNKNOWN, file=("a.wav", b"RIFF"), purpose="fine_tune"),
        lambda: client.datasets.files.delete("nobody", id=UNKNOWN),
    )


@shows(*(f"fine_tunes.{name}" for name in ("create", "retrieve", "list", "list_voices", "delete")))
def test_training_is_refused_honestly(client: Any) -> None:
    dataset = client.datasets.create(name="Talks", description="Mine")
    asked = {"name": "x", "description": "y", "language": "en", "model_id": "sonic-3-2026-01-12"}

    with pytest.raises(APIStatusError) as refused:
        client.fine_tunes.create(**asked, dataset=dataset.id)
    client.datasets.delete(dataset.id)

    assert refused.value.status_code == 501
    assert body_of(refused.value)["title"] == "Not implemented"
    assert refused.value.response.headers["x-should-retry"] == "false"
    assert list(client.fine_tunes.list(limit=5)) == []
    assert_refused(
        NotFoundError,
        lambda: client.fine_tunes.create(**asked, dataset=UNKNOWN),
        lambda: client.fine_tunes.retrieve(UNKNOWN),
        lambda: client.fine_tunes.delete(UNKNOWN),
        lambda: list(client.fine_tunes.list_voices(UNKNOWN)),
    )


@shows(
    *(
        f"agents.{name}"
        for name in ("list", "list_templates", "list_phone_numbers", "retrieve", "update", "delete")
    ),
    *(f"agents.calls.{name}" for name in ("list", "retrieve", "download_audio")),
    *(f"agents.deployments.{name}" for name in ("list", "retrieve")),
    "agents.metrics.add_to_agent",
    "agents.metrics.remove_from_agent",
)
def test_there_are_no_agents_here(client: Any) -> None:
    assert client.agents.list().summaries == []
    assert client.agents.list_templates().templates == []
    assert list(client.agents.calls.list(agent_id=UNKNOWN, expand="transcript")) == []
    assert_refused(
        NotFoundError,
        lambda: client.agents.retrieve(UNKNOWN),
        lambda: client.agents.update(UNKNOWN, name="x"),
        lambda: client.agents.delete(UNKNOWN),
        lambda: client.agents.list_phone_numbers(UNKNOWN),
        lambda: client.agents.calls.retrieve(UNKNOWN),
        lambda: client.agents.calls.download_audio(UNKNOWN),
        lambda: client.agents.deployments.list(UNKNOWN),
        lambda: client.agents.deployments.retrieve(UNKNOWN),
        lambda: client.agents.metrics.add_to_agent("nobody", agent_id=UNKNOWN),
        lambda: client.agents.metrics.remove_from_agent("nobody", agent_id=UNKNOWN),
    )


@shows(
    *(f"agents.metrics.{name}" for name in ("create", "retrieve", "list")),
    *(f"agents.metrics.results.{name}" for name in ("list", "export")),
)
def test_metrics_are_kept_and_have_no_results(client: Any) -> None:
    name = f"politeness-{uuid4().hex}"  # a name is taken for good: there is no way to delete a metric
    made = client.agents.metrics.create(name=name, prompt="Was the agent polite?", display_name="Politeness")

    assert made.name == name
    assert client.agents.metrics.retrieve(made.id) == made
    assert made.id in [metric.id for metric in client.agents.metrics.list(limit=100).data]
    assert list(client.agents.metrics.results.list(metric_id=made.id)) == []
    export = client.agents.metrics.results.export(metric_id=made.id)
    assert "agentId" in export
    with pytest.raises(NotFoundError):
        client.agents.metrics.retrieve(UNKNOWN)
