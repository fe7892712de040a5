import numpy as np
import pytest

from cartesia_cli.local.level import CEILING, fade_ends, find_speech, limit
from cartesia_cli.local.waveform import SAMPLE_RATE, Floats


def tone(seconds: float, amplitude: float) -> Floats:
    n = np.arange(round(seconds * SAMPLE_RATE))
    return (amplitude * np.sin(2 * np.pi * 220 * n / SAMPLE_RATE)).astype(np.float32)


def test_speech_is_found_between_silences_within_a_few_milliseconds() -> None:
    silence = np.zeros(SAMPLE_RATE // 2, np.float32)

    start, stop = find_speech(np.concatenate([silence, tone(0.3, 0.2), silence]))

    assert 0.485 <= start / SAMPLE_RATE <= 0.495
    assert 0.82 <= stop / SAMPLE_RATE <= 0.835


def test_silence_holds_no_speech() -> None:
    assert find_speech(np.zeros(SAMPLE_RATE, np.float32)) == (0, 0)
    assert find_speech(np.zeros(0, np.float32)) == (0, 0)


def test_quiet_sound_is_left_as_it_is() -> None:
    quiet = tone(0.5, 0.5)

    assert limit(quiet) is quiet


@pytest.mark.parametrize("amplitude", [0.9, 1.5, 4.0])
def test_no_peak_is_above_the_ceiling_and_the_rest_keeps_its_level(amplitude: float) -> None:
    sound = np.concatenate([tone(0.5, 0.3), tone(0.01, amplitude), tone(0.5, 0.3)])

    limited = limit(sound)

    assert float(np.max(np.abs(limited))) <= CEILING + 1e-6
    np.testing.assert_allclose(
        limited[: round(0.48 * SAMPLE_RATE)], sound[: round(0.48 * SAMPLE_RATE)], rtol=1e-6
    )


def test_a_single_click_anywhere_is_lowered() -> None:
    for position in (0, 1, 23, 24, 600, 1198, 1199):
        sound = np.zeros(1200, np.float32)
        sound[position] = -3.0

        assert float(np.max(np.abs(limit(sound)))) <= CEILING + 1e-6


def test_ends_are_faded_without_touching_the_original() -> None:
    sound = np.ones(1000, np.float32)

    faded = fade_ends(sound)

    assert faded[0] == 0.0
    assert faded[-1] < 0.02
    assert faded[500] == 1.0
    assert sound[0] == 1.0
    assert fade_ends(np.ones(1, np.float32)).size == 1
