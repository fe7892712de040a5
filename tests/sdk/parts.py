"""A client, synchronous or not, behind one face that notes which methods are called.

So a test is written once and holds for both, and what it says it shows can be compared with what it did. It
knows no client: both generations of the official one are used through it.
"""

import asyncio
import inspect
from collections.abc import AsyncIterable, Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import pytest
from pydantic import BaseModel

Wait = Callable[[Awaitable[Any]], Any]
_END = object()


class Part:
    """A client, a resource of it, or what one of its methods returned.

    A method ``voices.list`` is noted by that name; a method of what it returned as ``voices.list().name``.
    """

    def __init__(self, it: Any, path: str, called: set[str], wait: Wait) -> None:
        self._it = it
        self._path = path
        self._called = called
        self._wait = wait

    def __getattr__(self, name: str) -> Any:
        if isinstance(self._it, Awaitable):  # a pager: its first page
            self._it = self._wait(self._it)
        value = getattr(self._it, name)
        path = f"{self._path}.{name}".removeprefix(".")
        if inspect.isroutine(value):

            def call(*args: Any, **options: Any) -> Any:
                self._called.add(path)
                result = value(*args, **options)
                return self._settled(result, self._path if name == "enter" else f"{path}()")

            return call
        return self._settled(value, path)

    def __iter__(self) -> Iterator[Any]:
        if not isinstance(self._it, AsyncIterable):
            for each in self._it:
                yield self._settled(each, self._path)
            return
        items = aiter(self._it)
        try:
            while (item := self._wait(anext(items, _END))) is not _END:
                yield self._settled(item, self._path)
        finally:
            if inspect.isasyncgen(items):
                self._wait(items.aclose())

    def __enter__(self) -> Any:
        if hasattr(self._it, "__enter__"):
            return self._settled(self._it.__enter__(), self._path)
        return self._settled(self._wait(self._it.__aenter__()), self._path)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if hasattr(self._it, "__exit__"):
            self._it.__exit__(kind, error, traceback)
        else:
            self._wait(self._it.__aexit__(kind, error, traceback))

    def _settled(self, value: Any, path: str) -> Any:
        """Return a value as a synchronous client would have: awaited, and iterable without ``async``."""
        if inspect.iscoroutine(value):
            value = self._wait(value)
        is_part = type(value).__module__.startswith("cartesia.") and not isinstance(value, BaseModel)
        if is_part or isinstance(value, AsyncIterable):
            return Part(value, path, self._called, self._wait)
        return value


def assert_shown(test: pytest.Item, called: set[str]) -> None:
    """Check that a test has called every method that it is marked to show."""
    shown = {name for mark in test.iter_markers("shows") for name in mark.args}
    assert shown <= called, "it does not call what it says it shows"


@contextmanager
def waiting() -> Iterator[Wait]:
    """Lend a function that waits for what an asynchronous client returns."""
    with asyncio.Runner() as runner:

        def wait(awaitable: Awaitable[Any]) -> Any:
            async def result() -> Any:
                return await awaitable

            return runner.run(result())

        yield wait
