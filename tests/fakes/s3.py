"""An S3 server in a process of its own, which counts what it is asked.

with s3_server() as server:
    ...  # server.url; server.environ has credentials for it; server.count("PUT")
"""

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

ROOT = Path(__file__).parents[2]
COUNTS = "/-/counts"
FILL = "/-/fill/"


@dataclass
class S3Server:
    """A server that is ready; it has no buckets."""

    process: "subprocess.Popen[str]"
    url: str

    @property
    def environ(self) -> Mapping[str, str]:
        """What a program needs in order to find it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "known",
            "AWS_SECRET_ACCESS_KEY": "hush-hush-0123456789",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    @property
    def counts(self) -> Mapping[str, int]:
        """How many requests of each method it got; those that list have the method ``LIST``."""
        with urlopen(f"{self.url}{COUNTS}", timeout=10) as answer:  # noqa: S310  our own
            counts: dict[str, int] = json.load(answer)
            return counts

    def create_bucket(self, name: str) -> None:
        """Make a bucket."""
        self.put(name, b"")

    def put(self, path: str, data: bytes) -> None:
        """Make a bucket, or an object in it, as somebody else would."""
        self._call("PUT", path, data)

    def fill(self, bucket: str, folder: str, n: int) -> None:
        """Make objects with the names 000000.wav and so on; this does not count."""
        self._call("GET", f"-/fill/{bucket}/{folder}/{n}")

    def get(self, path: str) -> bytes:
        """Return the bytes of an object."""
        return self._call("GET", path)

    def _call(self, method: str, path: str, data: bytes | None = None) -> bytes:
        headers = {
            "Authorization": "AWS4-HMAC-SHA256 Credential=known/20260101/us-east-1/s3/aws4_request",
            "Content-Type": "application/octet-stream",
        }
        request = Request(f"{self.url}/{path}", data, headers, method=method)  # noqa: S310  our own
        with urlopen(request, timeout=10) as answer:  # noqa: S310
            answered: bytes = answer.read()
            return answered


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Run this module as a process, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.s3"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout is not None
        try:
            yield S3Server(process, process.stdout.readline().strip())
        finally:
            process.kill()


Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


def counted(app: Wsgi) -> Wsgi:
    """Return an app that also tells how often it was called."""
    counts: Counter[str] = Counter()
    lock = threading.Lock()

    def counting(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] == COUNTS:
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps(counts).encode()]
        if environ["PATH_INFO"].startswith(FILL):
            fill(*environ["PATH_INFO"].removeprefix(FILL).split("/"))
            start_response("204 No Content", [])
            return []
        is_list = "list-type" in environ.get("QUERY_STRING", "")
        with lock:
            counts["LIST" if is_list else environ["REQUEST_METHOD"]] += 1
        return app(environ, start_response)

    return counting


def fill(bucket: str, folder: str, n: str) -> None:
    """Make objects without asking for each."""
    from moto.s3.models import s3_backends

    for i in range(int(n)):
        s3_backends["123456789012"]["aws"].put_object(bucket, f"{folder}/{i:06}.wav", b"%d" % i)


def main() -> None:
    """Serve until standard input ends."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    app = counted(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
