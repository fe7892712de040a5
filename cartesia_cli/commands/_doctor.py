"""Does what ``cartesia doctor`` was asked for: every check in turn, whatever becomes of the others."""

import sys
from collections.abc import Iterator

from cartesia_cli import console
from cartesia_cli.commands import _doctor_checks as machine
from cartesia_cli.commands import _doctor_network as network
from cartesia_cli.commands import _doctor_sound as sound
from cartesia_cli.commands._doctor_running import Check, Finding, examine
from cartesia_cli.commands._doctor_setup import SetUp, look_up
from cartesia_cli.commands.doctor import DoctorOptions
from cartesia_cli.errors import PartialFailureError

_MARKS = {"ok": "\x1b[32m✓\x1b[0m", "warning": "\x1b[33m!\x1b[0m", "problem": "\x1b[31m✗\x1b[0m"}
_QUICK = 5.0
_NETWORK = 15.0
_SPEAKING = 120.0
"""Seconds that a check may take."""


def run(options: DoctorOptions) -> None:
    """Print what each check finds.

    Raises:
        PartialFailureError: there is a problem.
    """
    console.configure(json=options.json)
    set_up, findings = look_up(options.color)
    console.set_color(set_up.settings.color)
    for finding in findings:
        _tell(finding, options)
    for name, check, seconds in _checks(set_up, options):
        for finding in examine(name, check, seconds):
            findings.append(finding)
            _tell(finding, options)
    console.configure(json=options.json)  # what speaks may have set it otherwise
    if options.json:
        console.data_json({"checks": [finding._asdict() for finding in findings]})
    n_problems = sum(finding.status == "problem" for finding in findings)
    if n_problems:
        raise PartialFailureError(
            f"{n_problems} {'problem was' if n_problems == 1 else 'problems were'} found."
        )


def _checks(set_up: SetUp, options: DoctorOptions) -> Iterator[tuple[str, Check, float]]:
    """Yield each check with its name and the seconds it may take."""
    yield "program", machine.check_program, _QUICK
    yield "path", machine.check_path, _QUICK
    yield "voice", machine.check_voice, _QUICK
    yield "recognizer", machine.check_recognizer, _QUICK
    yield "server", machine.check_server, _QUICK
    yield "permissions", machine.check_permissions, _QUICK
    yield "folders", machine.check_folders, _QUICK
    yield "disk", machine.check_disk, _QUICK
    if set_up.settings.engine == "local":
        yield "api", network.not_needed, _QUICK
    else:
        yield "api", lambda: network.check_api(set_up), _NETWORK
        if set_up.key is not None:
            yield "access", lambda: network.check_access(set_up), _NETWORK
    if options.usage:
        yield "usage", lambda: network.check_usage(set_up), _NETWORK
    yield "sound", lambda: sound.check_devices(needed=options.speak), _NETWORK
    if options.speak:
        yield "speak", sound.speak, _SPEAKING


def _tell(finding: Finding, options: DoctorOptions) -> None:
    if not options.json:
        console.pass_on(_shown(finding, marked=console.use_color(sys.stdout)).encode())


def _shown(finding: Finding, *, marked: bool) -> str:
    """Return a finding as lines; without marks the status is a word."""
    start = f"{_MARKS[finding.status]} {finding.name}" if marked else f"{finding.status}: {finding.name}"
    fix = f"  fix: {_one_line(finding.fix)}\n" if finding.fix else ""
    return f"{start}: {_one_line(finding.message)}\n{fix}"


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)
