"""The pronunciation dictionaries of the API."""

from collections.abc import Iterator, Sequence

from cartesia_cli.api.exchange import Exchange
from cartesia_cli.api.paging import pages
from cartesia_cli.api.paths import part
from cartesia_cli.errors import RequestError
from cartesia_cli.models import Pronunciation, PronunciationDictionary
from cartesia_cli.wire.dictionaries import decode_dictionary, encode_pronunciations

_PATH = "/pronunciation-dicts/"
_PAGE = "100"


class Dictionaries:
    """What ``api.Client`` does as ``engines.DictionaryCatalogue``.

    Every method raises CredentialsError, LimitError or UnavailableError where there is no answer,
    RequestError where the API refuses, and UsageError for what cannot be sent.
    """

    _exchange: Exchange

    def dictionaries(self) -> Iterator[PronunciationDictionary]:
        """Yield every dictionary, page by page."""
        things = "pronunciation dictionaries"
        for items, _ in pages(self._exchange, _PATH, {"limit": _PAGE}, things, _no_dictionaries()):
            yield from [decode_dictionary(item) for item in items]

    def get_dictionary(self, dictionary_id: str, /) -> PronunciationDictionary:
        """Return one dictionary."""
        return decode_dictionary(self._exchange.json(_path(dictionary_id)))

    def create_dictionary(self, name: str, items: Sequence[Pronunciation], /) -> PronunciationDictionary:
        """Return a new dictionary."""
        body = {"name": name, "items": encode_pronunciations(items)}
        return decode_dictionary(self._exchange.json(_PATH, body=body, once=True, absent=_no_dictionaries()))

    def update_dictionary(
        self, dictionary_id: str, items: Sequence[Pronunciation], /
    ) -> PronunciationDictionary:
        """Return a dictionary whose items were replaced."""
        body = {"items": encode_pronunciations(items)}
        return decode_dictionary(self._exchange.json(_path(dictionary_id), body=body, method="PATCH"))

    def delete_dictionary(self, dictionary_id: str, /) -> None:
        """Delete a dictionary for good."""
        self._exchange.delete(_path(dictionary_id))


def _path(dictionary_id: str) -> str:
    return f"{_PATH}{part(dictionary_id, 'a pronunciation dictionary')}"


def _no_dictionaries() -> RequestError:
    return RequestError(
        "This API has no pronunciation dictionaries.",
        hint="They came with the version of 2025-04-16: check --base-url, and the header Cartesia-Version.",
    )
