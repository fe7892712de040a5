"""``cartesia auth``: the API key, kept where others cannot read it, and access tokens made with it."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

import typer

from cartesia_cli.commands._options import Color, LogFile, Quiet, Strings, Verbose, takes

Option = typer.Option


class KeepOptions(NamedTuple):
    """Where the key is kept."""

    insecure_storage: Annotated[
        bool, Option("--insecure-storage", help="Keep it in a file of mode 0600, not in the keyring.")
    ] = False


class TalkOptions(NamedTuple):
    """What the run tells about itself."""

    quiet: Quiet = False
    verbose: Verbose = 0
    log_file: LogFile = None
    color: Color = None


class StatusOptions(NamedTuple):
    """How the state is shown."""

    json: Annotated[bool, Option("--json", help="Print one JSON object; errors as JSON too.")] = False


class TokenOptions(NamedTuple):
    """What the token may be used for, and where it comes from."""

    expires: Annotated[str, Option("--expires", metavar="TIME", help="Like 90s, 10m or 1h, at most 1h.")] = (
        "10m"
    )
    grant: Annotated[
        Strings,
        Option("--grant", metavar="tts|stt|agent", help="What it allows; repeatable. (default: tts, stt)"),
    ] = None
    profile: Annotated[
        str | None,
        Option("--profile", metavar="NAME", help="Settings under [profiles.NAME]. [env: CARTESIA_PROFILE]"),
    ] = None
    base_url: Annotated[
        str | None, Option("--base-url", metavar="URL", help="Where the API is. [env: CARTESIA_BASE_URL]")
    ] = None
    timeout: Annotated[
        float | None,
        Option("--timeout", metavar="SECONDS", help="For connecting, the first byte, and silence."),
    ] = None
    retries: Annotated[
        int | None, Option("--retries", metavar="N", help="Try again after a failure. (default: 2)")
    ] = None
    json: Annotated[bool, Option("--json", help="Print one JSON object; errors as JSON too.")] = False


@takes(KeepOptions, TalkOptions)
def login(keep: KeepOptions, talk: TalkOptions) -> None:
    """Keep an API key, typed without being shown, or read from standard input.

    It goes into the system's keyring: the macOS Keychain, the Windows Credential Manager, or the Secret
    Service or KWallet of a Linux desktop. CARTESIA_API_KEY and CARTESIA_API_KEY_FILE win over it.

    Example: pass show cartesia | cartesia auth login
    """
    from cartesia_cli.commands._auth import run_login

    run_login(keep, talk)


@takes(StatusOptions, TalkOptions)
def status(shown: StatusOptions, talk: TalkOptions) -> None:
    """Tell which key is used, where it comes from, and which others it hides; status 3 without one.

    Only the last four characters of a key are shown. Nothing is sent.

    Example: cartesia auth status --json
    """
    from cartesia_cli.commands._auth import run_status

    run_status(shown, talk)


@takes(TalkOptions)
def logout(talk: TalkOptions) -> None:
    """Remove the key that 'auth login' kept.

    Example: cartesia auth logout
    """
    from cartesia_cli.commands._auth import run_logout

    run_logout(talk)


@takes(TokenOptions, TalkOptions)
def token(wanted: TokenOptions, talk: TalkOptions) -> None:
    """Print an access token: what a browser or another machine can use for a while instead of the key.

    Example: CARTESIA_API_KEY=$(cartesia auth token --expires 1h --grant tts) ./kiosk
    """
    from cartesia_cli.commands._auth import run_token

    run_token(wanted, talk)


auth: Mapping[str, Callable[..., Any]] = {"login": login, "status": status, "logout": logout, "token": token}
"""The subcommands, in the order of ``--help``."""
