from collections.abc import Mapping
from email.utils import formatdate

import pytest

from cartesia_cli.api.retry import retry_delay, should_retry

NOW = 1_800_000_000.0


def delay(attempt: int = 0, headers: Mapping[str, str] | None = None, jitter: float = 0.0) -> float:
    return retry_delay(attempt, headers or {}, jitter=lambda: jitter, clock=lambda: NOW)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_what_may_pass_is_tried_again(status: int) -> None:
    assert should_retry(status, {})


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 422])
def test_what_will_not_pass_is_not_tried_again(status: int) -> None:
    assert not should_retry(status, {})


def test_the_server_has_the_last_word() -> None:
    assert should_retry(400, {"x-should-retry": "true"})
    assert not should_retry(429, {"x-should-retry": "false"})
    assert should_retry(429, {"x-should-retry": "perhaps"})


def test_the_delay_doubles_up_to_eight_seconds() -> None:
    assert [delay(attempt) for attempt in range(7)] == [0.5, 1, 2, 4, 8, 8, 8]
    assert delay(10_000) == 8


def test_jitter_takes_off_up_to_a_quarter() -> None:
    assert delay(1, jitter=1.0) == 0.75
    assert delay(1, jitter=0.5) == 0.875


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 1.5),
        ({"retry-after-ms": "soon", "retry-after": "7"}, 7),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after": "60"}, 60),
        ({"retry-after": formatdate(NOW + 12, usegmt=True)}, 12),
    ],
)
def test_the_servers_wish_is_followed(headers: dict[str, str], seconds: float) -> None:
    assert delay(headers=headers) == seconds


@pytest.mark.parametrize(
    "headers",
    [
        {"retry-after": "60.1"},
        {"retry-after": "0"},
        {"retry-after": "-3"},
        {"retry-after": "nan"},
        {"retry-after": "tomorrow"},
        {"retry-after": ""},
        {"retry-after": formatdate(NOW - 5, usegmt=True)},
        {"retry-after-ms": "70000", "retry-after": "7"},
    ],
)
def test_a_wish_out_of_range_is_not_followed(headers: dict[str, str]) -> None:
    assert delay(headers=headers) == 0.5
