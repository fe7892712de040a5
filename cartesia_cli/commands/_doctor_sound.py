"""The doctor's checks of the sound system."""

from collections.abc import Iterator

from cartesia_cli.commands._devices import find_devices
from cartesia_cli.commands._doctor_running import Finding, Status
from cartesia_cli.errors import CartesiaError

_SENTENCE = "If you can hear this, the sound works."
_FILE_FIX = "Connect one, or write files with -o instead of --play."


def check_devices(*, needed: bool) -> Iterator[Finding]:
    """Look for a loudspeaker; a machine without one is no problem unless it is ``needed``."""
    status: Status = "problem" if needed else "warning"
    try:
        devices = find_devices()
    except CartesiaError as error:
        yield Finding("sound", status, str(error), error.hint)
        return
    outputs = [device for device in devices if device["output_channels"]]
    if not outputs:
        yield Finding("sound", status, "There is no loudspeaker.", _FILE_FIX)
        return
    usual = next((device for device in outputs if device["default"]), outputs[0])
    inputs = sum(1 for device in devices if device["input_channels"])
    listening = f"{inputs} to listen with" if inputs else "none to listen with"
    yield Finding("sound", "ok", f"Playing on {usual['name']}; {len(outputs)} to play on, {listening}.")


def speak() -> Iterator[Finding]:
    """Play a sentence as ``say --play`` would."""
    from cartesia_cli.commands._options import (
        CueOptions,
        EngineOptions,
        OutputOptions,
        PlayOptions,
        ReportOptions,
        TimingOptions,
        VoiceOptions,
    )
    from cartesia_cli.commands._saying import run
    from cartesia_cli.commands.say import SayOptions, SendOptions, TextOptions

    run(
        SayOptions(
            text=TextOptions(text=[_SENTENCE]),
            voice=VoiceOptions(),
            output=OutputOptions(),
            play=PlayOptions(play=True, wait=20.0),
            timing=TimingOptions(),
            cues=CueOptions(),
            send=SendOptions(),
            engine=EngineOptions(),
            report=ReportOptions(quiet=True, no_input=True),
        )
    )
    yield Finding("speak", "ok", f"Played: {_SENTENCE}")
