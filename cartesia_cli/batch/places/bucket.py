"""A place with an fsspec URL, such as ``s3://BUCKET/DIR``, where the files of a run go."""

import posixpath
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import Any
from urllib.parse import unquote, urlsplit

from cartesia_cli.batch.packages import INSTALL, has_places
from cartesia_cli.batch.places.listing import Listing
from cartesia_cli.errors import OutputError, UsageError
from cartesia_cli.files import Signature
from cartesia_cli.wire.values import one_line

_PACKAGES = {
    "abfs": "adlfs",
    "abfss": "adlfs",
    "az": "adlfs",
    "gcs": "gcsfs",
    "gs": "gcsfs",
    "hdfs": "pyarrow",
    "s3": "s3fs",
    "s3a": "s3fs",
    "sftp": "paramiko",
    "ssh": "paramiko",
}
_OBJECT_STORES = frozenset({"abfs", "abfss", "az", "gcs", "gs", "memory", "oci", "oss", "s3", "s3a"})
"""Where an object appears when it is whole; elsewhere it takes its name when it is."""

_FOREIGN_ERRORS = {
    "aiohttp": ("ClientError",),
    "azure.core.exceptions": ("AzureError",),
    "botocore.exceptions": ("BotoCoreError", "ClientError"),
    "ftplib": ("Error",),
    "gcsfs.retry": ("HttpError",),
    "google.auth.exceptions": ("GoogleAuthError",),
    "paramiko": ("SSHException",),
}
"""What stores raise that is no OSError, by the module that has it if it was imported."""

_MISSING_CREDENTIALS = frozenset(
    {"CredentialRetrievalError", "DefaultCredentialsError", "NoCredentialsError", "PartialCredentialsError"}
)
_MARKS = (
    "ETag",
    "etag",
    "md5Hash",
    "content_md5",
    "mtime",
    "LastModified",
    "last_modified",
    "updated",
    "created",
)
"""What may tell one content of a file from another, the surest first."""

_HINT_ACCESS = "Check the credentials for it, and what they allow: listing, reading and writing."


