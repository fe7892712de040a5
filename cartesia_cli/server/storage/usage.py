"""``GET /usage/credits`` and ``/usage/agents``: what was used, day by day, at the API's prices."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from threading import Lock
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cartesia_cli.database import Database, Tally
from cartesia_cli.errors import CartesiaError, RequestError

_USUAL_WINDOW = timedelta(days=7)
_LONGEST_WINDOW = timedelta(days=366)
_DAY = timedelta(days=1)


class Ledger:
    """The credits of each day, in UTC. Several threads, and servers on one file, may write into it.

    Args:
        clock: seconds since 1970.
        kept: where the days' sums are; in memory if it is not said.
    """

    def __init__(self, clock: Callable[[], float] = time.time, kept: Tally | None = None) -> None:
        self.clock = clock
        self._kept = kept or Tally(Database(":memory:", "usage"), "credits")
        self._owed: dict[date, float] = {}
        self._lock = Lock()

    def add(self, used: float) -> None:
        """Note credits that were used just now.

        Where they cannot be written they are kept in mind until they can: nobody's speech ends for that.
        """
        today = self.today()
        with self._lock:
            self._owed[today] = self._owed.get(today, 0.0) + used
            with suppress(CartesiaError):
                for day, amount in list(self._owed.items()):
                    self._kept.add(day.isoformat(), amount)
                    del self._owed[day]

    def days(self, start: date, end: date) -> Mapping[date, float]:
        """Return the credits of each day on which there were any, from ``start`` to before ``end``.

        Raises:
            UsageError: what is kept cannot be read.
        """
        with self._lock:
            kept = self._kept.between(start.isoformat(), end.isoformat())
            used = {date.fromisoformat(day): amount for day, amount in kept.items()}
            for day, amount in self._owed.items():
                if start <= day < end:
                    used[day] = used.get(day, 0.0) + amount
        return used

    def today(self) -> date:
        """Return the day that it is."""
        return datetime.fromtimestamp(self.clock(), UTC).date()


def usage_routes(ledger: Ledger) -> list[Route]:
    """Return the routes that tell what is in ``ledger``.

    Keys have no IDs here: with an ``api_key_id`` nothing was used. Nor are there voice agents.
    """

    async def credits_used(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(_buckets_of, request.query_params, ledger))

    async def agents_used(request: Request) -> Response:
        params = request.query_params
        return JSONResponse(await run_in_threadpool(_buckets_of, params, ledger, is_empty=True))

    return [
        Route("/usage/credits", credits_used, methods=["GET"]),
        Route("/usage/agents", agents_used, methods=["GET"]),
    ]


def _buckets_of(params: QueryParams, ledger: Ledger, *, is_empty: bool = False) -> dict[str, Any]:
    start, end = _window(params, ledger)
    buckets = list(_buckets(start, end, params.get("interval") or None))
    is_empty = is_empty or bool(params.get("api_key_id"))
    days = {} if is_empty else ledger.days(start, end)
    return {
        "data": [
            {
                "start_ts": f"{first.isoformat()}T00:00:00.000Z",
                "end_ts": f"{last.isoformat()}T00:00:00.000Z",
                "credits": round(sum(used for day, used in days.items() if first <= day < last)),
            }
            for first, last in buckets
        ]
    }


def _window(params: QueryParams, ledger: Ledger) -> tuple[date, date]:
    """Return the first day that is asked for, and the day after the last.

    Raises:
        RequestError: a time that is none, or a window that cannot be.
    """
    now = datetime.fromtimestamp(ledger.clock(), UTC)
    end_time = read_time(params, "end_ts") or now
    start_time = read_time(params, "start_ts") or end_time - _USUAL_WINDOW
    if start_time > end_time:
        raise RequestError("The time start_ts must be before end_ts.", title="Invalid window")
    if end_time - start_time > _LONGEST_WINDOW:
        raise RequestError("The window must be a year at most.", title="Invalid window")
    end = end_time.date()
    if end_time.time() != datetime.min.time() or end_time.date() == start_time.date():
        end += _DAY
    return start_time.date(), end


def read_time(params: QueryParams, name: str) -> datetime | None:
    """Return the time in a query, in UTC; None if there is none.

    Raises:
        RequestError: it is no time.
    """
    text = params.get(name) or None
    if text is None:
        return None
    try:
        time_named = datetime.fromisoformat(text)
        if time_named.tzinfo is None:
            time_named = time_named.replace(tzinfo=UTC)
        time_named = time_named.astimezone(UTC)
        # A day on either side must be there too.
        if not 1970 <= time_named.year <= 9000:
            raise ValueError("beyond every calendar")  # noqa: TRY301  as the library has it
    except (ValueError, OverflowError) as error:
        raise RequestError(
            f"The time {name} must be one like 2026-01-01T00:00:00Z, not {text[:40]!r}.",
            title="Invalid window",
        ) from error
    return time_named


_NEXT: Mapping[str, Callable[[date], date]] = {
    "day": lambda day: day + _DAY,
    "week": lambda day: day + timedelta(days=7),
    "month": lambda day: (day.replace(day=1) + timedelta(days=32)).replace(day=1),
}


def _buckets(start: date, end: date, interval: str | None) -> Iterator[tuple[date, date]]:
    """Yield the first day of each bucket, and the day after its last."""
    if interval is None:
        yield start, end
        return
    if interval not in _NEXT:
        raise RequestError(
            f"The interval must be one of {', '.join(_NEXT)}, not {interval[:40]!r}.",
            title="Invalid interval",
        )
    while start < end:
        after = min(_NEXT[interval](start), end)
        yield start, after
        start = after
