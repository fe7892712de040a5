import pytest

from cartesia_cli.local.recognizer import find_loop


@pytest.mark.parametrize(
    ("tokens", "n_kept"),
    [
        ([], 0),
        ([1, 2, 3, 4] * 2, 0),
        ([1, 2, 3, 4] * 3, 4),
        ([9, 9, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4], 6),
        ([1, 2, 3, 4, 5] * 3, 5),
        ([7, 7, 7, 7], 0),
        ([7] * 12, 4),
    ],
)
def test_the_same_tokens_three_times_in_a_row_are_kept_once(tokens: list[int], n_kept: int) -> None:
    assert find_loop(tokens) == n_kept
