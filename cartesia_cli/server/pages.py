"""Lists in pages: limit, cursors, and the envelope that every generation of clients reads."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from starlette.datastructures import QueryParams

from cartesia_cli.errors import RequestError


class _Listed(Protocol):
    @property
    def id(self) -> str: ...


ListedT = TypeVar("ListedT", bound=_Listed)


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which part of a list is asked for."""

    limit: int = 10
    """1 to 100 items."""

    starting_after: str | None = None
    ending_before: str | None = None


def read_page_query(params: QueryParams) -> PageQuery:
    """Return what a query says about the page.

    Raises:
        RequestError: a limit that is not 1 to 100, or both cursors.
    """
    limit = params.get("limit", "10")
    if not (limit.isascii() and limit.isdecimal() and len(limit) <= 9 and 1 <= int(limit) <= 100):
        raise RequestError(f"The limit must be from 1 to 100, not {limit[:40]!r}.", title="Invalid limit")
    after, before = params.get("starting_after") or None, params.get("ending_before") or None
    if after and before:
        raise RequestError(
            "The cursors starting_after and ending_before exclude each other.", title="Invalid cursor"
        )
    return PageQuery(int(limit), after, before)


def page(items: Sequence[ListedT], query: PageQuery) -> tuple[Sequence[ListedT], bool]:
    """Return the items asked for, in the list's order, and whether more lie beyond them.

    Past the end, and for a cursor that is not in the list, there are none: the official client asks on until
    it gets none, so anything else would keep it asking for ever.
    """
    positions = {item.id: position for position, item in enumerate(items)}
    if query.ending_before is not None:
        end = positions.get(query.ending_before, 0)
        start = max(0, end - query.limit)
        return items[start:end], start > 0
    start = 0
    if query.starting_after is not None:
        start = positions.get(query.starting_after, len(items)) + 1
    end = start + query.limit
    return items[start:end], end < len(items)


def enveloped(
    items: Sequence[ListedT], query: PageQuery, encode: Callable[[ListedT], dict[str, Any]]
) -> dict[str, Any]:
    """Return a page as the API sends it; clients before 3.0 go on at ``next_page``."""
    here, has_more = page(items, query)
    answer: dict[str, Any] = {"data": [encode(item) for item in here], "has_more": has_more}
    if has_more and here:
        answer["next_page"] = here[0 if query.ending_before else -1].id
    return answer
