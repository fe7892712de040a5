"""A Dask cluster: a real scheduler and real workers, each a process of its own.

    with cluster(tmp_path) as dask:
        worker = dask.add_worker()
        ...  # dask.address, worker.kill(), dask.everything_written

What the processes write is kept in files; whatever still runs in the end is killed.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.fakes.waiting import eventually

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "DASK_DISTRIBUTED__SCHEDULER__LOCKS__LEASE_TIMEOUT": "2s",
    "DASK_DISTRIBUTED__SCHEDULER__LOCKS__LEASE_VALIDATION_INTERVAL": "200ms",
    "DASK_DISTRIBUTED__DIAGNOSTICS__NVML": "False",
}
"""So that a test need not wait for half a minute until the leases of a lost worker are free."""


@dataclass
class Member:
    """A scheduler or a worker."""

    process: "subprocess.Popen[bytes]"
    log: Path

    def kill(self) -> None:
        """End it without a warning."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    @property
    def written(self) -> str:
        """What it wrote so far."""
        return self.log.read_text("utf-8", "replace")


@dataclass
class Cluster:
    """A scheduler and its workers."""

    folder: Path
    environ: Mapping[str, str]
    members: list[Member] = field(default_factory=list)

    @property
    def scheduler(self) -> Member:
        """The first of all processes."""
        return self.members[0]

    @property
    def address(self) -> str:
        """Where the scheduler listens."""
        return str(self._facts["address"])

    @property
    def dashboard(self) -> str:
        """The address of the scheduler's web pages."""
        services = self._facts["services"]
        assert isinstance(services, dict)
        return f"http://127.0.0.1:{services['dashboard']}"

    @property
    def everything_written(self) -> str:
        """What all processes wrote so far."""
        return "\n".join(member.written for member in self.members)

    def add_worker(self, n_threads: int = 2, *, environ: Mapping[str, str] | None = None) -> Member:
        """Start a worker; it may not be ready yet."""
        return self._start(
            "worker",
            *("--scheduler-file", str(self._file), "--no-nanny"),
            *("--nthreads", str(n_threads), "--host", "127.0.0.1", "--dashboard-address", "127.0.0.1:0"),
            *("--local-directory", str(self.folder)),
            environ=environ,
        )

    def start_scheduler(self) -> None:
        """Start the scheduler, and wait for it."""
        self._start(
            *("scheduler", "--host", "127.0.0.1", "--port", "0", "--dashboard-address", "127.0.0.1:0"),
            *("--scheduler-file", str(self._file)),
        )
        assert eventually(lambda: self._file.exists() and self._file.read_text().endswith("}"), 20)

    @property
    def _file(self) -> Path:
        return self.folder / "scheduler.json"

    @property
    def _facts(self) -> dict[str, object]:
        facts: dict[str, object] = json.loads(self._file.read_text())
        return facts

    def _start(self, role: str, *options: str, environ: Mapping[str, str] | None = None) -> Member:
        log = self.folder / f"{role}-{len(self.members)}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.dask_{role}", *options],
                cwd=self.folder,
                env={**self.environ, "PYTHONPATH": str(ROOT), **(environ or {})},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        member = Member(process, log)
        self.members.append(member)
        return member


@contextmanager
def cluster(folder: Path, environ: Mapping[str, str] | None = None) -> Iterator[Cluster]:
    """Run a scheduler without workers."""
    settings = {**SETTINGS, "DASK_TEMPORARY_DIRECTORY": str(folder)}
    dask = Cluster(folder, {**os.environ, **settings, **(environ or {})})
    try:
        dask.start_scheduler()
        yield dask
    finally:
        for member in dask.members:
            member.process.kill()
        for member in dask.members:
            member.process.wait(10)
