"""Speech out of the cache, for commands that were asked to take it from there."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cartesia_cli import __version__, console
from cartesia_cli.models import PronunciationDictionary, Speak, SpeechRequest
from cartesia_cli.settings import Settings

if TYPE_CHECKING:
    from cartesia_cli.engines import DictionaryCatalogue


def remembering(
    ask: Speak, requests: Iterable[SpeechRequest], origin: str, dictionaries: "DictionaryCatalogue"
) -> Speak:
    """Return what answers from the cache, and asks for what is not there, which is kept.

    Args:
        ask: asks the engine.
        requests: what it will be asked for.
        origin: which engine it is, with all that shapes its speech besides the request.
        dictionaries: where the pronunciations are; what they say shapes the speech too.

    Raises:
        CartesiaError: a dictionary cannot be had.
    """
    from cartesia_cli.cache.speech import SpeechCache

    wanted = {request.pronunciation_dict_id for request in requests}
    said = pronunciations(filter(None, wanted), dictionaries)
    return SpeechCache(told=console.detail).wrap(ask, repr((origin, said)))


def pronunciations(
    wanted: Iterable[str], dictionaries: "DictionaryCatalogue"
) -> list[list[tuple[str, str, bool]]]:
    """Return what dictionaries, by ID, say.

    Raises:
        CartesiaError: one cannot be had.
    """
    return [_content(dictionaries.get_dictionary(each)) for each in sorted(wanted)]


def cloud_origin(settings: Settings) -> str:
    """Return what shapes the speech of the cloud besides a request."""
    from cartesia_cli.wire.version import API_VERSION

    return repr((settings.base_url, API_VERSION, sorted(settings.headers.items())))


def local_origin() -> str:
    """Return what shapes the speech of the built-in engine besides a request."""
    return repr(("local", __version__))


def _content(dictionary: PronunciationDictionary) -> list[tuple[str, str, bool]]:
    return [(item.text, item.alias, item.case_sensitive) for item in dictionary.items]
