"""How many requests are under way: places, halving and growing, pauses, repetitions, and the end."""

import gc
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from email.utils import formatdate

import pytest

from cartesia_cli.api import Client
from cartesia_cli.api.retry import LONGEST_WISH as API_LONGEST_WISH
from cartesia_cli.batch.asking.level import MOST_REFUSALS, Level
from cartesia_cli.batch.asking.throttle import LONGEST_WISH, Throttle
from cartesia_cli.batch.runner import StoppedError
from cartesia_cli.errors import CartesiaError, LimitError, RequestError, UnavailableError
from cartesia_cli.models import AudioChunk, AudioFormat, Container, SpeechEvents, SpeechRequest
from cartesia_cli.wire.contexts import ContextEnd, decode_message
from tests.fakes.scripted import RESET, Answer, Scripted, chunked, response, sse

PATIENCE = 10.0
REQUEST = SpeechRequest("Hello.", voice_id="v", format=AudioFormat(container=Container.MP3))
EVENT = AudioChunk(b"ab")


def at_once() -> float:
    """As jitter: it takes off the whole of a backoff."""
    return 4.0


def refused(retry_after: float | None = None, *, is_passing: bool = True) -> LimitError:
    error = LimitError("Too many.", retry_after=retry_after)
    error.is_passing = is_passing
    return error


def fault(retry_after: float | None = None) -> UnavailableError:
    error = UnavailableError("Broken.", retry_after=retry_after)
    error.is_passing = True
    return error


class Script:
    """An engine whose requests end one after the other as it was told; None is success, which goes on."""

    def __init__(self, *endings: CartesiaError | None, n_events: int = 0) -> None:
        self.began: list[float] = []
        self._endings = list(endings)
        self._n_events = n_events

    def speak(self, _: SpeechRequest) -> SpeechEvents:
        self.began.append(time.monotonic())
        ending = self._endings.pop(0) if self._endings else None
        yield from [EVENT] * (1 if ending is None else self._n_events)
        if ending is not None:
            raise ending

    def work(self) -> str:
        for _ in self.speak(REQUEST):
            pass
        return "done"


