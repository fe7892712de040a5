"""Jobs are done by the workers of a cluster: once each, in order, and nobody sees the key."""

import itertools
import json
import os
import pickle
import re
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import urlopen

import pytest

from cartesia_cli.api.way import BrokenConnectionError, UntrustedServerError
from cartesia_cli.batch.cluster.running import run_on_cluster
from cartesia_cli.batch.jobs import Job, Made
from cartesia_cli.batch.places import open_place
from cartesia_cli.batch.runner import Outcome
from cartesia_cli.errors import (
    CartesiaError,
    CredentialsError,
    LimitError,
    OutputError,
    RequestError,
    UnavailableError,
    UsageError,
)
from tests.fakes.asking import LAST_WORDS, POISON, Api, Asking, job, serving
from tests.fakes.cluster import Cluster, cluster
from tests.fakes.s3 import s3_server
from tests.fakes.waiting import eventually

SECRET = f"sk_car_{secrets.token_hex(16)}"
"""Nobody's; other processes, which may import this, have another one."""

OWN = "sk_car_of_the_worker_itself"

Run = Generator[Outcome[Job, Made], None, None]


@dataclass
class Bench:
    """A cluster, an API, and a recipe that asks the one from the other."""

    dask: Cluster
    api: Api
    recipe: Asking

    def run(
        self, jobs: Iterator[Job | Outcome[Job, Made]], *, most: int = 8, stop: threading.Event | None = None
    ) -> "Run":
        return run_on_cluster(
            self.dask.address,
            self.recipe,
            jobs,
            secret=SECRET,
            most=most,
            place=open_place(self.recipe.target),
            stop=stop,
            patience=20,
        )

    def noted(self, kind: str) -> list[str]:
        """Return what workers noted, by their processes."""
        return [path.name.split("-")[1] for path in self.recipe.marker.glob(f"{kind}-*")]

    @property
    def out(self) -> Path:
        return Path(self.recipe.target)


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler that logs every message, and two workers; the second has a key of its own."""
    environ = {"DASK_LOGGING__DISTRIBUTED": "debug"}
    with cluster(tmp_path_factory.mktemp("dask"), environ) as dask:
        dask.add_worker()
        dask.add_worker(environ={"CARTESIA_API_KEY": OWN})
        yield dask


@pytest.fixture
def api() -> Iterator[Api]:
    with serving(Api()) as api:
        yield api


def prepare(dask: Cluster, api: Api, folder: Path, target: str | None = None) -> Bench:
    (folder / "out").mkdir()
    (folder / "marker").mkdir()
    return Bench(dask, api, Asking(target or str(folder / "out"), api.url, folder / "marker"))


@pytest.fixture
def bench(dask: Cluster, api: Api, tmp_path: Path) -> Bench:
    return prepare(dask, api, tmp_path)


def wait_for_workers(bench: Bench, n: int) -> None:
    """Return when so many workers are there; a run of one job says that they can do something."""
    from distributed import Client

    with Client(bench.dask.address, set_as_default=False) as client:
        client.wait_for_workers(n, timeout=20)


def get(url: str) -> str:
    try:
        with urlopen(url, timeout=10) as answer:  # noqa: S310  our own
            return str(answer.read().decode("latin-1"))
    except HTTPError as error:
        return error.read().decode("latin-1")


def test_every_job_is_done_once_and_the_outcomes_keep_their_order(
    bench: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    wait_for_workers(bench, 2)
    bench.api.pause = 0.01

    outcomes = list(bench.run((job(line) for line in range(60)), most=3))

    assert [outcome.job.line for outcome in outcomes] == list(range(60))
    assert {outcome.result.status for outcome in outcomes if outcome.result} == {"done"}
    assert bench.api.asked == {str(line): 1 for line in range(60)}
    assert bench.api.n_most == 3
    assert sorted(path.read_text() for path in bench.out.iterdir()) == sorted(
        f"sound of {line}" for line in range(60)
    )
    assert capfd.readouterr() == ("", "")


def test_what_was_made_before_is_passed_on_without_waiting_for_the_cluster(bench: Bench) -> None:
    wait_for_workers(bench, 2)
    before = (Outcome(job(line), Made("skipped", None)) for line in range(1, 3_000))
    began = time.monotonic()

    outcomes = list(bench.run(itertools.chain([job(0)], before)))

    assert [outcome.job.line for outcome in outcomes] == list(range(3_000))
    assert bench.api.asked == {"0": 1}
    assert time.monotonic() - began < 20  # a look at the cluster for every few of them would take a minute


def test_each_worker_process_opens_one_workshop_and_closes_it(bench: Bench) -> None:
    wait_for_workers(bench, 2)
    bench.api.pause = 0.01

    list(bench.run(job(line) for line in range(24)))

    opened = bench.noted("opened")
    assert len(opened) == len(set(opened)) == 2
    assert eventually(lambda: sorted(bench.noted("closed")) == sorted(opened))


def test_a_worker_uses_its_own_key_and_another_the_one_that_it_is_sent(bench: Bench) -> None:
    wait_for_workers(bench, 2)
    bench.api.pause = 0.01

    list(bench.run(job(line) for line in range(24)))

    assert bench.api.keys == {SECRET, OWN}


def test_the_key_is_nowhere_in_dask(bench: Bench) -> None:
    wait_for_workers(bench, 2)
    bench.api.release = threading.Event()
    run = bench.run(job(line, f"Text {line} here.") for line in range(8))
    done = threading.Thread(target=lambda: list(run))

    done.start()
    try:
        assert eventually(lambda: bench.api.under_way.total() == 4)
        shown = everything_shown(bench.dask)
        scheduler = bench.dask.scheduler.process.pid
        is_in_memory = {text: memory_has(scheduler, text) for text in (SECRET, "Text 3 here.")}
    finally:
        bench.api.release.set()
        done.join(20)
    shown["written"] = bench.dask.everything_written

    assert SECRET in bench.api.keys
    assert is_in_memory == {SECRET: False, "Text 3 here.": True}
    for place in ("state", "tasks", f"{bench.dask.dashboard}/info/main/workers.html"):
        assert len(shown[place]) > 1000
    assert "Text 3 here." in shown["tasks"]
    assert "hand_over" in shown["workers' logs"]
    assert "Message from" in shown["written"]
    assert [place for place, text in shown.items() if SECRET in text] == []


def everything_shown(dask: Cluster) -> dict[str, str]:
    """Return all that a scheduler and its workers tell about themselves, by where it stands."""
    from distributed import Client

    shown = {}
    with Client(dask.address, set_as_default=False) as client:
        client.dump_cluster_state(str(dask.folder / "dump"), format="yaml")
        shown["state"] = (dask.folder / "dump.yaml").read_text()
        info = client.scheduler_info()
        shown["info"] = repr(info)
        shown["events"] = repr(client.get_events())
        shown["scheduler's log"] = repr(client.get_scheduler_logs())
        shown["workers' logs"] = repr(client.get_worker_logs())
        shown["profile"] = repr(client.profile())
        keys = client.run_on_scheduler(task_keys)
        shown["stacks"] = repr(client.call_stack(keys=keys))
        shown["tasks"] = client.run_on_scheduler(everything_kept)
        shown["environments"] = repr(client.run(environment))
    workers = info["workers"].values()
    for address in (
        dask.dashboard,
        *(f"http://127.0.0.1:{worker['services']['dashboard']}" for worker in workers),
    ):
        for path in json.loads(get(f"{address}/sitemap.json"))["paths"]:
            if path.startswith("/statics"):
                continue
            for part in {quote(str(keys[0])), *map(quote, info["workers"])} if "(" in path else {""}:
                place = part.join(re.split(r"\(.*?\)", path)).replace("\\", "")
                shown[f"{address}{place}"] = get(f"{address}{place}")
    return shown


def task_keys(dask_scheduler: Any) -> list[object]:
    return list(dask_scheduler.tasks)


def everything_kept(dask_scheduler: Any) -> str:
    names = (
        "clients",
        "events",
        "extensions",
        "nanny_plugins",
        "plugins",
        "transition_log",
        "worker_plugins",
    )
    tasks = [(repr(task), pickle.dumps(task.run_spec)) for task in dask_scheduler.tasks.values()]
    return repr((tasks, [getattr(dask_scheduler, name, None) for name in names]))


def environment() -> str:
    return repr((dict(os.environ), sys.argv))


def memory_has(pid: int, text: str) -> bool:
    """Return whether a text is anywhere in the memory of a process."""
    with Path(f"/proc/{pid}/mem").open("rb", 0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, access, *_ = line.split()
            start, end = (int(edge, 16) for edge in span.split("-"))
            if access.startswith("rw") and start < 2**63:
                memory.seek(start)
                with suppress(OSError):
                    if text.encode() in memory.read(end - start):
                        return True
    return False


def test_an_error_arrives_as_it_was_and_does_not_stop_the_others(bench: Bench) -> None:
    bench.api.refused = {"2": 400}

    outcomes = list(bench.run(job(line) for line in range(6)))

    error = outcomes[2].error
    assert isinstance(error, RequestError)
    assert (str(error), error.title, error.code, error.request_id) == (
        "This cannot be said.",
        "Bad text",
        "bad",
        "r-400",
    )
    assert [outcome.result is not None for outcome in outcomes] == [True, True, False, True, True, True]


@pytest.mark.parametrize(("status", "kind"), [(401, CredentialsError), (402, LimitError)])
def test_what_would_fail_every_job_ends_the_run(bench: Bench, status: int, kind: type[CartesiaError]) -> None:
    bench.api.refused = {"5": status}
    bench.api.pause = 0.02
    outcomes: list[Outcome[Job, Made]] = []

    with pytest.raises(kind):
        outcomes.extend(bench.run(map(job, itertools.count())))

    assert [outcome.job.line for outcome in outcomes] == list(range(len(outcomes)))
    assert outcomes[5].is_left
    assert len(outcomes) < 40
    for outcome in outcomes:
        line = str(outcome.job.line)
        assert bench.api.asked[line] == (1 if outcome.result or line == "5" else 0)


def test_a_run_that_is_stopped_finishes_what_is_under_way(bench: Bench) -> None:
    wait_for_workers(bench, 2)
    bench.api.release = threading.Event()
    stop = threading.Event()
    outcomes: list[Outcome[Job, Made]] = []
    done = threading.Thread(target=lambda: outcomes.extend(bench.run(map(job, itertools.count()), stop=stop)))

    done.start()
    assert eventually(lambda: bench.api.under_way.total() == 4)
    stop.set()
    time.sleep(0.5)  # so that they have been told: nothing else shows it
    bench.api.release.set()
    done.join(20)

    assert not done.is_alive()
    assert sum(outcome.result is not None for outcome in outcomes) == 4
    assert all(outcome.is_left != (outcome.result is not None) for outcome in outcomes)
    assert bench.api.asked.total() == 4


def test_jobs_are_read_as_they_are_needed_and_a_closed_run_leaves_nothing_behind(bench: Bench) -> None:
    wait_for_workers(bench, 2)
    n_read = itertools.count()
    jobs = (job(next(n_read)) for _ in itertools.count())

    with closing(bench.run(jobs)) as run:
        for _ in range(10):
            next(run)

    assert next(n_read) <= 10 + 600
    assert eventually(lambda: len(bench.noted("closed")) == len(bench.noted("opened")) > 0)
    n_asked = bench.api.asked.total()
    from distributed import Client

    with Client(bench.dask.address, set_as_default=False) as client:
        assert eventually(lambda: not client.run_on_scheduler(task_keys))
    assert bench.api.asked.total() == n_asked


def test_what_a_lost_worker_was_at_is_done_again_and_nothing_else(api: Api, tmp_path: Path) -> None:
    with cluster(tmp_path) as dask:
        bench = prepare(dask, api, tmp_path)
        workers = [dask.add_worker()]
        api.release = threading.Event()
        outcomes: list[Outcome[Job, Made]] = []
        run = bench.run(job(line) for line in range(40))
        done = threading.Thread(target=lambda: outcomes.extend(run))

        done.start()
        assert eventually(lambda: api.under_way.total() == 2, 20)
        workers.append(dask.add_worker())  # which has to be told of the run
        assert eventually(lambda: len(set(bench.noted("opened"))) == 2 and api.under_way.total() == 4, 20)
        [first] = {pid for line in list(api.under_way) for pid in api.askers[line][:1]} - {
            workers[1].process.pid
        }
        assert first == workers[0].process.pid
        lost = {line for line, pids in api.askers.items() if pids == [first]}
        workers[0].kill()
        api.release.set()
        done.join(30)

    assert [outcome.job.line for outcome in outcomes] == list(range(40))
    assert all(outcome.result for outcome in outcomes)
    assert len(lost) == 2
    assert api.asked == {str(line): 2 if str(line) in lost else 1 for line in range(40)}


def test_a_file_whose_worker_died_before_it_could_tell_is_not_made_twice(api: Api, tmp_path: Path) -> None:
    with s3_server() as s3, pytest.MonkeyPatch.context() as patch, cluster(tmp_path, s3.environ) as dask:
        for name, value in s3.environ.items():
            patch.setenv(name, value)
        s3.create_bucket("speech")
        s3.put("speech/x/000003.pcm", b"of another run")
        bench = prepare(dask, api, tmp_path, "s3://speech/x")
        for _ in range(3):
            dask.add_worker()

        lines = (job(line, LAST_WORDS if line in {3, 7} else "Hello.") for line in range(12))
        outcomes = list(bench.run(lines))
        files = [s3.get(f"speech/x/{line:06}.pcm") for line in range(12)]

    assert len(bench.noted("died")) == 2
    assert files == [b"sound of %d" % line for line in range(12)]
    assert [outcome.job.line for outcome in outcomes if outcome.result] == list(range(12))
    assert api.asked["3"] == api.asked["7"] == 1
    assert {outcome.job.line for outcome in outcomes if outcome.result and outcome.result.warnings} >= {3, 7}


def test_a_job_that_kills_its_workers_fails_alone(api: Api, tmp_path: Path) -> None:
    environ = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"}
    with cluster(tmp_path, environ) as dask:
        bench = prepare(dask, api, tmp_path)
        for _ in range(4):
            dask.add_worker(1)
        wait_for_workers(bench, 4)

        outcomes = list(bench.run(job(line, POISON if line == 4 else "Hello.") for line in range(12)))

    assert [outcome.job.line for outcome in outcomes if outcome.error] == [4]
    assert isinstance(outcomes[4].error, UnavailableError)
    assert sum(outcome.result is not None for outcome in outcomes) == 11


def test_without_its_scheduler_a_run_ends_and_loses_nothing(
    api: Api, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    outcomes: list[Outcome[Job, Made]] = []
    with cluster(tmp_path) as dask:
        bench = prepare(dask, api, tmp_path)
        dask.add_worker()

        with pytest.raises(UnavailableError, match="went away") as caught:
            for outcome in bench.run(map(job, itertools.count())):
                outcomes.append(outcome)
                if len(outcomes) == 10:
                    dask.scheduler.kill()

    assert caught.value.hint is not None
    assert [outcome.job.line for outcome in outcomes] == list(range(len(outcomes)))
    assert all(outcome.is_left != (outcome.result is not None) for outcome in outcomes)
    assert not any(outcome.error for outcome in outcomes)
    assert capfd.readouterr() == ("", "")


def test_ctrl_c_ends_a_run_at_once_and_the_workers_forget_it(bench: Bench) -> None:
    wait_for_workers(bench, 2)
    bench.api.release = threading.Event()
    main = threading.get_ident()

    def interrupt() -> None:
        assert eventually(lambda: bench.api.under_way.total() == 4)
        signal.pthread_kill(main, signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt):
        list(bench.run(map(job, itertools.count())))
    interrupter.join()
    bench.api.release.set()

    assert eventually(lambda: len(bench.noted("closed")) == len(bench.noted("opened")) == 2)
    assert bench.api.asked.total() == 4


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler without workers."""
    with cluster(tmp_path_factory.mktemp("bare")) as dask:
        yield dask


