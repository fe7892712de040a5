import random
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cartesia_cli.captions import Cue, cues_from_words, format_captions, lint_cues, load_profile
from cartesia_cli.captions.timings import format_timings
from cartesia_cli.models import WordTiming
from tests.captions_judge import Broken, Word, judge, parse


def words_of(text: str) -> list[str]:
    return text.split()


PROSE = words_of("""
    It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of
    foolishness. A wizard's job is to vex chumps quickly in fog; John Smith, who has been waiting for 25
    minutes, finally decides to go home. The committee will meet again on the first Monday of the month,
    unless the chairman is away. In 1997 she moved to New York with her two brothers, a piano and very little
    money. Nothing happened.
""")

DIALOGUE = words_of("""
    "Who is there?" "Me." "Who?" "It is I, your neighbour from across the street, Mrs. Abernathy." "Oh. Come
    in!" "Thanks." "Tea?" "Yes, please; with two sugars." "No." "Why not?" "Because there is none left, I am
    afraid."
""")

LIST = words_of("""
    Milk, eggs, flour, sugar, butter, salt, yeast, honey, apples, pears, plums, 12 oranges, 3 kg of potatoes,
    a jar of mustard, and a bottle of olive oil.
""")

UNPUNCTUATED = [word.strip('.,;:!?"').lower() for word in PROSE]

TEXTS = {"prose": PROSE, "dialogue": DIALOGUE, "list": LIST, "without punctuation": UNPUNCTUATED}
PROFILES = ["netflix", "bbc", "shorts"]


def spoken(texts: list[str], words_a_minute: float, *, seed: int = 0) -> list[WordTiming]:
    """Speech of this pace, each word as long as its letters take, with pauses after punctuation."""
    chance = random.Random(seed)  # noqa: S311  the same speech in every run
    per_char = 60 / words_a_minute / 5.7
    at, words = 0.3, []
    for text in texts:
        length = (len(text) + 1) * per_char * chance.uniform(0.8, 1.2)
        words.append(WordTiming(text, round(at, 3), round(at + length * 0.95, 3)))
        at += length
        if text[-1] in '.!?"':
            at += chance.uniform(0.2, 0.7)
        elif text[-1] in ",;:":
            at += chance.uniform(0.05, 0.3)
    return words


def judged(words: list[WordTiming], profile: str, language: str = "en") -> list[Broken]:
    cues = cues_from_words(words, load_profile(profile), language=language)
    timed = [Word(word.word, round(word.start * 1000), round(word.end * 1000)) for word in words]
    return judge(format_captions("srt", cues), timed, profile, language)


def english(texts: list[str], profile: str = "netflix", pace: float = 150) -> list[str]:
    cues = cues_from_words(spoken(texts, pace), load_profile(profile), language="en")
    return [" | ".join(cue.lines) for cue in cues]


ORDINARY = {(name, profile, pace) for name in TEXTS for profile in PROFILES for pace in (90, 130, 160)} - {
    ("without punctuation", "bbc", 160)
}
"""Without pauses, 160 words a minute are faster than the 0.3 s a word that `bbc` asks for."""


@pytest.mark.parametrize(("name", "profile", "pace"), sorted(ORDINARY))
def test_ordinary_speech_breaks_no_rule_at_all(name: str, profile: str, pace: float) -> None:
    found = judged(spoken(TEXTS[name] * 3, pace), profile)

    assert found == []


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("pace", [200, 240])
def test_fast_speech_breaks_only_what_no_cut_could_keep(name: str, profile: str, pace: float) -> None:
    words = spoken(TEXTS[name], pace, seed=1)

    avoidable = [broken for broken in judged(words, profile) if broken.avoidable]

    assert avoidable == []


@st.composite
def speech(draw: st.DrawFn) -> list[WordTiming]:
    """Words of any length and pace, with any pauses, in time's order."""
    at, words = 0, []
    for _ in range(draw(st.integers(1, 30))):
        text = draw(
            st.sampled_from(
                ["a", "of", "the", "cat", "cat,", "sat.", "house", "wonderful", "misunderstanding;"]
            )
        )
        length = draw(st.integers(30, 900))
        words.append(WordTiming(text, at / 1000, (at + length) / 1000))
        at += length + draw(st.sampled_from([0, 0, 0, 20, 60, 130, 300, 520, 900, 1500, 4000]))
    return words


@settings(max_examples=120, deadline=None)
@given(speech(), st.sampled_from(PROFILES))
def test_no_rule_is_broken_that_some_cut_could_keep(words: list[WordTiming], profile: str) -> None:
    avoidable = [broken for broken in judged(words, profile) if broken.avoidable]

    assert avoidable == []


@settings(max_examples=60, deadline=None)
@given(speech(), st.sampled_from(PROFILES))
def test_the_lint_finds_no_error_in_our_own_cues(words: list[WordTiming], profile: str) -> None:
    rules = load_profile(profile)

    findings = lint_cues(cues_from_words(words, rules), rules, words=words)

    assert [finding for finding in findings if finding.severity == "error"] == []


