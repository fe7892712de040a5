"""Judges subtitles from the word timings alone. Shares no code with the program that wrote them.

    python tests/captions_judge.py SUBTITLES.srt TIMINGS.json [--profile netflix] [--language en]

prints each broken rule, marked where no cut of the words could have kept it, and exits 1 if any could.
"""

import argparse
import html
import json
import re
import sys
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import regex


class Word(NamedTuple):
    text: str
    start: int
    end: int


class Shown(NamedTuple):
    start: int
    end: int
    lines: list[str]


class Broken(NamedTuple):
    cue: int
    rule: str
    detail: str
    avoidable: bool


class Rules(NamedTuple):
    """Times in milliseconds."""

    chars: int
    cps: int
    shortest: Fraction
    per_word: int
    longest: int
    gap: int
    extend: int
    lines: int = 2


LATIN = {
    "fr",
    "de",
    "es",
    "pt",
    "it",
    "nl",
    "pl",
    "sv",
    "tr",
    "ro",
    "cs",
    "fi",
    "hr",
    "da",
    "sk",
    "hu",
    "no",
    "vi",
    "id",
}


def rules_for(profile: str, language: str) -> Rules:
    language = language.split("-", maxsplit=1)[0]
    speeds = {"ja": 7, "ko": 14, "zh": 11, "th": 17}
    cps = 17 if language in LATIN else speeds.get(language, {"netflix": 20, "bbc": 18, "shorts": 20}[profile])
    if profile == "netflix":
        chars = {"ja": 23, "ko": 16, "zh": 16, "th": 35}.get(language, 42)
        return Rules(chars, cps, Fraction(5000, 6), 0, 7000, 83, 500)
    if profile == "bbc":
        return Rules(37, cps, Fraction(5000, 6), 300, 7000, 83, 1500)
    return Rules(24, cps, Fraction(700), 0, 5000, 0, 500)


def parse(text: str) -> list[Shown]:
    vtt = text.startswith("WEBVTT")
    shown = []
    for block in re.split(r"\n{2,}", text.strip("\n")):
        lines = block.split("\n")
        at = next((i for i, line in enumerate(lines) if " --> " in line), None)
        if at is None:
            continue
        start, end = lines[at].split(" --> ", maxsplit=1)
        body = lines[at + 1 :]
        if vtt:
            body = [html.unescape(re.sub(r"<\d[^>]*>", "", line)) for line in body]
        shown.append(Shown(clock(start), clock(end.split()[0]), body))
    return shown