def other_version(folder: Path, source: str = '__version__ = "0.0.1"') -> dict[str, str]:
    """Return the environment of a worker that has another version of this program, or none."""
    package = folder / "other" / "cartesia_cli"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(source)
    return {"PYTHONPATH": str(package.parent)}


@pytest.mark.parametrize(
    ("source", "found"),
    [('__version__ = "0.0.1"', "cartesia-cli 0.0.1"), ("raise ImportError", "no cartesia-cli")],
)
def test_a_worker_of_another_version_is_named(
    bare: Cluster, api: Api, tmp_path: Path, source: str, found: str
) -> None:
    worker = bare.add_worker(environ=other_version(tmp_path, source))

    with pytest.raises(UsageError, match=rf"The worker tcp://\S+ has {found}, and this is") as caught:
        list(run_at(bare.address, api, tmp_path, patience=20))

    worker.kill()
    assert "same version" in str(caught.value.hint)


def test_a_worker_of_another_version_that_joins_late_does_no_harm(api: Api, tmp_path: Path) -> None:
    api.pause = 0.02
    with cluster(tmp_path) as dask:
        bench = prepare(dask, api, tmp_path)
        dask.add_worker(1)
        goes_on = threading.Event()
        run = bench.run(
            job(line) for line in itertools.takewhile(lambda _: not goes_on.is_set(), itertools.count())
        )
        outcomes = [next(run)]
        late = dask.add_worker(environ=other_version(tmp_path))
        for outcome in run:
            outcomes.append(outcome)
            if "End worker" in late.written:
                goes_on.set()

    assert all(outcome.result for outcome in outcomes)
    assert api.asked == {str(line): 1 for line in range(len(outcomes))}


