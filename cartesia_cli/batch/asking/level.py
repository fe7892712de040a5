"""How many requests may be under way at once, as far as is known. No threads, no time."""

MOST_REFUSALS = 10
"""One after the other, with a single place left, and no success of anybody: it is of no use to go on."""

_ROUNDS = 8
"""Of successes, one for each place, before it is tried what was refused before."""


class Level:
    """How many places there are.

    A refusal halves them, once for all requests that were begun before the last halving. Each success brings
    one back, up to where the API refused; from there on it takes many. What was passed so is forgotten.

    Args:
        most: places at first, and never more.
    """

    def __init__(self, most: int) -> None:
        self.limit = most
        self.n_halvings = 0
        self.n_refusals = 0
        """One after the other, with a single place."""

        self._most = most
        self._good = most  # so many were under way, and none was refused
        self._n_slow = 0  # successes since there was a change, where that takes many
        self._reached = self._reached_before = 0  # by successes since the last halving, and the one before
        self._has_news = True  # whether a refusal can tell something: not in a row of them

    @property
    def is_hopeless(self) -> bool:
        """Whether all is refused, and has been for long."""
        return self.n_refusals >= MOST_REFUSALS

    def succeed(self, begun_at: int, n_begun: int) -> None:
        """Grow.

        Args:
            begun_at: how many halvings there had been when the request was begun.
            n_begun: how many were under way then, with itself.
        """
        if begun_at == self.n_halvings:
            self._reached = max(self._reached, n_begun)
        elif begun_at == self.n_halvings - 1:
            self._reached_before = max(self._reached_before, n_begun)
        self.n_refusals = 0
        self._has_news = True
        if self.limit >= self._most:
            return
        self._n_slow += 1
        if self.limit >= self._good:
            if self._n_slow < _ROUNDS * self.limit:
                return
            if self.limit > self._good:  # for so long: it is not the API's limit any more
                self._good = self._most
        self.limit += 1
        self._n_slow = 0

    def refuse(self, begun_at: int, n_begun: int) -> bool:
        """Shrink, unless that was done since the refused request was begun; return whether.

        Where as many were under way not long ago, and were not refused, the limit is another one.

        Args:
            begun_at: how many halvings there had been when the request was begun.
            n_begun: how many were under way then, with itself.
        """
        if begun_at < self.n_halvings:
            return False
        if self.limit == 1:
            self.n_refusals += 1
        self.limit = max(self.limit // 2, 1)
        self.n_halvings += 1
        self._n_slow = 0
        if self._has_news and n_begun > max(self._reached, self._reached_before):
            self._good = max(n_begun - 1, self.limit)
        self._reached, self._reached_before = 0, self._reached
        self._has_news = False
        return True
