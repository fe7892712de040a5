"""A timbre as the 192 numbers that the older API called an embedding, and back.

The numbers are logarithms, so that what lies between two of them sounds as if it lay between.
"""

import math
from collections.abc import Sequence

from cartesia_cli.errors import RequestError, UsageError
from cartesia_cli.local.voices import Timbre

SIZE = 192
_MOST = 1.0
"""Logarithms to base 2: nothing is more than doubled or halved but the level, which may be fourfold."""

_MARK = 0.8125
"""The last of the numbers, in each that was made here; mixing keeps it."""


def encode_timbre(timbre: Timbre) -> tuple[float, ...]:
    """Return the embedding of a timbre."""
    parts = (timbre.pitch, timbre.formant, timbre.gain, timbre.pace)
    return (*map(math.log2, parts), *[0.0] * (SIZE - len(parts) - 1), _MARK)


def decode_timbre(embedding: Sequence[float]) -> Timbre:
    """Return the timbre that an embedding stands for.

    Raises:
        RequestError: it was not made by this engine.
    """
    if (
        len(embedding) != SIZE
        or not all(map(math.isfinite, embedding))
        or abs(embedding[-1] - _MARK) > 1e-6
        or any(abs(number) > 1e-6 for number in embedding[4:-1])
    ):
        raise RequestError(
            "This embedding was not made by the built-in engine, which cannot use another.",
            title="Invalid embedding",
            hint="Use --engine cloud with a server of the older API.",
        )
    pitch, formant, gain, pace = (
        2 ** max(-most, min(most, number))
        for number, most in zip(embedding[:4], (_MOST, _MOST, 2 * _MOST, _MOST), strict=True)
    )
    return Timbre(pitch, formant, gain, pace)


def mix(parts: Sequence[tuple[Sequence[float], float]]) -> tuple[float, ...]:
    """Return what lies between embeddings, each with its weight.

    Raises:
        UsageError: nothing to mix, lengths that differ, or weights that cannot be.
    """
    if not parts or len({len(embedding) for embedding, _ in parts}) != 1:
        raise UsageError("There is nothing to mix: give voices that have embeddings of one length.")
    most = max(weight for _, weight in parts)
    if not all(math.isfinite(weight) and weight >= 0 for _, weight in parts) or not most:
        raise UsageError("The weights must be 0 or more, and not all of them 0.")
    columns = zip(*(embedding for embedding, _ in parts), strict=True)
    weights = [weight / most for _, weight in parts]  # whose sum is no more than there are, however large
    total = math.fsum(weights)
    return tuple(
        math.fsum(number * weight for number, weight in zip(column, weights, strict=True)) / total
        for column in columns
    )
