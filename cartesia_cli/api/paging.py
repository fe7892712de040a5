"""Lists that the API sends in pages."""

from collections.abc import Iterator

from cartesia_cli.api.exchange import Exchange
from cartesia_cli.errors import RequestError, UnavailableError


def pages(
    exchange: Exchange, path: str, params: dict[str, str], things: str, absent: RequestError | None = None
) -> Iterator[tuple[list[object], bool]]:
    """Yield the items of each page, and whether the server pages at all; it holds one page at a time.

    The end is an empty page, whatever the API says of more: so its own clients have it.

    Args:
        exchange: asks.
        path: of the list.
        params: of each request; those that lead from page to page are added.
        things: what the items are, for an error.
        absent: raised where the server has no such list.

    Raises:
        CredentialsError, LimitError, RequestError, UnavailableError: no answer, or pages without end.
    """
    seen: set[int] = set()  # hashes take less room than the cursors
    cursor: dict[str, str] = {}
    while True:
        payload = exchange.json(path, params | cursor, absent=absent)
        if isinstance(payload, list):  # API versions before 2024-11-13: all there are
            yield payload, False
            return
        items, more = _read_page(payload, things)
        if not items:
            return
        last = _id_of(items[-1])
        if hash(last) in seen:
            if not more:  # the only page, again
                return
            raise UnavailableError(
                f"The API sends the same page of {things} again and again.",
                hint="Check --base-url: the server does not page as the Cartesia API does.",
            )
        seen.add(hash(last))
        yield items, True
        cursor = {"starting_after": last}


def _read_page(payload: object, things: str) -> tuple[list[object], bool]:
    """Return the items of a page, and whether the API says that it may have more."""
    if not isinstance(payload, dict) or not isinstance(payload.get("data"), list):
        raise UnavailableError(
            f"The API answered without a list of {things}.",
            hint="Check --base-url: this may not be a server of the Cartesia API.",
        )
    return payload["data"], payload.get("has_more") is not False


def _id_of(item: object) -> str:
    """Return an item's ID, "" for what has none: that is refused by whoever reads it."""
    name = item.get("id") if isinstance(item, dict) else None
    return name if isinstance(name, str) else ""