ODD_TEXT = st.text(st.sampled_from("ab .-/<>&\n今日。はالي\u0301\u200d👩🏽\u200bé"), max_size=60)
ODD_TIME = st.floats(allow_nan=True, allow_infinity=True) | st.floats(-5, 60)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.builds(WordTiming, ODD_TEXT, ODD_TIME, ODD_TIME), max_size=25), st.sampled_from(PROFILES))
@example([WordTiming("x" * 500, 0.0, 0.0)] * 3, "netflix")
@example(
    [WordTiming("late", 9.0, 9.5), WordTiming("early", 1.0, 1.5), WordTiming("mid", 5.0, 5.5)], "netflix"
)
def test_no_words_are_lost_and_no_cues_overlap_whatever_the_timings(
    words: list[WordTiming], profile: str
) -> None:
    limits = load_profile(profile)

    cues = cues_from_words(words, limits)

    assert bare("".join(cue.text for cue in cues)) == bare("".join(word.word for word in words))
    assert bare("".join(word.word for cue in cues for word in cue.words)) == bare(
        "".join(w.word for w in words)
    )
    times = [time for cue in cues for time in (cue.start, cue.end)]
    assert times == sorted(times)
    assert all(cue.start < cue.end and 1 <= len(cue.lines) <= 2 and all(cue.lines) for cue in cues)


def bare(text: str) -> str:
    return "".join(text.split())


def test_the_text_of_all_cues_is_the_text_of_all_words() -> None:
    cues = cues_from_words(spoken(PROSE, 150), load_profile("netflix"))

    assert " ".join(cue.text for cue in cues) == " ".join(PROSE)
    assert [word.word for cue in cues for word in cue.words] == PROSE


def test_breaks_follow_the_sense() -> None:
    assert english(PROSE) == [
        "It was the best of times,",
        "it was the worst of times, it was the age | of wisdom, it was the age of foolishness.",
        "A wizard's job is to vex chumps | quickly in fog; John Smith,",
        "who has been waiting for 25 minutes, | finally decides to go home.",
        "The committee will meet again | on the first Monday of the month,",
        "unless the chairman is away.",
        "In 1997 she moved to New York | with her two brothers,",
        "a piano and very little money.",
        "Nothing happened.",
    ]


def test_a_text_that_fits_one_line_gets_one() -> None:
    assert english(words_of("This is forty-two characters long, exactly")) == [
        "This is forty-two characters long, exactly"
    ]


def test_no_line_ends_with_an_article_where_there_is_another_place() -> None:
    lines = [line for cue in english(UNPUNCTUATED * 2) for line in cue.split(" | ")]

    assert not [line for line in lines if line.split()[-1] in {"a", "the", "her"}]


def test_a_chained_cue_lasts_until_two_frames_before_the_next() -> None:
    words = [*timed("One two three four.", 0, 2), *timed("Five six seven eight nine ten eleven.", 2.4, 5)]

    first, second = cues_from_words(words, load_profile("netflix", max_chars=20))[:2]

    assert (first.end, second.start) == (2317, 2400)


def test_a_gap_longer_than_what_is_chained_is_kept_too() -> None:
    words = spoken(PROSE * 2, 130)

    cues = cues_from_words(words, load_profile("netflix", gap=0.8))

    assert min(after.start - cue.end for cue, after in pairwise(cues)) >= 800


def test_a_cue_without_a_near_neighbour_ends_with_its_sound() -> None:
    words = [*timed("One two three four.", 0, 2), *timed("Five six seven eight nine ten eleven.", 3, 6)]

    assert cues_from_words(words, load_profile("netflix"))[0].end == 2000


def test_a_short_word_is_shown_for_the_shortest_time() -> None:
    assert cues_from_words([WordTiming("No.", 1.0, 1.1)], load_profile("netflix")) == [
        Cue(1000, 1834, ("No.",), (WordTiming("No.", 1.0, 1.1),))
    ]


def test_a_word_of_ten_seconds_is_shown_for_the_longest_time() -> None:
    assert cues_from_words([WordTiming("Aaah!", 0.0, 10.0)], load_profile("netflix"))[0].end == 7000


def test_an_address_longer_than_a_line_is_cut_at_its_slashes() -> None:
    address = "https://example.org/a-rather-long-path/to/some/page-of-interest"
    words = [WordTiming("See", 0.0, 0.2), WordTiming(address, 0.2, 6.0)]

    (cue,) = cues_from_words(words, load_profile("netflix", max_lines=3))

    assert cue.lines == ("See https://example.org/a-rather-", "long-path/to/some/page-of-interest")


def test_japanese_is_cut_between_characters_but_not_before_a_full_stop() -> None:
    text = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"
    text += "何でも薄暗いじめじめした所で泣いていた事だけは記憶している。"
    words = [WordTiming(char, index / 6, (index + 1) / 6) for index, char in enumerate(text)]

    cues = cues_from_words(words, load_profile("netflix"), language="ja")

    lines = [line for cue in cues for line in cue.lines]
    assert "".join(lines) == text
    assert max(map(len, lines)) <= 23
    assert not [line for line in lines if line[0] in "。、"]
    assert [broken for broken in judged(words, "netflix", "ja") if broken.avoidable] == []


