"""Every method of the official client 4.2.0 has a test on the built-in engine, for both of its kinds."""

import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest
from cartesia import AsyncCartesia, Cartesia
from cartesia.lib import _tts as speaking
from cartesia.resources.stt import auto_finalize as turns
from cartesia.resources.stt import manual_finalize as manual

OF_THE_CLIENT = {
    *("close", "copy", "get_api_list", "is_closed", "platform_headers", "with_options"),
    *("delete", "get", "patch", "post", "put", "request"),
}
"""Its own methods, which know no path of the API."""

RETURNED = {
    "tts.websocket_connect()": ("TTSResourceConnectionManager", "TTSResourceConnection"),
    "tts.websocket_connect().context()": ("WebSocketContext",),
    "tts.websocket()": ("BackcompatTTSResourceConnection",),
    "stt.manual_finalize.websocket()": (
        "ManualFinalizeResourceConnectionManager",
        "ManualFinalizeResourceConnection",
    ),
    "stt.auto_finalize.websocket()": (
        "AutoFinalizeResourceConnectionManager",
        "AutoFinalizeResourceConnection",
    ),
}
"""What methods return that has methods of its own."""


def methods_of(it: object, path: str = "") -> set[str]:
    """Return the names of the public methods of a client or a resource, and of the resources below it."""
    found: set[str] = set()
    for name in dir(type(it)):
        if name.startswith(("_", "with_raw", "with_streaming")):
            continue
        value: Any = inspect.getattr_static(type(it), name)
        if inspect.isfunction(value):
            found.add(f"{path}{name}")
        elif type(part := getattr(it, name)).__module__.startswith("cartesia.resources."):
            found |= methods_of(part, f"{path}{name}.")
    return found


def methods_of_sockets(prefix: str) -> set[str]:
    """Return the names of the public methods of what opens a socket; ``prefix`` is that of its classes."""
    found: set[str] = set()
    for path, classes in RETURNED.items():
        for name in classes:
            places = [
                vars(module)[prefix + name] for module in (speaking, manual, turns) if name in vars(module)
            ]
            assert places, name
            found |= {
                f"{path}.{method}"
                for method, value in vars(places[0]).items()
                if not method.startswith("_") and inspect.isfunction(value)
            }
    return found


def shown() -> dict[str, str]:
    """Return the methods that tests are marked to show, each with such a test.

    Whether they call them is checked when they run (see conftest.py).
    """
    found: dict[str, str] = {}
    for path in sorted(Path(__file__).parent.glob("test_built_in_*.py")):
        module = importlib.import_module(f"tests.sdk.{path.stem}")
        for name, function in vars(module).items():
            for mark in getattr(function, "pytestmark", ()):
                takes_a_client = {"client", "lend"} & {*inspect.signature(function).parameters}
                if mark.name == "shows" and takes_a_client:
                    found |= dict.fromkeys(mark.args, f"{path.name}::{name}")
    return found


@pytest.mark.parametrize(("kind", "prefix"), [(Cartesia, ""), (AsyncCartesia, "Async")])
def test_every_method_of_the_client_is_shown(kind: Any, prefix: str) -> None:
    methods = (methods_of(kind(api_key="any")) - OF_THE_CLIENT) | methods_of_sockets(prefix)

    names = {name for name in shown() if "with_" not in name}

    assert len(methods) > 90
    assert methods - names == set(), "these methods have no test"
    assert names - methods == set(), "these tests show what is no method"
