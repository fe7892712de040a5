"""Connections through a SOCKS5 proxy (RFC 1928, RFC 1929); the proxy looks up the host's name."""

import socket

from cartesia_cli.api.way import ProxyRefusedError

_VERSION = 5
_NO_NAME, _BY_PASSWORD = 0, 2
_CONNECT = 1
_IPV4, _HOST_NAME, _IPV6 = 1, 3, 4

_REFUSALS = {
    1: "it failed",
    2: "its rules do not allow this connection",
    3: "the network cannot be reached from there",
    4: "the host cannot be reached from there",
    5: "the host refuses the connection",
    6: "the connection took too long",
    7: "it does not make connections",
    8: "it does not know this kind of address",
}


def open_socks_tunnel(
    connection: socket.socket, host: str, port: int, *, username: str = "", password: str = ""
) -> None:
    """Let the proxy at the other end of a socket connect it to a host.

    Raises:
        ProxyRefusedError: it does not, or what is there is not a SOCKS5 proxy.
        OSError: the connection to the proxy broke, or it took too long.
    """
    methods = [_NO_NAME, _BY_PASSWORD] if username else [_NO_NAME]
    connection.sendall(bytes([_VERSION, len(methods), *methods]))
    version, method = _receive(connection, 2)
    if version != _VERSION:
        raise ProxyRefusedError("it does not speak SOCKS5")
    if method == _BY_PASSWORD and username:
        _log_in(connection, username, password)
    elif method != _NO_NAME:
        raise ProxyRefusedError("it asks for a user name and password")
    name = host.encode("ascii")
    if len(name) > 255:
        raise ProxyRefusedError("the host name is too long")
    connection.sendall(bytes([_VERSION, _CONNECT, 0, _HOST_NAME, len(name)]) + name + port.to_bytes(2, "big"))
    version, reply, _, kind = _receive(connection, 4)
    if version != _VERSION:
        raise ProxyRefusedError("it does not speak SOCKS5")
    if reply:
        raise ProxyRefusedError(_REFUSALS.get(reply, f"reply {reply}"))
    lengths = {_IPV4: 4, _IPV6: 16}
    _receive(connection, lengths[kind] if kind in lengths else _receive(connection, 1)[0])
    _receive(connection, 2)


def _log_in(connection: socket.socket, username: str, password: str) -> None:
    name, word = username.encode(), password.encode()
    if len(name) > 255 or len(word) > 255:
        raise ProxyRefusedError("the user name or password is too long")
    connection.sendall(bytes([1, len(name)]) + name + bytes([len(word)]) + word)
    if _receive(connection, 2)[1] != 0:
        raise ProxyRefusedError("wrong user name or password")


def _receive(connection: socket.socket, n_bytes: int) -> bytes:
    received = b""
    while len(received) < n_bytes:
        piece = connection.recv(n_bytes - len(received))
        if not piece:
            raise ProxyRefusedError("it closed the connection")
        received += piece
    return received