class Bucket:
    """A place with an fsspec URL. Fits ``making.workshop.Output``; safe for use by several threads.

    A file is written on this machine first, and brought there when it is whole.

    Args:
        url: a user and a password in it are never shown.
        is_listed: many files will be asked for: their folders are listed, once, instead. So whatever others
            write there in the meantime is not seen.

    Raises:
        UsageError: the URL cannot be used, or a package is missing for it.
        OutputError: it cannot be reached.
    """

    is_remote = True

    def __init__(self, url: str, *, is_listed: bool = False) -> None:
        self._scheme = urlsplit(url).scheme.lower()
        self._shown = _without_credentials(url)
        self._secret = urlsplit(url).password or ""
        self._files, self._root = self._open(url)
        self._listing = Listing(self._ask, self._list) if is_listed else None
        self._staging: tempfile.TemporaryDirectory[str] | None = None
        self._lock = RLock()

    def prepare(self) -> None:
        """Write and delete a file, so that what would fail with every file fails before anything is paid for.

        Raises:
            OutputError: nothing can be written there.
        """
        path = self._path(".cartesia-check")
        with self._explained("written"):
            self._make_folder(path)
            self._files.pipe_file(path, b"")
            with suppress(PermissionError):  # to write is enough
                self._files.rm_file(path)

    def path(self, name: str) -> Path:
        """Return where to write a file of this name; ``deliver`` brings it to its place.

        Raises:
            OutputError: it cannot be written on this machine.
        """
        try:
            with self._lock:
                if self._staging is None:
                    self._staging = tempfile.TemporaryDirectory(
                        prefix="cartesia-", ignore_cleanup_errors=True
                    )
                path = Path(self._staging.name, name)  # before another thread closes this
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"There is no room for files on their way to {self._shown}: {error.strerror}.",
                hint="Free some space, or set TMPDIR to a folder on another disk.",
            ) from error
        return path

    def deliver(self, name: str) -> Signature:
        """Bring a finished file, written at ``path``, to where it belongs; it appears there whole.

        Raises:
            OutputError: it cannot be brought there, after as many attempts as the store's package makes.
        """
        source, target = self.path(name), self._path(name)
        with self._explained("written"):
            self._make_folder(target)
            if self._scheme in _OBJECT_STORES:
                self._files.put_file(str(source), target)
            else:
                self._put_and_rename(source, target)
            signature = _signature_in(self._files.info(target))
        with suppress(OSError):
            source.unlink()
        if signature is None:
            raise OutputError(f"{self._shown}/{name} is a folder.", hint="Choose another place.")
        if self._listing is not None:
            self._listing.note(name, signature)
        return signature

    def signature(self, name: str) -> Signature | None:
        """Return the signature of a file; None if there is none.

        Raises:
            OutputError: the place does not tell.
        """
        return self._ask(name) if self._listing is None else self._listing.signature(name)

    def digest(self, name: str) -> str | None:
        """Return None: to read a file there would cost too much."""
        return None

    def close(self) -> None:
        """Remove what was left on this machine."""
        with self._lock:
            if self._staging is not None:
                self._staging.cleanup()
                self._staging = None
            if self._listing is not None:
                self._listing.close()

    def _open(self, url: str) -> tuple[Any, str]:
        if not has_places():
            raise UsageError(f"{self._scheme}:// needs a package more.", hint=f"Install it with: {INSTALL}")
        import fsspec

        try:
            with self._explained("reached"):  # some connect at once
                files, root = fsspec.url_to_fs(url, use_listings_cache=False, skip_instance_cache=True)
        except ImportError as error:
            package = _PACKAGES.get(self._scheme)
            hint = f"Install it with: pip install {package}"
            raise UsageError(
                f"{self._scheme}:// needs a package more.",
                hint=hint if package else "The documentation of fsspec names it.",
            ) from error
        except (ValueError, TypeError) as error:
            raise UsageError(
                f"Nothing can be written to {self._shown}: {self._told(error)}.",
                hint="Name a folder, or a store such as s3://BUCKET/DIR.",
            ) from error
        if not root.strip("/") and self._scheme in _OBJECT_STORES - {"memory"}:
            raise UsageError(f"{self._shown} names no bucket.", hint=f"Write {self._scheme}://BUCKET/DIR.")
        return files, root

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}"

    def _make_folder(self, path: str) -> None:
        if self._scheme not in _OBJECT_STORES:
            self._files.makedirs(posixpath.dirname(path), exist_ok=True)

    def _put_and_rename(self, source: Path, target: str) -> None:
        folder, name = posixpath.split(target)
        part = f"{folder}/.{name}.cartesia-part"
        try:
            self._files.put_file(str(source), part)
            self._files.mv(part, target)
        except BaseException:
            with suppress(OSError):
                self._files.rm_file(part)
            raise

    def _ask(self, name: str) -> Signature | None:
        with self._explained("read"):
            try:
                return _signature_in(self._files.info(self._path(name)))
            except FileNotFoundError:
                return None

    def _list(self, folder: str) -> Iterator[tuple[str, Signature]]:
        """Yield the names in a folder, without it, and their signatures."""
        path = self._path(folder).rstrip("/")
        with self._explained("read"):
            try:
                for entry in self._pages(path) if hasattr(self._files, "call_s3") else self._files.ls(path):
                    signature = _signature_in(entry)
                    if signature is not None:
                        yield posixpath.basename(entry["name"]), signature
            except FileNotFoundError:
                return

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        """List a folder of S3 by the thousand; its own ``ls`` would hold all of it in memory."""
        bucket, key, _ = self._files.split_path(path)
        asked = {"Bucket": bucket, "Prefix": f"{key}/" if key else "", "Delimiter": "/", **self._files.req_kw}
        while True:
            page = self._files.call_s3("list_objects_v2", **asked)
            for entry in page.get("Contents", ()):
                yield {"name": entry["Key"], "type": "file", "size": entry["Size"], "ETag": entry["ETag"]}
            if not page.get("IsTruncated"):
                return
            asked["ContinuationToken"] = page["NextContinuationToken"]

    @contextmanager
    def _explained(self, done: str) -> Iterator[None]:
        """Translate what the place's package says."""
        try:
            yield
        except FileNotFoundError as error:
            raise OutputError(
                f"{self._shown} cannot be {done}: there is no such bucket or folder.",
                hint="Create it first, or check its name.",
            ) from error
        except PermissionError as error:
            raise OutputError(
                f"{self._shown} cannot be {done}: access is denied ({self._told(error)}).", hint=_HINT_ACCESS
            ) from error
        except NotImplementedError as error:
            raise OutputError(
                f"{self._shown} cannot be {done}.", hint="Name a folder, or a store such as s3://BUCKET/DIR."
            ) from error
        except _errors() as error:
            if type(error).__name__ in _MISSING_CREDENTIALS:
                raise OutputError(
                    f"{self._shown} cannot be {done}: there are no credentials for it.",
                    hint="Set them as the store's own tools need them, for example AWS_ACCESS_KEY_ID and"
                    " AWS_SECRET_ACCESS_KEY, or AWS_PROFILE.",
                ) from error
            raise OutputError(
                f"{self._shown} cannot be {done}: {self._told(error)}.",
                hint="Check the address and the network; the next run makes what is missing.",
            ) from error

    def _told(self, error: BaseException) -> str:
        """Return what an error says, fit for a line of ours, without a password."""
        text = str(error)
        for secret in {self._secret, unquote(self._secret)} - {""}:
            text = text.replace(secret, "***")
        return one_line(text, 200).rstrip(".") or type(error).__name__


def _signature_in(facts: dict[str, Any]) -> Signature | None:
    """Return the signature in what fsspec tells of a file; None of a folder."""
    if facts.get("type") == "directory":
        return None
    mark = next((facts[name] for name in _MARKS if facts.get(name)), "")
    return Signature(facts.get("size") or 0, str(mark).strip('"'))


def _without_credentials(url: str) -> str:
    """Return a URL as it may be shown: without user, password and query."""
    scheme, _, rest = url.partition("://")
    place = rest.split("?")[0].split("#")[0]
    host, slash, path = place.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path.rstrip('/')}"


def _errors() -> tuple[type[Exception], ...]:
    """Return what a place may raise, as far as its package was imported."""
    foreign = (
        getattr(sys.modules[module], name)
        for module, names in _FOREIGN_ERRORS.items()
        if module in sys.modules
        for name in names
        if hasattr(sys.modules[module], name)
    )
    return (OSError, *foreign)
