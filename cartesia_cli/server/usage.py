"""``GET /usage/credits``: what was used, day by day, at the API's prices."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from threading import Lock

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from cartesia_cli.errors import RequestError

_USUAL_WINDOW = timedelta(days=7)
_LONGEST_WINDOW = timedelta(days=366)
_DAY = timedelta(days=1)


@dataclass(slots=True)
class Ledger:
    """The credits of each day, in UTC. Several threads may write into it.

    Args:
        clock: seconds since 1970.
    """

    clock: Callable[[], float] = time.time
    _credits: dict[date, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def add(self, used: float) -> None:
        """Note credits that were used just now."""
        today = self.today()
        with self._lock:
            self._credits[today] = self._credits.get(today, 0.0) + used

    def between(self, start: date, end: date) -> float:
        """Return what was used from ``start`` to the day before ``end``."""
        with self._lock:
            return sum(used for day, used in self._credits.items() if start <= day < end)

    def today(self) -> date:
        """Return the day that it is."""
        return datetime.fromtimestamp(self.clock(), UTC).date()


def usage_routes(ledger: Ledger) -> list[Route]:
    """Return the route that tells what is in ``ledger``."""

    async def credits_used(request: Request) -> Response:
        params = request.query_params
        start, end = _window(params, ledger)
        return JSONResponse(
            {
                "data": [
                    {
                        "start_ts": f"{first.isoformat()}T00:00:00.000Z",
                        "end_ts": f"{last.isoformat()}T00:00:00.000Z",
                        "credits": round(ledger.between(first, last)),
                    }
                    for first, last in _buckets(start, end, params.get("interval") or None)
                ]
            }
        )

    return [Route("/usage/credits", credits_used, methods=["GET"])]


def _window(params: QueryParams, ledger: Ledger) -> tuple[date, date]:
    """Return the first day that is asked for, and the day after the last.

    Raises:
        RequestError: a time that is none, or a window that cannot be.
    """
    now = datetime.fromtimestamp(ledger.clock(), UTC)
    end_time = _time(params, "end_ts") or now
    start_time = _time(params, "start_ts") or end_time - _USUAL_WINDOW
    if start_time > end_time:
        raise RequestError("The time start_ts must be before end_ts.", title="Invalid window")
    if end_time - start_time > _LONGEST_WINDOW:
        raise RequestError("The window must be a year at most.", title="Invalid window")
    end = end_time.date()
    if end_time.time() != datetime.min.time() or end_time.date() == start_time.date():
        end += _DAY
    return start_time.date(), end


def _time(params: QueryParams, name: str) -> datetime | None:
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
