from pathlib import Path

import pytest

from cartesia_cli.captions import load_profile
from cartesia_cli.errors import UsageError


@pytest.mark.parametrize(
    ("name", "language", "max_chars", "cps"),
    [
        ("netflix", "en", 42, 20),
        ("netflix", None, 42, 20),
        ("netflix", "fr", 42, 17),
        ("netflix", "pt-BR", 42, 17),
        ("netflix", "ru", 42, 20),
        ("netflix", "ja", 23, 7),
        ("netflix", "ko", 16, 14),
        ("netflix", "zh_TW", 16, 11),
        ("netflix", "th", 35, 17),
        ("bbc", "en-GB", 37, 18),
        ("bbc", "de", 37, 17),
        ("shorts", "en", 24, 20),
        ("shorts", "ja", 24, 7),
    ],
)
def test_each_language_has_its_limits(name: str, language: str | None, max_chars: int, cps: float) -> None:
    limits = load_profile(name).limits(language)

    assert (limits.max_chars, limits.max_lines, limits.cps) == (max_chars, 2, cps)


@pytest.mark.parametrize(
    ("name", "shortest_of_ten_words", "max_duration", "gap", "extend"),
    [("netflix", 834, 7000, 83, 500), ("bbc", 3000, 7000, 83, 1500), ("shorts", 700, 5000, 0, 500)],
)
def test_each_profile_has_its_times(
    name: str, shortest_of_ten_words: int, max_duration: int, gap: int, extend: int
) -> None:
    limits = load_profile(name).limits("en")

    assert limits.shortest(10) == shortest_of_ten_words
    assert (limits.max_duration, limits.gap, limits.chain, limits.extend) == (max_duration, gap, 500, extend)


def test_options_override_a_profile_in_every_language() -> None:
    profile = load_profile(
        "netflix", max_chars=30, max_lines=1, min_duration=1, max_duration=6, cps=15, gap=0.1
    )

    limits = profile.limits("ja")

    assert (limits.max_chars, limits.max_lines, limits.min_duration, limits.max_duration) == (
        30,
        1,
        1000,
        6000,
    )
    assert (limits.cps, limits.gap) == (15, 100)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_chars": 0}, "--max-chars must be a whole number from 1, not 0."),
        ({"max_lines": 1.5}, "--max-lines must be a whole number from 1, not 1.5."),
        ({"cps": 0.0}, "--cps must be more than 0, not 0.0."),
        ({"gap": -0.1}, "--gap must not be negative, not -0.1."),
        ({"max_duration": float("nan")}, "--max-duration must be a number, not nan."),
        ({"min_duration": 8}, "The shortest cue (8 s) is longer than the longest (7 s)."),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        load_profile("netflix", **options)  # type: ignore[arg-type]

    assert str(caught.value) == message


def test_a_file_starts_from_its_base(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'base = "bbc"\nmax_chars = 30\ngap = 0.2\n[languages.ja]\nmax_chars = 12\ncps = 5\n', "utf-8"
    )

    profile = load_profile(str(file))

    assert (profile.name, profile.limits("en").max_chars, profile.limits("en").cps) == ("mine", 30, 18)
    assert (profile.limits("ja").max_chars, profile.limits("ja").cps, profile.limits("fr").cps) == (12, 5, 17)
    assert profile.limits("en").shortest(10) == 3000


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("max_chars = 30\nmax_char = 30\n", ", line 2: max_char is not a key of a caption profile"),
        ('\n\ncps = "fast"\n', ", line 3: cps must be a number, not 'fast'"),
        ("max_lines = true", ", line 1: max_lines must be a whole number from 1, not True"),
        ("[languages.ja]\nmax_lines = 1", ", line 2: max_lines is not a key of a caption profile"),
        ("cps = 3\n[languages.ja]\ncps = 0", ", line 3: cps must be more than 0, not 0"),
        ("languages = 3", ", line 1: languages must be a table"),
        ("[languages]\nja = 3", ", line 2: ja must be a table of max_chars and cps"),
        ('base = "vimeo"', ", line 1: base must be one of netflix, bbc, shorts, not 'vimeo'"),
    ],
)
def test_a_mistake_in_a_file_is_named_with_its_line(content: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(content, "utf-8")

    with pytest.raises(UsageError) as caught:
        load_profile(str(file))

    assert str(caught.value) == f"{file}{message}."


def test_a_mistyped_key_is_answered_with_the_right_one(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("max_char = 30", "utf-8")

    with pytest.raises(UsageError) as caught:
        load_profile(str(file))

    assert caught.value.hint == "Did you mean max_chars?"


def test_a_file_that_is_not_toml_is_named_with_the_line(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("a = 1\nb = = 2", "utf-8")

    with pytest.raises(UsageError, match=r"mine.toml: not valid TOML: .*line 2"):
        load_profile(str(file))


def test_a_file_that_does_not_exist_is_named() -> None:
    with pytest.raises(UsageError, match=r"Cannot read the caption profile none.toml: No such file"):
        load_profile("none.toml")


def test_an_unknown_name_is_answered_with_the_closest() -> None:
    with pytest.raises(UsageError, match="'netflux'") as caught:
        load_profile("netflux")

    assert caught.value.hint == "Did you mean netflix?"
