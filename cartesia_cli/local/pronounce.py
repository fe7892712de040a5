"""Turns sentences into the speech model's phonemes, and remembers which word each comes from."""

import gzip
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import SequenceMatcher
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from threading import Lock
from typing import Any

from cartesia_cli.local.ipa import PRIMARY, SECONDARY, to_ipa, to_symbols
from cartesia_cli.local.speakable import is_spoken, spoken_form
from cartesia_cli.local.tags import Plain, Spelled
from cartesia_cli.local.text import Sentence

NOBODY = -1
"""The owner of a space or a mark between words."""

_SPELLED = {
    ".": "dot",
    "-": "dash",
    "_": "underscore",
    "/": "slash",
    "@": "at",
    "#": "hash",
    "+": "plus",
    "&": "and",
}
_LETTERS = re.compile(r"[^\W\d_]{25,}")
_DIGITS = re.compile(r"\d[\d,]{15,}")
_LONGEST_READ = 20
"""hibari reads 24 letters of a word that it does not know, and has no names for numbers of 37 digits."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How one sentence is pronounced."""

    symbols: str
    """One character a phoneme, stress mark, space or punctuation mark, in the model's alphabet."""

    owners: tuple[int, ...]
    """For each symbol the index of its word in the sentence, or NOBODY."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """Part of a word, as it is given to hibari."""

    owner: int
    text: str
    ends_word: bool


@dataclass(slots=True)
class _Group:
    """What hibari made of the text between two spaces."""

    text: str = ""
    symbols: str = ""
    owner: int = NOBODY


class Pronouncer:
    """Knows the pronunciation of English, by dictionary, rules and a small network for other words."""

    def __init__(self, assets: Path) -> None:
        self._g2p = _open_g2p(assets)
        # Of the same package, and loaded with it.
        from hibari.g2p.normalize import normalize

        self._normalize: Callable[[str], str] = normalize

    def pronounce(self, sentence: Sentence) -> Reading:
        """Return the phonemes of a sentence; none if nothing of it can be spoken."""
        read: list[tuple[str, int]] = []
        run: list[_Piece] = []
        for owner, word in enumerate(sentence.words):
            for i, part in enumerate(word.parts):
                ends_word = i == len(word.parts) - 1
                if isinstance(part, Plain):
                    run.append(_Piece(owner, _readable(part.text), ends_word))
                    continue
                read += self._read(run)
                run = []
                symbols = self._spell(part.text) if isinstance(part, Spelled) else to_symbols(part.phonemes)
                read += [(symbols, owner), (" " if ends_word else "", NOBODY)]
        read += self._read(run)
        symbols = "".join(text for text, _ in read).rstrip()
        owners = [owner for text, owner in read for _ in text]
        return Reading(symbols, tuple(owners[: len(symbols)]))

    def _read(self, run: Sequence[_Piece]) -> list[tuple[str, int]]:
        """Return the phonemes of ordinary text, each stretch of them with its owner."""
        groups = self._groups(" ".join(piece.text for piece in run))
        pieces = [piece for piece in run if any(map(is_spoken, piece.text))]
        sounding = [group for group in groups if pieces and _has_sound(group.symbols)]
        sources = align([piece.text for piece in pieces], [group.text for group in sounding], self._n_words)
        for group, source in zip(sounding, sources, strict=True):
            group.owner = pieces[source].owner
        read = [stretch for group in groups for stretch in ((group.symbols, group.owner), (" ", NOBODY))]
        return read if run and run[-1].ends_word else read[:-1]

    def _groups(self, text: str) -> list[_Group]:
        tokens = self._g2p.phonemize_tokens(self._g2p.tokenize(self._normalize(text)))
        groups = [_Group()]
        for token in tokens:
            groups[-1].text += token.text
            groups[-1].symbols += token.phonemes or ""
            if token.whitespace:
                groups.append(_Group())
        return [group for group in groups if group.symbols]

    def _spell(self, text: str) -> str:
        """Return the names of the letters, with a short halt after each."""
        names = [_SPELLED.get(character, character) for character in text if not character.isspace()]
        return ", ".join(filter(None, (self._name(name) for name in names)))

    def _name(self, name: str) -> str:
        if len(name) == 1 and name.isascii() and name.isalpha():
            return str(self._g2p.lexicon.get_NNP(name)[0] or "")
        return " ".join(group.symbols for group in self._groups(name))

    def _n_words(self, text: str) -> int:
        """Return how many words hibari makes of a word like ``9:30``."""
        return sum(any(map(is_spoken, word)) for word in self._normalize(text).split())


def align(sources: Sequence[str], spoken: Sequence[str], count: Callable[[str], int]) -> list[int]:
    """Return for each spoken word the index of the source word that it comes from, in order.

    Reading numbers, times and abbreviations makes several words of one, or one of several.
    ``count`` says how many words a source word becomes alone. Where that does not add up, words
    that stay the same are anchors, and what lies between two anchors is counted, or else shared evenly.
    """
    counts = [count(word) for word in sources]
    if sum(counts) == len(spoken):
        return _repeat(counts)
    owners: list[int] = []
    matcher = SequenceMatcher(None, [*map(_key, sources)], [*map(_key, spoken)], autojunk=False)
    for operation, i, i_end, j, j_end in matcher.get_opcodes():
        if i == i_end:
            owners += [max(0, i - 1)] * (j_end - j)
        elif operation == "equal" or i_end - i == j_end - j:
            owners += range(i, i + j_end - j)
        else:
            here = counts[i:i_end]
            if sum(here) != j_end - j:
                here = _share(j_end - j, i_end - i)
            owners += [i + owner for owner in _repeat(here)]
    return owners


def _repeat(counts: Sequence[int]) -> list[int]:
    """Return each index as often as its count says."""
    return [index for index, count in enumerate(counts) for _ in range(count)]


def _share(total: int, n_shares: int) -> list[int]:
    """Return ``n_shares`` numbers, as equal as can be, whose sum is ``total``."""
    return [total * (share + 1) // n_shares - total * share // n_shares for share in range(n_shares)]


def is_sounding(symbol: str) -> bool:
    """Whether a symbol is a phoneme or its stress, not a space or punctuation."""
    return symbol in {PRIMARY, SECONDARY} or to_ipa(symbol) != ""


def _has_sound(symbols: str) -> bool:
    return any(map(to_ipa, symbols))


def _key(word: str) -> str:
    """Return what two ways of writing a word have in common."""
    return "".join(filter(str.isalnum, word)).lower() or word


def _readable(text: str) -> str:
    """Return text whose words hibari reads to their end."""
    text = _DIGITS.sub(lambda found: " ".join(found[0].replace(",", "")), spoken_form(text))
    return _LETTERS.sub(lambda found: " ".join(re.findall(f".{{1,{_LONGEST_READ}}}", found[0])), text)


class _Later(dict[str, Any]):
    """A dictionary read from a file when a word is first looked up; 55 ms that many a text need not wait."""

    def __init__(self, read: Callable[[], dict[str, Any]]) -> None:
        super().__init__()
        self._read: Callable[[], dict[str, Any]] | None = read
        self._lock = Lock()

    def get(self, word: str, default: Any = None) -> Any:
        if self._read is not None:
            with self._lock:
                if self._read is not None:
                    self.update(self._read())
                    self._read = None
        return super().get(word, default)


def _open_g2p(assets: Path) -> Any:
    """Return hibari's grapheme-to-phoneme rules with their tables.

    Its own constructor reads every table at once. This does the same for the version that
    packages.py insists on, but leaves the larger, rarer half of the dictionary for later.
    """
    with _bare_package("hibari"):
        from hibari.g2p import G2P
        from hibari.g2p.lexicon import Lexicon
        from hibari.g2p.tagger import Tagger
        from hibari.g2p.tokenize import Tokenizer

    g2p = object.__new__(G2P)
    g2p.lexicon = Lexicon(
        _read_json(assets / "lexicon_us_gold.json.gz"),
        _Later(lambda: _read_json(assets / "lexicon_us_silver.json.gz")),
    )
    g2p.tokenizer = Tokenizer(_read_json(assets / "tokenizer_exceptions.json"))
    g2p.tagger = Tagger(_read_json(assets / "tagger.json.gz"))
    g2p.unk, g2p.british, g2p._oov = "", False, None
    return g2p


@contextmanager
def _bare_package(name: str) -> Iterator[None]:
    """Let modules of a package be imported without running its ``__init__``.

    hibari's loads its downloader of voices, urllib and, where it is installed, scipy: 50 ms
    and more, for what must never be used here.
    """
    spec = find_spec(name)
    if spec is None or name in sys.modules:
        yield
        return
    sys.modules[name] = module_from_spec(spec)
    try:
        yield
    finally:
        del sys.modules[name]


def _read_json(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    table: dict[str, Any] = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
    return table
