import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from cartesia_cli.api import Client, Timeouts
from cartesia_cli.errors import CartesiaError, UnavailableError, UsageError
from tests.fakes.scripted import Scripted, response

VOICES = response(body=b"[]")


def ask(base_url: str, timeouts: Timeouts | None = None) -> None:
    with Client("sk_car_0123456789", base_url=base_url, retries=0, timeouts=timeouts) as api:
        list(api.voices())


def failure(base_url: str, timeouts: Timeouts | None = None) -> CartesiaError:
    with pytest.raises(CartesiaError) as caught:
        ask(base_url, timeouts)
    return caught.value


# ---- certificates


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that signs itself, and a server's side of it."""
    folder = tmp_path_factory.mktemp("tls")
    names = "subjectAltName=IP:127.0.0.1"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=test"
    try:
        subprocess.run(
            [*command.split(), "-addext", names, "-keyout", folder / "key.pem", "-out", folder / "cert.pem"],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("needs openssl")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return folder / "cert.pem", context


Certificate = tuple[Path, ssl.SSLContext]


def test_a_certificate_of_ones_own_is_trusted_by_name(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with Scripted(VOICES, tls=certificate[1]) as server:
        ask(server.url)

    assert server.requests[0].target.startswith("/voices")


def test_a_certificate_that_nobody_vouches_for_is_refused(certificate: Certificate) -> None:
    with Scripted(VOICES, tls=certificate[1]) as server:
        error = failure(server.url)

    assert isinstance(error, UnavailableError)
    assert "certificate of 127.0.0.1 is not trusted" in str(error)
    assert error.hint is not None
    assert "SSL_CERT_FILE" in error.hint
    assert server.requests == []


def test_a_certificate_that_is_not_trusted_is_not_tried_again(certificate: Certificate) -> None:
    with (
        Scripted(VOICES, tls=certificate[1]) as server,
        Client("k" * 9, base_url=server.url, retries=5) as api,
    ):
        with pytest.raises(UnavailableError, match="not trusted"):
            list(api.voices())
        assert server.connections == 1


def test_a_certificate_for_another_name_is_refused(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with Scripted(VOICES, tls=certificate[1]) as server:
        assert "not trusted" in str(failure(f"https://localhost:{server.port}"))


def test_a_server_without_tls_is_said_so() -> None:
    with Tunnel(saying(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as plain:
        error = failure(f"https://127.0.0.1:{plain.port}")

    assert "No encrypted connection to 127.0.0.1" in str(error)
    assert error.hint is not None
    assert "http://" in error.hint


def test_a_server_that_never_shakes_hands_is_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = failure(f"https://127.0.0.1:{silent.getsockname()[1]}", Timeouts(connect=0.2))

    assert "within 0.2 s" in str(error)


@pytest.mark.parametrize("content", [None, "", "not a certificate"])
def test_a_certificate_file_that_is_none_is_the_users_mistake(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))

    error = failure("https://127.0.0.1:1")

    assert isinstance(error, UsageError)
    assert "SSL_CERT_FILE" in str(error)
    assert str(path) in str(error)


def test_a_certificate_folder_that_is_none_is_the_users_mistake(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "missing"))

    assert isinstance(failure("https://127.0.0.1:1"), UsageError)


def test_a_plain_connection_needs_no_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/missing")
    with Scripted(VOICES) as server:
        ask(server.url)


# ---- proxies


def test_a_proxy_is_asked_for_the_whole_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with Scripted(VOICES) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://me:p%40ss@127.0.0.1:{proxy.port}")
        monkeypatch.setenv("http_proxy", f"http://me:p%40ss@127.0.0.1:{proxy.port}")
        ask("http://api.test:81/x")

    sent = proxy.requests[0]
    assert sent.target == "http://api.test:81/x/voices?limit=100"
    assert sent.header("host") == "api.test:81"
    assert sent.header("proxy-authorization") == "Basic bWU6cEBzcw=="


def test_a_proxy_without_a_scheme_is_an_http_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with Scripted(VOICES) as proxy:
        monkeypatch.setenv("all_proxy", f"127.0.0.1:{proxy.port}")
        ask("http://api.test")

    assert proxy.requests[0].target == "http://api.test/voices?limit=100"


@pytest.mark.parametrize("no_proxy", ["*", "127.0.0.1", "other.test, 127.0.0.1"])
def test_no_proxy_is_obeyed(no_proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", no_proxy)
    with Scripted(VOICES) as server:
        ask(server.url)


def test_an_encrypted_server_is_reached_through_a_tunnel(
    certificate: Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with Scripted(VOICES, tls=certificate[1]) as server, Tunnel(http_proxy) as proxy:
        monkeypatch.setenv("https_proxy", f"http://me:secret@127.0.0.1:{proxy.port}")
        ask(server.url)

    assert server.requests[0].target == "/voices?limit=100"
    assert server.requests[0].header("proxy-authorization") is None
    assert proxy.heard[0].startswith(f"CONNECT 127.0.0.1:{server.port} ".encode())
    assert b"Proxy-Authorization: Basic bWU6c2VjcmV0" in proxy.heard[0]


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks"])
def test_a_socks_proxy_looks_up_the_name(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Scripted(VOICES) as server, Tunnel(socks_proxy, to=server.port) as proxy:
        monkeypatch.setenv("all_proxy", f"{scheme}://127.0.0.1:{proxy.port}")
        ask("http://api.test:81")

    assert proxy.heard == [b"api.test:81"]
    assert server.requests[0].target == "/voices?limit=100"


def test_a_socks_proxy_is_told_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with Scripted(VOICES) as server, Tunnel(socks_proxy, to=server.port) as proxy:
        monkeypatch.setenv("all_proxy", f"socks5://me:p%40ss@127.0.0.1:{proxy.port}")
        ask("http://api.test")

    assert proxy.heard == [b"me p@ss", b"api.test:80"]


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "407 Proxy Authentication Required"),
        (b"HTTP/1.1 502 \x1b[2JBad\r\n\r\n", "502 [2JBad"),
        (b"\x05\xff", "does not speak HTTP"),
        (b"", "does not speak HTTP"),
    ],
)
def test_a_proxy_that_refuses_is_said_so(reply: bytes, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Tunnel(saying(reply)) as proxy:
        monkeypatch.setenv("https_proxy", f"http://me:secret@127.0.0.1:{proxy.port}")
        error = failure("https://api.test")

    assert isinstance(error, UnavailableError)
    assert text in str(error)
    assert "secret" not in str(error)
    assert error.hint is not None
    assert "HTTPS_PROXY" in error.hint


@pytest.mark.parametrize(
    ("reply", "text"),
    [
        (b"HTTP/1.1 400 No\r\n\r\n", "does not speak SOCKS5"),
        (b"\x05\xff", "asks for a user name and password"),
        (b"\x05", "closed the connection"),
        (b"\x05\x00\x05\x05\x00\x01", "the host refuses the connection"),
        (b"\x05\x00\x05\x77\x00\x01", "reply 119"),
        (b"\x05\x00\x05\x00\x00\x01\x7f", "closed the connection"),
    ],
)
def test_a_socks_proxy_that_refuses_is_said_so(
    reply: bytes, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Tunnel(saying(reply)) as proxy:
        monkeypatch.setenv("all_proxy", f"socks5://127.0.0.1:{proxy.port}")
        error = failure("http://api.test")

    assert isinstance(error, UnavailableError)
    assert text in str(error)


def test_a_silent_socks_proxy_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("all_proxy", f"socks5://127.0.0.1:{silent.getsockname()[1]}")
        assert "within 0.2 s" in str(failure("http://api.test", Timeouts(connect=0.2)))


def test_a_407_of_a_plain_proxy_is_no_mistake_in_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    with Scripted(response(407)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        error = failure("http://api.test")

    assert isinstance(error, UnavailableError)
    assert error.hint is not None
    assert "proxy" in error.hint


def test_nobody_at_the_proxys_address_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with Scripted() as gone:
        pass
    monkeypatch.setenv("http_proxy", f"http://me:secret@127.0.0.1:{gone.port}")

    error = failure("http://api.test")

    assert str(error) == f"The proxy 127.0.0.1:{gone.port} refuses the connection."


@pytest.mark.parametrize(
    "proxy",
    [
        "http://[bad:secret",
        "http://:secret@",
        "ftp://x:secret@y",
        "socks4://secret@x",
        "https://secret@x:1",
        "http://a:99999",
    ],
)
def test_a_proxy_that_is_none_is_the_users_mistake(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", proxy)

    error = failure("http://api.test")

    assert isinstance(error, UsageError)
    assert "secret" not in f"{error}{error.hint}"


# ---- what it costs


def test_the_client_loads_nothing_heavy_and_no_certificates() -> None:
    with Scripted(VOICES) as server:
        code = (
            "import sys; from cartesia_cli.api import Client; "
            f"api = Client(None, base_url='{server.url}'); list(api.voices()); print(*sys.modules)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = set(done.stdout.split())
    assert "httpx" in loaded
    assert loaded.isdisjoint(
        {"anyio", "asyncio", "certifi", "click", "h11", "httpcore", "httpx_sse", "numpy"}
    )
    assert loaded.isdisjoint({"pydantic", "rich", "soundfile", "typer"})


# ---- proxies to test with


class Tunnel:
    """A proxy: ``greet`` talks with the client and returns where to; then bytes go to and fro.

    Args:
        greet: gets the connection and a list to note in what it hears; returns a port on 127.0.0.1, or None.
        to: the port to go to instead.
    """

    def __init__(
        self, greet: Callable[[socket.socket, list[bytes]], int | None], *, to: int | None = None
    ) -> None:
        self.heard: list[bytes] = []
        self._greet = greet
        self._to = to
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.join(10)
        self._listener.close()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        with client:
            port = self._greet(client, self.heard)
            if port is None:
                return
            with socket.create_connection(("127.0.0.1", self._to or port)) as server:
                back = threading.Thread(target=pump, args=(server, client))
                back.start()
                pump(client, server)
                back.join()


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


def http_proxy(client: socket.socket, heard: list[bytes]) -> int:
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        request += client.recv(1)
    heard.append(request)
    client.sendall(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n")
    return int(request.split()[1].split(b":")[1])


def socks_proxy(client: socket.socket, heard: list[bytes]) -> int:
    """SOCKS5 as RFC 1928 and RFC 1929 have it; every reply in single bytes."""

    def say(reply: bytes) -> None:
        for byte in reply:
            client.sendall(bytes([byte]))

    def hear(n_bytes: int) -> bytes:
        return b"".join(client.recv(1) for _ in range(n_bytes))

    methods = hear(hear(2)[1])
    if b"\x02" in methods:
        say(b"\x05\x02")
        name = hear(hear(2)[1])
        word = hear(hear(1)[0])
        heard.append(name + b" " + word)
        say(b"\x01\x00")
    else:
        say(b"\x05\x00")
    assert hear(4) == b"\x05\x01\x00\x03"
    host = hear(hear(1)[0])
    port = int.from_bytes(hear(2), "big")
    heard.append(b"%b:%d" % (host, port))
    say(b"\x05\x00\x00\x04" + b"\0" * 18)
    return port


def saying(reply: bytes) -> Callable[[socket.socket, list[bytes]], int | None]:
    def greet(client: socket.socket, heard: list[bytes]) -> None:
        with suppress(OSError):  # the client may leave at any word
            heard.append(client.recv(4096))
            client.sendall(reply)
            client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass

    return greet


@pytest.fixture(scope="module", autouse=True)
def no_thread_is_left() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() <= before
