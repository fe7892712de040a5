"""Which full stops belong to their word."""

import re

from cartesia_cli.sentences.punctuation import OPENERS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEVER_LAST = _words(
    # Titles, and what explains or compares: a sentence does not end with these.
    "mr mrs ms mx dr prof rev gen col sgt capt lt cmdr maj hon gov sen rep pres supt messrs mt mme mlle sra "
    "srta dra ing sig vs cf viz e.g i.e z.b d.h u.a p.ex bzw vgl sog"
)
_BEFORE_NUMBERS = _words(
    "no nos nr vol vols pp p fig figs eq eqs sec ch art op ed ver ca approx est max min avg tel ext"
)
_MAY_BE_LAST = _words(
    "jr sr st ave blvd rd ft inc ltd co corp bros al dept univ assn assoc govt intl mfg ph.d"
)
_DATES = _words(
    "Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec Mon Tue Tues Wed Thu Thur Thurs Fri Sat Sun"
)
_GERMAN_MONTHS = _words(
    "Januar Jänner Februar März April Mai Juni Juli August September Oktober November Dezember"
)
_STARTERS = _words(
    # After an abbreviation that may be last, a capital alone proves nothing ("U.S. Army"); these words do.
    "A After All Also An And Another As At Because Before Both But By Can Did Do Does Each Every For From "
    "Had Has Have He Her Here His How However I If In Is It Its Later Many Maybe Most My Next No Not Now Of "
    "On Once One Or Our Perhaps Please She Should Since So Some Such That The Their Then There These They "
    "This Those Though Thus To Today Two Was We Were What When Where Which While Who Why Will With Would Yes "
    "Yet You Your"
)
LONGEST_WORD = 24
"""Characters looked at before a stop; no abbreviation is longer."""


def is_abbreviation(text: str, stop: int, following: str) -> bool:
    """Return whether the full stop at ``stop`` belongs to its word, and ``following`` goes on."""
    before = text[max(0, stop - LONGEST_WORD) : stop]
    if not before or before[-1].isspace():
        return False
    word = before.split()[-1].lstrip(OPENERS)
    if word.isdecimal():
        start = stop - len(word)
        line = text[max(0, start - 8) : start].rstrip(" \t")
        is_list_marker = len(word) <= 3 and (not line or line[-1] in "\r\n")
        return is_list_marker or (len(word) <= 2 and following in _GERMAN_MONTHS)
    name = word.lower()
    if name in _NEVER_LAST or (name in _BEFORE_NUMBERS and following[:1].isdigit()):
        return True
    is_initial = len(word) == 1 and word.isalpha() and word != "I"
    has_stops = re.fullmatch(r"(?:[^\W\d_]{1,3}\.)+[^\W\d_]{1,3}", word) is not None
    return (is_initial or has_stops or name in _MAY_BE_LAST or word in _DATES) and following not in _STARTERS


def depends_on_word(text: str, stop: int, following: str) -> bool:
    """Return whether more letters of ``following`` can change what ``is_abbreviation`` says."""
    words = following, "The", "Mai"
    return following[:1].isalpha() and len({is_abbreviation(text, stop, word) for word in words}) > 1
