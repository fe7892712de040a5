"""Lists the sound devices."""

from collections.abc import Mapping, Sequence
from typing import Any

from cartesia_cli import console
from cartesia_cli.audio.devices import load_sounddevice, sound_thread
from cartesia_cli.audio.quiet import quiet_libraries
from cartesia_cli.commands._tables import Column, print_table
from cartesia_cli.commands.devices import ListOptions
from cartesia_cli.errors import OutputError

PATIENCE = 10.0
"""Seconds for the sound system to answer."""

_COLUMNS = (*map(Column, ("INDEX", "KIND", "CHANNELS", "RATE", "DEFAULT")), Column("NAME", 8))


def run(options: ListOptions) -> None:
    """Print every device.

    Raises:
        OutputError: there is no sound system, or it has no devices.
    """
    console.configure(json=options.json)
    found = find_devices()
    if not found:
        raise OutputError(
            "There is no sound device.", hint="Connect one, or check the sound settings of this system."
        )
    if options.json:
        for device in found:
            console.data_json(device)
    else:
        print_table(_COLUMNS, map(_row, found))


def find_devices() -> list[dict[str, Any]]:
    """Return what is known of each device, as ``devices --json`` prints it.

    Raises:
        OutputError: there is no sound system, or it does not answer.
    """
    with quiet_libraries():
        return sound_thread().call(_query, seconds=PATIENCE)


def _query() -> list[dict[str, Any]]:
    sounddevice = load_sounddevice()
    try:
        devices = list(sounddevice.query_devices())
        systems = list(sounddevice.query_hostapis())
    except sounddevice.PortAudioError as error:
        raise OutputError(
            f"The sound system does not work: {error}.", hint="Check the sound settings of this system."
        ) from error
    default_input, default_output = sounddevice.default.device
    defaults = {
        "input": default_input if default_input >= 0 else _first_default(systems, "default_input_device"),
        "output": default_output if default_output >= 0 else _first_default(systems, "default_output_device"),
    }
    return [_device(each, systems, defaults) for each in devices]


def _first_default(systems: Sequence[Mapping[str, Any]], key: str) -> int:
    return next((int(each[key]) for each in systems if each[key] >= 0), -1)


def _device(
    device: Mapping[str, Any], systems: Sequence[Mapping[str, Any]], defaults: Mapping[str, int]
) -> dict[str, Any]:
    inputs, outputs = int(device["max_input_channels"]), int(device["max_output_channels"])
    kind = "both" if inputs and outputs else "input" if inputs else "output"
    return {
        "index": int(device["index"]),
        "name": str(device["name"]),
        "kind": kind,
        "channels": outputs or inputs,
        "sample_rate": round(device["default_samplerate"]),
        "default": device["index"] in defaults.values(),
        "input_channels": inputs,
        "output_channels": outputs,
        "system": str(systems[device["hostapi"]]["name"]),
    }


def _row(device: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        str(device["index"]),
        str(device["kind"]),
        str(device["channels"]),
        str(device["sample_rate"]),
        "default" if device["default"] else "",
        " ".join(str(device["name"]).split()),
    )