def until(condition: Callable[[], object]) -> None:
    """Wait for a condition, which has to come true."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@contextmanager
def threads(n_threads: int) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(n_threads) as pool:
        yield pool


def is_free(throttle: Throttle) -> bool:
    """Return whether there is a place now."""
    began = threading.Event()
    holder = threading.Thread(target=throttle.call, args=(began.set,), daemon=True)
    holder.start()
    if began.wait(2):
        holder.join()
        return True
    return False


# ---- places


@pytest.mark.parametrize("most", [1, 4])
def test_never_more_requests_are_under_way_than_there_are_places(most: int) -> None:
    throttle = Throttle(most, retries=0)
    counting = threading.Lock()
    n_under_way = greatest = 0

    def speak(_: SpeechRequest) -> SpeechEvents:
        nonlocal n_under_way, greatest
        with counting:
            n_under_way += 1
            greatest = max(greatest, n_under_way)
        try:
            time.sleep(0.0005)
            yield EVENT
        finally:
            with counting:
                n_under_way -= 1

    ask = throttle.wrap(speak)
    with threads(16) as pool:
        answers = list(pool.map(lambda _: list(ask(REQUEST)), range(400)))

    assert answers == [[EVENT]] * 400
    assert greatest == most


def test_a_place_is_taken_when_a_request_begins_and_not_before() -> None:
    throttle = Throttle(1, retries=0)
    ask = throttle.wrap(Script().speak)

    waiting = ask(REQUEST)
    assert is_free(throttle)
    next(waiting)
    with threads(1) as pool:
        other = pool.submit(list, ask(REQUEST))
        time.sleep(0.05)
        assert not other.done()
        waiting.close()
        assert other.result(PATIENCE) == [EVENT]


@pytest.mark.parametrize("end", ["end", "close", "failure", "elsewhere", "collected"])
def test_a_place_is_free_again_however_its_request_ends(end: str) -> None:
    throttle = Throttle(1, retries=0)
    script = Script(fault() if end == "failure" else None, n_events=1)
    events = throttle.wrap(script.speak)(REQUEST)
    next(events)
    match end:
        case "end":
            assert list(events) == []
        case "close":
            events.close()
        case "failure":
            with pytest.raises(UnavailableError):
                next(events)
        case "elsewhere":
            closer = threading.Thread(target=events.close)
            closer.start()
            closer.join(PATIENCE)
        case _:
            cycle: list[object] = [events]
            cycle.append(cycle)
            del events, cycle
            gc.collect()

    assert is_free(throttle)


def test_a_stream_is_closed_before_its_place_is_given_away() -> None:
    throttle = Throttle(1, retries=0)
    log: list[str] = []

    def speak(_: SpeechRequest) -> SpeechEvents:
        log.append("begun")
        try:
            yield EVENT
            yield EVENT
        finally:
            time.sleep(0.02)
            log.append("closed")

    ask = throttle.wrap(speak)
    first = ask(REQUEST)
    next(first)
    with threads(1) as pool:
        second = pool.submit(list, ask(REQUEST))
        first.close()
        second.result(PATIENCE)

    assert log == ["begun", "closed", "begun", "closed"]


def test_a_place_that_the_garbage_collector_gives_back_in_the_middle_of_a_change_is_not_lost() -> None:
    lost: list[SpeechEvents] = []

    def clock() -> float:  # is read within a change
        if lost:
            cycle: list[object] = [lost.pop()]
            cycle.append(cycle)
            del cycle
            gc.collect()
        return time.monotonic()

    throttle = Throttle(2, retries=0, clock=clock)
    ask = throttle.wrap(Script().speak)
    for _ in range(20):
        events = ask(REQUEST)
        next(events)
        lost.append(events)
        del events
        assert list(ask(REQUEST)) == [EVENT]

    with closing(ask(REQUEST)) as one, closing(ask(REQUEST)) as other:
        assert (next(one), next(other)) == (EVENT, EVENT)


def test_nobody_who_waits_is_overtaken_again_and_again() -> None:
    throttle = Throttle(1, retries=0)
    turns: Counter[int] = Counter()
    all_there = threading.Barrier(6, timeout=PATIENCE)
    is_over = threading.Event()

    def insist(who: int) -> None:
        all_there.wait()
        while not is_over.is_set():
            throttle.call(lambda: time.sleep(0.0002))
            turns[who] += 1
            if turns[who] >= 200:
                is_over.set()

    with threads(6) as pool:
        list(pool.map(insist, range(6)))

    assert min(turns.values()) >= 150


# ---- refusals


def test_a_refusal_halves_the_places_once_for_all_that_were_begun_before() -> None:
    throttle = Throttle(8, retries=0, jitter=at_once)
    all_there = threading.Barrier(8, timeout=PATIENCE)
    first_round = threading.local()
    counting = threading.Lock()
    n_under_way = greatest = 0

    def work() -> None:
        nonlocal n_under_way, greatest
        if not hasattr(first_round, "is_over"):
            first_round.is_over = True
            all_there.wait()
            raise refused()
        with counting:
            n_under_way += 1
            greatest = max(greatest, n_under_way)
        until(lambda: greatest >= 4)
        time.sleep(0.02)  # a fifth would come now
        with counting:
            n_under_way -= 1
        raise RequestError("Neither good nor bad.")

    with threads(8) as pool:
        answers = [pool.submit(throttle.call, work) for _ in range(8)]
        assert all(isinstance(answer.exception(PATIENCE), RequestError) for answer in answers)

    assert throttle.limit == 4
    assert greatest == 4
    assert throttle.n_retries == 8


def test_a_refused_request_is_asked_again_however_few_retries_there_are() -> None:
    script = Script(*[refused()] * 5)
    throttle = Throttle(4, retries=0, jitter=at_once)

    assert list(throttle.wrap(script.speak)(REQUEST)) == [EVENT]
    assert len(script.began) == 6
    assert throttle.n_retries == 5


def test_a_refusal_for_good_is_not_asked_again() -> None:
    script = Script(refused(is_passing=False))
    throttle = Throttle(4, retries=5)

    with pytest.raises(LimitError):
        throttle.call(script.work)
    assert (len(script.began), throttle.limit, throttle.n_retries) == (1, 4, 0)


def test_all_obey_the_wish_of_the_server() -> None:
    throttle = Throttle(4, retries=0)
    with threads(4) as pool:
        first = Script(refused(retry_after=0.3))
        began = time.monotonic()
        answer = pool.submit(throttle.call, first.work)
        until(lambda: throttle.limit == 2)
        others = [Script() for _ in range(3)]
        answers = [pool.submit(throttle.call, other.work) for other in others]
        assert [each.result(PATIENCE) for each in [answer, *answers]] == ["done"] * 4

    starts = [first.began[1] - began, *(other.began[0] - began for other in others)]
    assert min(starts) >= 0.3
    assert max(starts) < 2


def test_a_longer_wish_that_comes_later_is_obeyed_too() -> None:
    throttle = Throttle(4, retries=0)
    second_may_fail = threading.Event()
    first = Script(refused(retry_after=0.1))

    def second() -> None:
        if not second_may_fail.is_set():
            assert second_may_fail.wait(PATIENCE)
            raise refused(retry_after=0.4)

    with threads(2) as pool:
        late = pool.submit(throttle.call, second)
        early = pool.submit(throttle.call, first.work)
        until(lambda: throttle.limit == 2)
        told_at = time.monotonic()
        second_may_fail.set()
        assert (early.result(PATIENCE), late.result(PATIENCE)) == ("done", None)

    assert first.began[1] - told_at >= 0.4


@pytest.mark.parametrize("wish", [LONGEST_WISH + 1, None, 0.0])
def test_without_a_wish_that_is_obeyed_only_the_refused_one_waits(wish: float | None) -> None:
    throttle = Throttle(4, retries=0, jitter=lambda: 1.0)
    script = Script(refused(retry_after=wish))
    with threads(1) as pool:
        answer = pool.submit(throttle.call, script.work)
        until(lambda: throttle.limit == 2)
        throttle.call(Script().work)
        assert len(script.began) == 1
        assert answer.result(PATIENCE) == "done"

    assert 0.375 <= script.began[1] - script.began[0] < 2


def test_the_longest_wish_is_that_of_single_requests() -> None:
    assert LONGEST_WISH == API_LONGEST_WISH


@pytest.mark.parametrize(("most", "n_asked"), [(1, 10), (2, 11), (8, 13)])
def test_ten_refusals_with_one_request_at_a_time_are_the_end(most: int, n_asked: int) -> None:
    script = Script(*[refused()] * 50)
    throttle = Throttle(most, retries=3, jitter=at_once)

    with pytest.raises(LimitError, match=r"10 requests in a row, one at a time: Too many\.$") as raised:
        throttle.call(script.work)
    assert raised.value.is_passing is False
    assert raised.value.hint is not None
    assert "--jobs" in raised.value.hint
    assert len(script.began) == n_asked


def test_a_success_of_anybody_begins_the_ten_anew() -> None:
    throttle = Throttle(1, retries=0, jitter=at_once)
    script = Script(*[refused()] * 9, None, *[refused()] * 9)

    assert [throttle.call(script.work) for _ in range(2)] == ["done", "done"]


def test_at_the_last_place_a_refusal_holds_up_all() -> None:
    throttle = Throttle(1, retries=0, jitter=lambda: 1.0)
    script = Script(refused())
    with threads(1) as pool:
        answer = pool.submit(throttle.call, script.work)
        until(lambda: script.began)
        other = Script()
        until(lambda: throttle.n_retries == 1)
        throttle.call(other.work)
        answer.result(PATIENCE)

    assert other.began[0] - script.began[0] >= 0.37


# ---- other failures


def test_what_may_pass_is_asked_again_as_often_as_allowed() -> None:
    failure = fault()
    for retries in (0, 1, 3):
        script = Script(*[failure] * 9)
        throttle = Throttle(2, retries=retries, jitter=at_once)
        with pytest.raises(UnavailableError) as raised:
            list(throttle.wrap(script.speak)(REQUEST))
        assert raised.value is failure
        assert (len(script.began), throttle.n_retries, throttle.limit) == (retries + 1, retries, 2)


@pytest.mark.parametrize("is_passing", [False, None])
def test_what_will_not_pass_is_not_asked_again(is_passing: bool | None) -> None:
    failure = UnavailableError("Nonsense.")
    failure.is_passing = is_passing
    script = Script(failure)

    with pytest.raises(UnavailableError):
        Throttle(2, retries=5).call(script.work)
    assert len(script.began) == 1


@pytest.mark.parametrize("failure", [fault(), refused()], ids=["fault", "refusal"])
def test_what_fails_after_its_first_event_is_raised(failure: CartesiaError) -> None:
    script = Script(failure, n_events=2)
    throttle = Throttle(4, retries=5)

    with pytest.raises(type(failure)):
        list(throttle.wrap(script.speak)(REQUEST))
    assert len(script.began) == 1
    assert throttle.limit == (2 if isinstance(failure, LimitError) else 4)
    assert is_free(throttle)


def test_the_wish_that_comes_with_another_failure_is_obeyed() -> None:
    script = Script(fault(retry_after=0.2))

    Throttle(2, retries=1).call(script.work)

    assert 0.2 <= script.began[1] - script.began[0] < 2


def test_who_waits_before_the_next_attempt_holds_no_place() -> None:
    throttle = Throttle(1, retries=1, jitter=lambda: 0.0)
    script = Script(fault())
    with threads(1) as pool:
        answer = pool.submit(throttle.call, script.work)
        until(lambda: throttle.n_retries == 1)
        throttle.call(Script().work)
        assert len(script.began) == 1
        assert answer.result(PATIENCE) == "done"


def test_the_backoff_doubles_up_to_eight_seconds() -> None:
    waits: list[float] = []

    class Told(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0.0)
            return False

    throttle = Throttle(1, retries=0, jitter=lambda: 1.0)
    vars(throttle)["_stop"] = Told()
    for n_failures in (*range(6), 10_000):
        throttle.pause(n_failures)

    assert waits == [0.375, 0.75, 1.5, 3.0, 6.0, 6.0, 6.0]


# ---- stopping


def test_all_who_wait_end_at_once_when_the_run_is_stopped() -> None:
    stop = threading.Event()
    throttle = Throttle(2, retries=9, stop=stop, jitter=lambda: 0.0)
    release, holding = threading.Event(), threading.Event()

    def hold() -> None:
        holding.set()
        assert release.wait(PATIENCE)

    with threads(4) as pool:
        holder = pool.submit(throttle.call, hold)
        assert holding.wait(PATIENCE)
        in_backoff = pool.submit(throttle.call, Script(*[fault()] * 9).work)
        until(lambda: throttle.n_retries >= 3)  # the next pause is one of four seconds
        pausing = pool.submit(throttle.pause, 9)
        second = throttle.wrap(Script().speak)(REQUEST)
        next(second)
        for_a_place = pool.submit(throttle.call, Script().work)
        time.sleep(0.05)
        began = time.monotonic()
        stop.set()
        for waiting in (in_backoff, pausing, for_a_place):
            assert isinstance(waiting.exception(PATIENCE), StoppedError)
        assert time.monotonic() - began < 1
        assert not holder.done()
        release.set()
        holder.result(PATIENCE)
        second.close()

    with pytest.raises(StoppedError):
        throttle.call(Script().work)


def test_a_pause_for_all_ends_at_once_too() -> None:
    stop = threading.Event()
    throttle = Throttle(2, retries=0, stop=stop)
    with threads(3) as pool:
        answers = [pool.submit(throttle.call, Script(refused(retry_after=50)).work)]
        until(lambda: throttle.limit == 1)
        answers += [pool.submit(throttle.call, Script().work) for _ in range(2)]
        time.sleep(0.02)
        stop.set()
        assert all(isinstance(answer.exception(PATIENCE), StoppedError) for answer in answers)


def test_a_throttle_that_is_not_used_any_more_is_no_burden() -> None:
    stop = threading.Event()
    throttle = Throttle(2, retries=0, stop=stop)
    finished = Future[None]()
    gc.collect()

    class Witness:
        def __del__(self) -> None:
            finished.set_result(None)

    vars(throttle)["witness"] = Witness()
    del throttle
    gc.collect()
    finished.result(PATIENCE)
    stop.set()
    until(lambda: not any(thread.name == "stop" for thread in threading.enumerate()))


# ---- the level


def test_successes_bring_the_places_back_fast_and_then_slowly() -> None:
    level = Level(16)
    assert level.refuse(0, 9)
    assert level.limit == 8
    for _ in range(8 * 8 - 1):
        level.succeed(1, 8)
    assert level.limit == 8
    level.succeed(1, 8)
    assert level.limit == 9

    assert level.refuse(1, 9)  # which was one too many
    limits = []
    for _ in range(5):
        limits.append(level.limit)
        level.succeed(2, 4)
    assert limits == [4, 5, 6, 7, 8]
    assert level.limit == 8


def test_a_limit_that_was_passed_for_long_is_forgotten() -> None:
    level = Level(64)
    level.refuse(0, 3)
    level.refuse(1, 3)
    n_successes = 0
    while level.limit < 64:
        level.succeed(2, 3)
        n_successes += 1

    assert n_successes < 8 * (32 + 33) + 64


def test_there_are_never_more_places_than_at_first_and_never_none() -> None:
    dice = random.Random(1)  # noqa: S311  a sequence of endings
    level = Level(10)
    for _ in range(5_000):
        if dice.random() < 0.2:
            level.refuse(level.n_halvings - dice.randrange(2), dice.randrange(1, 11))
        else:
            level.succeed(level.n_halvings, dice.randrange(1, 11))
        assert 1 <= level.limit <= 10


def test_a_storm_is_soon_made_good() -> None:
    level = Level(64)
    level.succeed(0, 64)
    while not level.is_hopeless:
        level.refuse(level.n_halvings, level.limit)
    assert (level.limit, level.n_refusals) == (1, MOST_REFUSALS)
    for _ in range(63):
        level.succeed(level.n_halvings, level.limit)

    assert level.limit == 64


# ---- the whole


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_all_is_done_in_the_end_and_never_too_much_at_once(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311  a sequence of endings
    throttle = Throttle(8, retries=50, jitter=at_once)
    counting = threading.Lock()
    n_under_way = greatest = 0

    def speak(_: SpeechRequest) -> SpeechEvents:
        nonlocal n_under_way, greatest
        with counting:
            n_under_way += 1
            greatest = max(greatest, n_under_way)
            fate, too_many = dice.random(), n_under_way > 5
        try:
            time.sleep(0.0005)
            if too_many or fate < 0.05:
                raise refused(0.001 if fate < 0.02 else None)
            if fate < 0.15:
                raise fault()
            yield EVENT
            if fate < 0.25:
                raise fault()
            yield EVENT
        finally:
            with counting:
                n_under_way -= 1

    ask = throttle.wrap(speak)

    def insist(number: int) -> int:
        if number % 10 == 0:
            events = ask(REQUEST)
            next(events)
            del events
        while True:
            with suppress(UnavailableError), closing(ask(REQUEST)) as events:
                return len(list(events))

    with threads(20) as pool:
        assert list(pool.map(insist, range(300))) == [2] * 300

    assert greatest <= 8
    assert n_under_way == 0
    assert throttle.n_retries > 0


# ---- what the API says


def asked(answer: Answer, *, request: SpeechRequest = REQUEST) -> CartesiaError:
    """Return the error that a client raises who does not ask again."""
    with Scripted(answer) as server, Client("sk", base_url=server.url, retries=0) as api:
        with pytest.raises(CartesiaError) as raised:
            list(api.synthesize(request))
        return raised.value


TIMED = SpeechRequest("Hello.", voice_id="v", format=AudioFormat(), word_timestamps=True)
QUOTA = b'{"error_code":"quota_exceeded","title":"No credits","message":"None are left."}'


@pytest.mark.parametrize(
    ("answer", "is_passing", "retry_after"),
    [
        (response(429), True, None),
        (response(429, headers=[("Retry-After", "2.5")]), True, 2.5),
        (response(429, headers=[("retry-after-ms", "300"), ("Retry-After", "7")]), True, 0.3),
        (response(503, headers=[("Retry-After", "90")]), True, 90),
        (response(503, headers=[("Retry-After", "nan")]), True, None),
        (response(429, headers=[("X-Should-Retry", "false")]), False, None),
        (response(400, headers=[("X-Should-Retry", "true")]), True, None),
        (response(429, QUOTA), False, None),
        (response(429, QUOTA, headers=[("X-Should-Retry", "true")]), True, None),
        (response(402), False, None),
        (response(404), False, None),
        (response(408), True, None),
        (response(409), True, None),
        (response(500), True, None),
        ([RESET], True, None),
    ],
)
def test_an_error_says_whether_the_client_would_have_asked_again(
    answer: Answer,
    is_passing: bool,
    retry_after: float | None,
) -> None:
    error = asked(answer)
    assert (error.is_passing, error.retry_after) == (is_passing, retry_after)

    with (
        Scripted(answer, chunked(b"ab")) as server,
        Client("sk", base_url=server.url, retries=1, sleep=lambda _: None) as api,
        suppress(CartesiaError),
    ):
        list(api.synthesize(REQUEST))
    assert len(server.requests) == 1 + is_passing


def test_a_date_to_wait_for_becomes_seconds() -> None:
    date = formatdate(time.time() + 30, usegmt=True)

    error = asked(response(429, headers=[("Retry-After", date)]))

    assert error.retry_after is not None
    assert 28 < error.retry_after <= 31


@pytest.mark.parametrize(
    ("event", "is_passing"),
    [
        (b'{"type":"error","status_code":429,"error_code":"concurrency_limited"}', True),
        (b'{"type":"error","status_code":402,"error_code":"quota_exceeded"}', False),
        (b'{"type":"error","status_code":429,"error_code":"quota_exceeded"}', False),
        (b'{"type":"error","status_code":500}', True),
        (b'{"type":"error","status_code":400}', False),
    ],
)
def test_an_error_in_a_stream_says_it_too(event: bytes, is_passing: bool) -> None:
    error = asked(sse(b"data: " + event + b"\n\n"), request=TIMED)
    end = decode_message(event[:-1] + b',"context_id":"c"}').event

    assert error.is_passing is is_passing
    assert isinstance(end, ContextEnd)
    assert end.error is not None
    assert end.error.is_passing is is_passing


def test_a_stream_that_is_cut_may_be_asked_for_again() -> None:
    assert asked(sse(b": hello\n\n"), request=TIMED).is_passing
    assert asked([*chunked(b"ab", end=False), RESET]).is_passing


def test_the_throttle_asks_the_api_again_as_it_wishes() -> None:
    answers: list[Answer] = [
        response(429, headers=[("Retry-After", "0.2")]),
        response(500),
        [RESET],
        chunked(b"ab"),
        response(402, QUOTA),
    ]
    throttle = Throttle(4, retries=2, jitter=at_once)
    with Scripted(*answers) as server, Client("sk", base_url=server.url, retries=0) as api:
        ask = throttle.wrap(api.synthesize)
        began = time.monotonic()
        assert list(ask(REQUEST)) == [EVENT]
        assert time.monotonic() - began >= 0.2
        with pytest.raises(LimitError, match="No credits"):
            list(ask(REQUEST))

    assert len(server.requests) == 5
    assert throttle.n_retries == 3