def test_a_whole_chinese_sentence_as_one_word_is_cut_too() -> None:
    text = "我们今天要讲的是一个关于勇气和希望的故事它发生在很久很久以前的一座小城里"

    cues = cues_from_words([WordTiming(text, 0.0, 9.0)], load_profile("netflix"))

    assert "".join(cue.text for cue in cues) == text
    assert max(len(line) for cue in cues for line in cue.lines) <= 16
    assert len(cues) >= 2


def test_korean_keeps_its_spaces() -> None:
    (cue,) = cues_from_words(timed("오늘은 날씨가 좋다", 0, 3), load_profile("netflix"))

    assert cue.lines == ("오늘은 날씨가 좋다",)


def test_families_of_emoji_and_combined_letters_count_as_one() -> None:
    family = "👨\u200d👩\u200d👧\u200d👦"
    word = "e\u0301" * 20

    (cue,) = cues_from_words(timed(f"{word} {family * 21}", 0, 5), load_profile("netflix"))

    assert len(cue.lines) == 1


def test_words_out_of_time_stay_in_the_order_of_the_text() -> None:
    words = [WordTiming("one", 1.0, 1.4), WordTiming("two", 99.0, 99.4), WordTiming("three", 2.0, 2.4)]

    (cue,) = cues_from_words(words, load_profile("netflix"))

    assert cue.text == "one two three"
    assert cue.end == 2400


def test_twenty_thousand_words_take_well_under_a_second() -> None:
    words = spoken((PROSE * 300)[:20_000], 160)
    started = time.process_time()

    cues_from_words(words, load_profile("netflix"))

    assert time.process_time() - started < 1


def timed(text: str, start: float, end: float) -> list[WordTiming]:
    """The words of a text, evenly in time."""
    texts = text.split()
    step = (end - start) / len(texts)
    return [WordTiming(word, start + i * step, start + (i + 1) * step) for i, word in enumerate(texts)]


@pytest.mark.parametrize(
    ("srt", "rule"),
    [
        ("1\n00:00:00,000 --> 00:00:02,000\nGood day\n", "words"),
        ("1\n00:00:00,000 --> 00:00:00,400\nGood day to all\n", "shortest"),
        ("1\n00:00:00,000 --> 00:00:00,400\nGood day to all\n", "cps"),
        ("1\n00:00:00,000 --> 00:00:09,000\nGood day to all\n", "longest"),
        ("1\n00:00:00,000 --> 00:00:02,500\nGood day to all\n", "late"),
        ("1\n00:00:00,000 --> 00:00:02,000\nGood\nday\nto all\n", "lines"),
        ("1\n00:00:00,000 --> 00:00:02,000\nGood day\nto all\n", "one-line"),
        ("1\n00:00:00,300 --> 00:00:02,000\nGood day to all\n", "in-time"),
        (
            "1\n00:00:00,000 --> 00:00:01,200\nGood day\n\n2\n00:00:01,000 --> 00:00:02,000\nto all\n",
            "overlap",
        ),
        ("1\n00:00:00,000 --> 00:00:00,950\nGood day\n\n2\n00:00:01,000 --> 00:00:02,000\nto all\n", "gap"),
        ("1\n00:00:00,000 --> 00:00:01,700\nGood day to all\n", "cut-off"),
    ],
)
def test_the_judge_sees_each_fault(srt: str, rule: str) -> None:
    words = [Word("Good", 0, 400), Word("day", 500, 900), Word("to", 1000, 1400), Word("all", 1500, 2000)]

    found = judge(srt, words)

    assert rule in {broken.rule for broken in found if broken.avoidable}


def test_the_judge_excuses_what_the_speech_forbids() -> None:
    words = [
        Word("incomprehensibilities", 0, 300),
        Word("antidisestablishment", 300, 600),
        Word("end.", 9000, 9990),
    ]
    srt = (
        "1\n00:00:00,000 --> 00:00:01,100\nincomprehensibilities antidisestablishment\n\n"
        "2\n00:00:09,000 --> 00:00:09,990\nend.\n"
    )

    assert [(broken.rule, broken.avoidable) for broken in judge(srt, words)] == [("cps", False)]


def test_the_judge_is_a_program(tmp_path: Path) -> None:
    words = spoken(PROSE, 150)
    (tmp_path / "a.json").write_text(format_timings(words), "utf-8")
    (tmp_path / "a.vtt").write_text(
        format_captions("vtt", cues_from_words(words, load_profile("netflix"))), "utf-8"
    )
    script = Path(__file__).parents[1] / "captions_judge.py"

    done = subprocess.run(
        [sys.executable, script, tmp_path / "a.vtt", tmp_path / "a.json"],
        capture_output=True,
        text=True,
        check=False,
    )

    n_cues = len(parse((tmp_path / "a.vtt").read_text("utf-8")))
    assert (done.returncode, done.stdout) == (0, f"{n_cues} cues, 0 faults\n")
