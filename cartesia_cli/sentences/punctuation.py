"""The characters that end, part and enclose sentences, of any script."""

STOPS = ".!?…‽"
STRONG_STOPS = "。！？｡।॥؟\u06d4\u0589።။"
"""End a sentence without white space behind them, and are never part of a number or an abbreviation.

Among them the Arabic (U+06D4) and the Armenian full stop (U+0589).
"""

PAUSES = ",;:،؛–"
STRONG_PAUSES = "、，；：—"
CLOSERS = "\"')]}”’»\u203a」』）】》〉*_"
OPENERS = "\"'([{“‘„«\u2039¿¡「『（【《〈*_—–-"
LINE_END = r"(?:\r\n|\n|\r)"
