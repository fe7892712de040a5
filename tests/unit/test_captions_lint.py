import pytest

from cartesia_cli.captions import Cue, lint_cues, load_profile
from cartesia_cli.models import WordTiming

NETFLIX = load_profile("netflix")
WORDS = [
    WordTiming("Good", 0.0, 0.4),
    WordTiming("day", 0.5, 0.9),
    WordTiming("to", 1.0, 1.4),
    WordTiming("all.", 1.5, 2.0),
]


@pytest.mark.parametrize(
    ("cues", "rule", "message"),
    [
        (
            [Cue(0, 5000, ("x" * 43,))],
            "characters",
            f"43 characters in a line, at most 42: {'x' * 43}",
        ),
        ([Cue(0, 5000, ("a", "b", "c"))], "lines", "3 lines, at most 2"),
        ([Cue(0, 1000, ("x" * 21,))], "reading-speed", "21.0 characters a second, at most 20"),
        ([Cue(0, 800, ("a",))], "too-short", "0.800 s, at least 0.834"),
        ([Cue(0, 7100, ("a",))], "too-long", "7.100 s, at most 7.000"),
        ([Cue(0, 1000, ("a",)), Cue(1050, 2000, ("b",))], "gap", "50 ms to cue 2, at least 83"),
        ([Cue(0, 1000, ("a",)), Cue(950, 2000, ("b",))], "overlap", "it ends 50 ms after cue 2 starts"),
    ],
)
def test_each_hard_rule_is_an_error(cues: list[Cue], rule: str, message: str) -> None:
    findings = lint_cues(cues, NETFLIX, language="en")

    assert [(f.rule, f.severity, f.message, f.cue) for f in findings] == [(rule, "error", message, 1)]


def test_limits_themselves_are_no_violation() -> None:
    cues = [Cue(0, 833, ("a",)), Cue(916, 7916, ("x" * 42, "y" * 42))]

    assert lint_cues(cues, NETFLIX) == []


def test_a_cue_that_ends_before_it_starts_is_too_short() -> None:
    assert [finding.rule for finding in lint_cues([Cue(1000, 900, ("a",))], NETFLIX)] == ["too-short"]


def test_a_finding_names_the_line_of_the_file() -> None:
    assert [finding.line for finding in lint_cues([Cue(0, 100, ("a",), line=17)], NETFLIX)] == [17]


def test_the_script_tells_the_language() -> None:
    assert [
        f.rule
        for f in lint_cues(
            [Cue(0, 1000, ("今日はいい天気",)), Cue(2000, 3000, ("いい天気ですね。",))], NETFLIX
        )
    ] == ["reading-speed"]


def test_good_cues_have_no_findings() -> None:
    assert lint_cues([Cue(0, 2000, ("Good day to all.",))], NETFLIX, words=WORDS) == []


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        ("Good to all.", ["missing: day"]),
        ("Good day to", ["missing: all."]),
        ("Good old day to all.", ["not spoken here: old"]),
        ("Good night to all.", ["shown: night; spoken: day"]),
        ("Good to day all.", ["missing: day", "not spoken here: day"]),
    ],
)
def test_words_missing_or_out_of_order_are_errors(text: str, messages: list[str]) -> None:
    findings = lint_cues([Cue(0, 2000, (text,))], NETFLIX, words=WORDS)

    assert [(f.rule, f.severity, f.cue) for f in findings] == [("words", "error", 1)] * len(messages)
    assert sorted(f.message for f in findings) == sorted(messages)


def test_no_cues_at_all_miss_everything() -> None:
    assert [f.message for f in lint_cues([], NETFLIX, words=WORDS)] == ["missing: Good day to all."]


def test_too_fast_speech_is_a_warning_only_when_the_words_are_known() -> None:
    words = [
        WordTiming("incomprehensibilities", 0.0, 0.3),
        WordTiming("everywhere.", 0.3, 0.6),
        WordTiming("End.", 9, 10),
    ]
    cues = [Cue(0, 1100, ("incomprehensibilities everywhere.",)), Cue(9000, 10000, ("End.",))]

    assert [(f.rule, f.severity) for f in lint_cues(cues, NETFLIX)] == [("reading-speed", "error")]
    assert [(f.rule, f.severity) for f in lint_cues(cues, NETFLIX, words=words)] == [
        ("reading-speed", "warning")
    ]


def test_a_bad_cut_of_slow_speech_stays_an_error() -> None:
    cues = [Cue(0, 400, ("Good",)), Cue(500, 2000, ("day to all.",))]

    assert [(f.rule, f.severity) for f in lint_cues(cues, NETFLIX, words=WORDS)] == [("too-short", "error")]


def test_what_rounding_to_centiseconds_does_is_no_violation() -> None:
    cues = [Cue(0, 1000, ("a",)), Cue(1080, 1910, ("b",)), Cue(1980, 3000, ("c",))]

    assert [(f.rule, f.cue) for f in lint_cues(cues, NETFLIX, resolution=10)] == [("gap", 2)]
    assert [(f.rule, f.cue) for f in lint_cues(cues, NETFLIX)] == [
        ("gap", 1),
        ("too-short", 2),
        ("gap", 2),
    ]


def test_a_file_without_lines_is_judged_as_its_text_would_be_broken() -> None:
    fits, does_not = "word " * 16, "word " * 18

    assert lint_cues([Cue(0, 5000, (fits.strip(),))], NETFLIX, has_lines=False) == []
    assert [f.rule for f in lint_cues([Cue(0, 5000, (fits.strip(),))], NETFLIX)] == ["characters"]
    assert [f.rule for f in lint_cues([Cue(0, 5000, (does_not.strip(),))], NETFLIX, has_lines=False)] == [
        "lines"
    ]
