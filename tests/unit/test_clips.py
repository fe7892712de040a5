from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from cartesia_cli.audio.clips import BEST, SHORTEST, STEP, Clip, best_stretch, measure_clip, write_stretch
from cartesia_cli.errors import UsageError

RATE = 24_000
Sound = NDArray[np.float32]


def spoken(seconds: float, *, rate: int = RATE, noise: float = -75.0, level: float = -20.0) -> Sound:
    """Return something like speech: 4 syllables a second at 120 Hz with hiss in them, a pause every 2 s.

    ``level`` is that of the syllables and ``noise`` that of all of it, in decibels of full scale.
    """
    return _spoken(seconds, rate, noise, level).copy()


@lru_cache(maxsize=64)
def _spoken(seconds: float, rate: int, noise: float, level: float) -> Sound:
    random = np.random.default_rng(7)
    time = np.arange(round(seconds * rate)) / rate
    harmonics = np.arange(120, 2_000, 120)
    voice = np.sum(
        [np.sin(2 * np.pi * pitch * time + pitch) / (1 + pitch / 500) for pitch in harmonics], axis=0
    )
    hiss = random.standard_normal(time.size)
    is_said = time % 2 < 1.5
    sound = (voice + 0.2 * hiss) * np.sin(np.pi * 4 * time) ** 2 * is_said
    sound *= 10 ** (level / 20) / np.sqrt(np.mean(sound[is_said] ** 2))
    sound += 10 ** (noise / 20) * random.standard_normal(time.size)
    clipped: Sound = np.clip(sound, -1, 1).astype(np.float32)
    return clipped


def measured(folder: Path, sound: Sound, rate: int = RATE, subtype: str = "FLOAT") -> Clip:
    soundfile.write(folder / "a.wav", sound, rate, subtype=subtype)
    return measure_clip(folder / "a.wav")


def clip_of(speech: str, *, clipped: str = "") -> Clip:
    """Return a clip with a second for each character: ``x`` is speech; clipped where ``clipped`` has an x."""
    n = round(1 / STEP)
    levels = np.repeat([-20.0 if c == "x" else -90.0 for c in speech], n).astype(np.float32)
    flags = np.repeat([c == "x" for c in clipped.ljust(len(speech))], n).astype(np.float32)
    return Clip(RATE, 1, float(len(speech)), False, levels, flags, -3.0, 12_000.0)


def test_speech_is_told_from_pauses_and_its_level_from_theirs(tmp_path: Path) -> None:
    clip = measured(tmp_path, spoken(8, noise=-60, level=-20))

    assert clip.duration == 8
    assert (clip.sample_rate, clip.n_channels, clip.is_cut) == (RATE, 1, False)
    assert clip.speech_level == pytest.approx(-20, abs=1.5)
    assert clip.noise_level == pytest.approx(-60, abs=1)
    assert clip.signal_to_noise == pytest.approx(40, abs=2)
    assert clip.silence == pytest.approx(0.25, abs=0.06)
    assert not clip.is_steady


def test_silence_holds_no_speech(tmp_path: Path) -> None:
    clip = measured(tmp_path, np.zeros(RATE * 4, np.float32))

    assert (clip.speech_seconds, clip.silence, clip.bandwidth) == (0, 1, 0)
    assert clip.speech_level == clip.noise_level == -100


@pytest.mark.parametrize("kind", ["noise", "tone"])
def test_what_is_as_loud_all_the_time_is_steady(tmp_path: Path, kind: str) -> None:
    n = np.arange(RATE * 4)
    sound = np.random.default_rng(0).standard_normal(n.size) * 0.1 if kind == "noise" else np.sin(n * 0.1) / 3

    assert measured(tmp_path, sound.astype(np.float32)).is_steady


