"""The settings of one run, and how they are merged."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from cartesia_cli.models import Encoding
from cartesia_cli.settings.files import config_path, read_project_file, read_user_file
from cartesia_cli.settings.sources import (
    Problems,
    profile_error,
    raise_problem,
    read_environment,
    read_options,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Resolved once, in a command; passed down as plain values."""

    engine: Literal["auto", "cloud", "local"] = "auto"
    voice: str = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"
    """An ID, an alias or a name."""

    model: str = "sonic-latest"
    stt_model: str = "ink-whisper"
    language: str = "en"
    format: str | None = None
    """Of outputs whose name says nothing."""

    sample_rate: int | None = None
    encoding: Encoding | None = None
    captions: str = "netflix"
    """The name of a profile, or a file that holds one."""

    timeout: float | None = None
    """Seconds, for connecting, for the first byte and for silence alike; None keeps their own defaults."""

    retries: int = 2
    device: str | None = None
    """The name, a part of it, or the index of a sound device; None is the system's choice."""

    gain: float = 0.0
    """Decibels, of what is played."""

    color: Literal["auto", "always", "never"] = "auto"
    base_url: str = "https://api.cartesia.ai"
    """Never ends with a slash."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with every request; names in lower case. May hold secrets of a proxy."""

    aliases: Mapping[str, str] = field(default_factory=dict)
    """Voices, as IDs or names, by names of the user's own."""

    profile: str | None = None
    origins: Mapping[str, str] = field(default_factory=dict)
    """Where each value that is not a default comes from; also for ``headers.NAME`` and ``aliases.NAME``."""

    @classmethod
    def load(
        cls,
        *,
        options: Mapping[str, object | None],
        environ: Mapping[str, str],
        cwd: Path,
        config_file: Path | None = None,
        problems: Problems | None = None,
    ) -> Self:
        """Merge all sources.

        Args:
            options: values from the command line, by name; None counts as not given.
            environ: normally ``os.environ``; an empty variable counts as unset.
            cwd: where the search for a project file begins.
            config_file: the user's file, if not the usual one; it may be absent.
            problems: takes the mistakes of environment and files, which are then left out, so that
                a command that diagnoses can go on. Without it the first one is raised.

        Raises:
            UsageError: a value that cannot be used, with its option, variable, or file and line.
        """
        complain = raise_problem if problems is None else problems.append
        user_file = config_file or config_path(environ)
        user, profiles = read_user_file(user_file, complain) if user_file else ({}, {})
        layers = [user]
        given = options.get("profile")
        profile = str(given or environ.get("CARTESIA_PROFILE") or "")
        if profile in profiles:
            origin = "option" if given else "environment CARTESIA_PROFILE"
            layers += [{"profile": (profile, origin)}, profiles[profile]]
        elif profile:
            complain(profile_error(profile, profiles, user_file))
        layers += [
            read_project_file(cwd, complain),
            read_environment(environ, complain),
            read_options(options),
        ]
        merged = {name: found for layer in layers for name, found in layer.items()}
        values: dict[str, Any] = {"headers": {}, "aliases": {}}
        for name, (value, _) in merged.items():
            table, dot, entry = name.partition(".")
            if dot:
                values[table][entry] = value
            else:
                values[name] = value
        return cls(**values, origins={name: origin for name, (_, origin) in merged.items()})

    def origin(self, name: str) -> str:
        """Return where a value comes from, like ``environment CARTESIA_VOICE``, ``default`` or a file."""
        return self.origins.get(name, "default")