def test_a_cluster_without_workers_is_not_waited_for_for_ever(
    bare: Cluster, api: Api, tmp_path: Path
) -> None:
    with pytest.raises(UnavailableError, match="has no workers"):
        list(run_at(bare.address, api, tmp_path, patience=0.5))


@pytest.mark.parametrize("listens", ["nobody", "another server"])
def test_an_address_without_a_scheduler_is_said_soon(
    api: Api, tmp_path: Path, listens: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as unused:
        free = f"127.0.0.1:{unused.getsockname()[1]}"
    address = f"tcp://{free if listens == 'nobody' else api.url}"

    with pytest.raises(UnavailableError, match="There is no scheduler at"):
        list(run_at(address, api, tmp_path, patience=0.5))

    assert capfd.readouterr() == ("", "")


def test_what_is_no_address_is_refused(api: Api, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be the address"):
        list(run_at("gopher://127.0.0.1:70", api, tmp_path))


def test_a_missing_package_is_named(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)

    with pytest.raises(UsageError) as caught:
        list(run_at("tcp://127.0.0.1:1", api, tmp_path))

    assert "pip install 'cartesia-cli[cluster]'" in str(caught.value.hint)


def run_at(address: str, api: Api, folder: Path, *, patience: float = 1) -> Run:
    recipe = Asking(str(folder), api.url, folder)
    return run_on_cluster(
        address,
        recipe,
        map(job, range(3)),
        secret=SECRET,
        most=1,
        place=open_place(recipe.target),
        patience=patience,
    )


@pytest.mark.parametrize(
    "kind",
    [
        CredentialsError,
        LimitError,
        RequestError,
        UnavailableError,
        UsageError,
        OutputError,
        BrokenConnectionError,
        UntrustedServerError,
    ],
)
def test_an_error_is_the_same_on_another_machine(kind: type[CartesiaError]) -> None:
    error = kind(
        "It broke.", hint="Mend it.", title="Broken", code="broken", request_id="r-1", retry_after=2.5
    )
    error.is_passing = False

    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  our own

    assert type(copy) is kind
    assert str(copy) == "It broke."
    assert vars(copy) == vars(error)