@pytest.mark.parametrize("subtype", ["FLOAT", "PCM_16", "PCM_24"])
def test_only_samples_that_stay_at_full_scale_are_clipped(tmp_path: Path, subtype: str) -> None:
    sound = spoken(4) * 0.5
    sound[[500, 700]] = 1  # the tops of waves
    lone = measured(tmp_path, sound, subtype=subtype).clipping
    sound[10_000:10_096] = 1
    sound[20_000:20_096] = -1

    clip = measured(tmp_path, sound, subtype=subtype)

    assert lone == 0
    assert clip.clipping == pytest.approx(192 / sound.size)
    assert set(np.flatnonzero(clip.clipped)) == {20, 21, 41}
    assert clip.peak == pytest.approx(0, abs=0.01)


def test_clipping_of_one_channel_is_seen_although_the_mix_has_none(tmp_path: Path) -> None:
    left = spoken(4)
    left[1_000:1_048] = 1

    clip = measured(tmp_path, np.stack([left, np.zeros_like(left)], axis=1))

    assert clip.n_channels == 2
    assert clip.clipping == pytest.approx(48 / left.size)


def test_sound_that_was_once_a_telephone_call_is_seen_through(tmp_path: Path) -> None:
    from cartesia_cli.audio.resample import StreamResampler

    low = StreamResampler(RATE, 8_000).process(spoken(4), last=True)
    raised = StreamResampler(8_000, RATE).process(low, last=True)

    assert measured(tmp_path, spoken(4)).bandwidth > 8_000
    assert 3_000 < measured(tmp_path, raised).bandwidth < 4_500


def test_the_same_is_found_however_the_file_is_read(tmp_path: Path) -> None:
    sound = spoken(7.013)
    whole = measured(tmp_path, sound)
    soundfile.write(tmp_path / "a.flac", sound, RATE, subtype="PCM_24")

    other = measure_clip(tmp_path / "a.flac")

    assert other.duration == whole.duration
    np.testing.assert_allclose(other.levels, whole.levels, atol=0.05)


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("Hello.", encoding="utf-8")

    with pytest.raises(UsageError):
        measure_clip(tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("speech", "clipped", "expected"),
    [
        ("   xxxxx   ", "", (2.9, 8.1)),
        ("xxxxx", "", (0.0, 5.0)),
        ("xx          xxxxxxxx    xxxx", "", (11.9, 20.1)),
        ("xxxxx     xxxxx", "xxxxx", (9.9, 15.0)),
        ("x" * 30, "", (0.0, 10.0)),
        ("      x      ", "", (4.98, 8.02)),
        ("     ", "", (0.0, 5.0)),
        ("xx", "", (0.0, 2.0)),
    ],
)
def test_the_best_stretch_goes_from_pause_to_pause(
    speech: str, clipped: str, expected: tuple[float, float]
) -> None:
    assert best_stretch(clip_of(speech, clipped=clipped)) == pytest.approx(expected, abs=0.13)


@given(speech=st.text(alphabet="x ", min_size=4, max_size=60), clipped=st.text(alphabet="x ", max_size=60))
def test_a_stretch_is_within_the_clip_and_neither_too_short_nor_too_long(speech: str, clipped: str) -> None:
    start, end = best_stretch(clip_of(speech, clipped=clipped[: len(speech)]))

    assert 0 <= start < end <= len(speech)
    assert SHORTEST <= end - start <= BEST + STEP


def test_a_stretch_is_written_as_it_was(tmp_path: Path) -> None:
    sound = np.stack([spoken(6), spoken(6)], axis=1)
    soundfile.write(tmp_path / "a.flac", sound, RATE, subtype="PCM_16")

    write_stretch(tmp_path / "a.flac", tmp_path / "b.wav", 1.5, 4.75)
    write_stretch(tmp_path / "a.flac", tmp_path / "c.wav")

    part, rate = soundfile.read(tmp_path / "b.wav", dtype="float32")
    whole, _ = soundfile.read(tmp_path / "c.wav", dtype="float32")
    info = soundfile.info(tmp_path / "b.wav")
    assert (rate, info.channels, info.subtype, info.format) == (RATE, 1, "PCM_16", "WAV")
    assert len(part) == round(3.25 * RATE)
    np.testing.assert_allclose(part, sound[round(1.5 * RATE) : round(4.75 * RATE), 0], atol=1e-4)
    np.testing.assert_allclose(whole, sound[:, 0], atol=1e-4)
