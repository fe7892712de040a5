"""``voices default`` and ``alias``: choices that the user's configuration keeps."""

import os
from pathlib import Path

from cartesia_cli import console
from cartesia_cli.commands._options import LibraryOptions
from cartesia_cli.commands._tables import Column, is_plain, print_table
from cartesia_cli.commands._voices import load_settings, open_desk
from cartesia_cli.commands._voices_options import AliasOptions, DefaultOptions, TellOptions
from cartesia_cli.errors import OutputError, UsageError
from cartesia_cli.settings import Settings, config_path
from cartesia_cli.settings.writing import Where, join_name, parse_value, remove_setting, write_setting


def run_default(options: DefaultOptions) -> None:
    """Show, set or unset the voice that speaks where none is named.

    Raises:
        UsageError: it cannot be set, or there is no such voice.
        CartesiaError: the voice cannot be looked up.
    """
    library, tell = options.library, options.tell
    wanted = options.voice.voice
    settings = load_settings(library, tell)
    where = _where(library, "voice")
    if options.unset.unset:
        _refuse_both(wanted)
        if not remove_setting(_path(), where):
            console.note(f"no default voice is set in {_path()}")
        return
    if wanted is None:
        if tell.json:
            console.data_json({"voice": settings.voice, "origin": settings.origin("voice")})
        else:
            console.data(f"{settings.voice}\n")
            console.hint_to_person(f"from: {settings.origin('voice')}")
        return
    _write(where, wanted, library, tell)
    origin = load_settings(library, tell).origin("voice")
    if origin not in {str(_path()), "default"}:
        console.note(f"the voice from {origin} wins over it here")


def run_alias(options: AliasOptions) -> None:
    """List the aliases, or show, set or unset one.

    Raises:
        UsageError: it cannot be set, there is no such alias, or no such voice.
        CartesiaError: the voice cannot be looked up.
    """
    library, tell, alias = options.library, options.tell, options.alias
    settings = load_settings(library, tell)
    if options.unset.unset:
        _refuse_both(alias.voice)
        if alias.name is None:
            raise UsageError("--unset needs the alias.", hint="See them all: cartesia voices alias")
        if not remove_setting(_path(), _where(library, "aliases", alias.name)):
            raise _unknown(alias.name, settings)
    elif alias.name is None:
        _list(settings, tell)
    elif alias.voice is None:
        if alias.name not in settings.aliases:
            raise _unknown(alias.name, settings)
        _show(alias.name, settings.aliases[alias.name], tell)
    elif alias.voice in settings.aliases:
        raise UsageError(
            f"{alias.voice} is an alias itself, and stands for {settings.aliases[alias.voice]}.",
            hint="Give the voice that it stands for.",
        )
    else:
        if not alias.name.strip() or not alias.name.isprintable():
            raise UsageError(f"{alias.name!r} cannot be an alias.", hint="Give it a name that can be typed.")
        _write(_where(library, "aliases", alias.name), alias.voice, library, tell)


def _write(where: Where, voice: str, library: LibraryOptions, tell: TellOptions) -> None:
    """Make sure that there is such a voice, and keep it as it was given."""
    value = parse_value(where, voice)
    path = _path()
    with open_desk(library, tell, prints_object=True) as desk:
        found = desk.library.get_voice(desk.find(voice))
        write_setting(path, where, value)
        if desk.tell.json:
            desk.print_json({"name": join_name(where), "value": value, "voice": found.id})
    console.hint_to_person(f"{join_name(where)} is {found.name} ({found.id}) now")


def _list(settings: Settings, tell: TellOptions) -> None:
    if tell.json:
        for name, voice in settings.aliases.items():
            _show(name, voice, tell)
        return
    print_table((Column("ALIAS", 8), Column("VOICE", 8)), settings.aliases.items(), plain=is_plain(settings))
    if not settings.aliases:
        console.hint_to_person("there are no aliases; make one: cartesia voices alias NAME VOICE")


def _show(name: str, voice: str, tell: TellOptions) -> None:
    if tell.json:
        console.data_json({"name": name, "voice": voice})
    else:
        console.data(f"{voice}\n")


def _unknown(name: str, settings: Settings) -> UsageError:
    known = ", ".join(settings.aliases) or "none"
    return UsageError(f"There is no alias {name!r}.", hint=f"There are: {known}.")


def _refuse_both(voice: str | None) -> None:
    if voice is not None:
        raise UsageError("--unset and a voice exclude each other.", hint="Leave out one of them.")


def _where(library: LibraryOptions, *names: str) -> Where:
    return names if library.profile is None else ("profiles", library.profile, *names)


def _path() -> Path:
    path = config_path(os.environ)
    if path is None:
        raise OutputError("There is no home folder to keep a configuration in.", hint="Set HOME.")
    return path