def clock(stamp: str) -> int:
    hours, minutes, rest = stamp.strip().split(":")
    seconds, millis = rest.replace(",", ".").split(".")
    assert len(hours) >= 2, stamp
    assert (len(minutes), len(seconds), len(millis)) == (2, 2, 3), stamp
    assert int(minutes) < 60, stamp
    assert int(seconds) < 60, stamp
    return ((int(hours) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(millis)


def visible(text: str) -> int:
    return len(regex.findall(r"\X", regex.sub(r"[\u200b\u200e\u200f\u2060-\u2069\ufeff]", "", text)))


def dense(text: str) -> bool:
    """Whether the script has no spaces between words."""
    return bool(regex.search(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}。、！？「」]", text))


def joined(texts: Sequence[str]) -> str:
    out = ""
    for text in texts:
        out += text if not out or dense(out[-1]) or dense(text[0]) else " " + text
    return out


def words_in(timings: dict[str, list[dict[str, float | str]]]) -> list[Word]:
    return [
        Word(str(word["word"]), round(float(word["start"]) * 1000), round(float(word["end"]) * 1000))
        for word in timings["words"]
        if str(word["word"]).strip()
    ]


class Judge:
    """The rules, and the words that were spoken."""

    def __init__(self, words: Sequence[Word], rules: Rules) -> None:
        self.words = words
        self.rules = rules

    def fits(self, first: int, stop: int) -> bool:
        """Whether the words can be set in the lines, cut only between words (anywhere in dense scripts)."""
        texts = [word.text for word in self.words[first:stop]]
        if any(dense(text) for text in texts):
            return visible(joined(texts)) <= self.rules.chars * self.rules.lines - 1
        lines, line = 1, ""
        for text in texts:
            if visible(text) > self.rules.chars:
                return False
            longer = joined([line, text]) if line else text
            if visible(longer) > self.rules.chars:
                lines, line = lines + 1, text
            else:
                line = longer
        return lines <= self.rules.lines

    def shortest(self, text: str) -> Fraction:
        return max(self.rules.shortest, Fraction(self.rules.per_word * len(text.split())))

    def could_be_cue(self, first: int, stop: int) -> bool:
        """Whether some out-time that the rules allow lets these words be a cue without fault."""
        rules = self.rules
        if not self.fits(first, stop):
            return False
        start = self.words[first].start
        sound = max(word.end for word in self.words[first:stop])
        text = joined([word.text for word in self.words[first:stop]])
        shortest = self.shortest(text)
        if shortest > rules.longest or self.words[stop - 1].start >= start + rules.longest:
            return False
        needed = start + max(shortest, Fraction(visible(text) * 1000, rules.cps))
        allowed = max(Fraction(sound + rules.extend), start + shortest)
        if stop < len(self.words):
            following = self.words[stop].start
            if following - allowed <= 500:
                allowed = Fraction(following - rules.gap)
        # Half a millisecond is lost where a limit is not a whole number of them.
        return needed <= min(allowed, Fraction(start + rules.longest)) - 1

    def avoidable(self, places: Sequence[int], cue: int) -> bool:
        """Whether new cuts between two places where cues already meet would leave no fault here."""
        low, high = max(0, cue - 8), min(len(places) - 1, cue + 9)
        goals = {place for place in places[cue + 1 : high + 1] if place >= 0}
        reached = {place for place in places[low : cue + 1] if place >= 0}
        if not goals or not reached:
            return False
        for first in range(min(reached), max(goals)):
            if first in reached:
                for stop in range(first + 1, len(self.words) + 1):
                    if not self.fits(first, stop):
                        break
                    if self.could_be_cue(first, stop):
                        reached.add(stop)
        return not goals.isdisjoint(reached)

    def places(self, shown: Sequence[Shown]) -> list[int]:
        """Return which word each cue begins with, -1 where inside a word; at last the number of words."""
        begins, at = {}, 0
        for index, word in enumerate(self.words):
            begins[at] = index
            at += len(bare(word.text))
        begins[at] = len(self.words)
        places, at = [], 0
        for cue in shown:
            places.append(begins.get(at, -1))
            at += len(bare("".join(cue.lines)))
        return [*places, begins.get(at, -1)]

    def broken(self, shown: Sequence[Shown]) -> list[Broken]:
        spoken = "".join(word.text for word in self.words)
        if bare("".join(line for cue in shown for line in cue.lines)) != bare(spoken):
            return [Broken(0, "words", "the text is not that of the words", avoidable=True)]
        places = self.places(shown)
        found = []
        for index, cue in enumerate(shown):
            following = shown[index + 1].start if index + 1 < len(shown) else None
            hard = self.faults(cue, following)
            for rule, detail in [*hard, *self.misplaced(cue, following, places[index : index + 2])]:
                avoidable = rule not in {"cps", "shortest", "gap"} or self.avoidable(places, index)
                found.append(Broken(index + 1, rule, detail, avoidable))
        return found

    def faults(self, cue: Shown, following: int | None) -> list[tuple[str, str]]:
        """Return the hard violations of one cue."""
        rules = self.rules
        text = joined([line for line in cue.lines if line])
        length = cue.end - cue.start
        found = [("chars", line) for line in cue.lines if visible(line) > rules.chars]
        if not 1 <= len(cue.lines) <= rules.lines:
            found.append(("lines", str(len(cue.lines))))
        if len(cue.lines) > 1 and visible(text) <= rules.chars:
            found.append(("one-line", text))
        if visible(text) * 1000 > rules.cps * length:
            found.append(("cps", f"{visible(text) * 1000 / max(1, length):.1f}"))
        if length < min(self.shortest(text), Fraction(rules.longest)):
            found.append(("shortest", str(length)))
        if length > rules.longest:
            found.append(("longest", str(length)))
        if following is not None and following < cue.end:
            found.append(("overlap", str(following - cue.end)))
        elif following is not None and following - cue.end < rules.gap:
            found.append(("gap", str(following - cue.end)))
        return found

    def misplaced(self, cue: Shown, following: int | None, places: Sequence[int]) -> list[tuple[str, str]]:
        """Return what is wrong with in-time and out-time."""
        rules, found = self.rules, []
        first, stop = places
        if (
            first < 0
            or stop < 0
            or any(b.start < a.start for a, b in zip(self.words, self.words[1:], strict=False))
        ):
            return []
        spoken = self.words[first:stop]
        sound = max(word.end for word in self.words[:stop])
        if spoken[0].start != cue.start and spoken[-1].end - spoken[0].start > rules.gap:
            found.append(("in-time", f"{cue.start}, first sound {spoken[0].start}"))
        if spoken[-1].start >= cue.end and spoken[-1].end - spoken[-1].start > rules.gap:
            found.append(("unseen", spoken[-1].text))
        text = joined([word.text for word in spoken])
        reading = min(
            Fraction(cue.start) + Fraction(visible(text) * 1000, rules.cps), Fraction(sound + rules.extend)
        )
        latest = max(Fraction(sound), cue.start + self.shortest(text), reading)
        chained = following is not None and following - latest <= 500
        if cue.end > latest + 1 and not chained:
            found.append(("late", f"{cue.end}, not after {float(latest)}"))
        if (
            following is not None
            and 125 <= following - cue.end <= 500
            and cue.end - cue.start < rules.longest - 1
        ):
            found.append(("chain", str(following - cue.end)))
        if cue.end < min(sound, cue.start + rules.longest) and (
            following is None or following - cue.end > rules.gap
        ):
            found.append(("cut-off", f"{cue.end}, last sound {sound}"))
        return found


def bare(text: str) -> str:
    return "".join(text.split())


def judge(text: str, words: Sequence[Word], profile: str = "netflix", language: str = "en") -> list[Broken]:
    """Return every rule that the file breaks."""
    return Judge(words, rules_for(profile, language)).broken(parse(text))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subtitles", type=Path)
    parser.add_argument("timings", type=Path)
    parser.add_argument("--profile", default="netflix")
    parser.add_argument("--language", default="en")
    options = parser.parse_args()
    words = words_in(json.loads(options.timings.read_text("utf-8")))
    text = options.subtitles.read_text("utf-8")
    found = judge(text, words, options.profile, options.language)
    for broken in found:
        mark = "" if broken.avoidable else " (the speech leaves no way)"
        sys.stdout.write(f"cue {broken.cue}: {broken.rule}: {broken.detail}{mark}\n")
    sys.stdout.write(f"{len(parse(text))} cues, {sum(broken.avoidable for broken in found)} faults\n")
    return any(broken.avoidable for broken in found)


if __name__ == "__main__":
    sys.exit(main())
