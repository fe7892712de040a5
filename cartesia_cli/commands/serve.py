"""``cartesia serve``: the Cartesia API on this machine."""

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from cartesia_cli.commands._options import (
    BaseUrl,
    Color,
    LogFile,
    ProfileName,
    Quiet,
    Strings,
    Verbose,
    takes,
)


class AddressOptions(NamedTuple):
    """Where the server is."""

    host: Annotated[
        str, typer.Option("--host", metavar="HOST", help="Where it listens; others need --require-key.")
    ] = "127.0.0.1"
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=0, max=65_535, help="0 takes a free one.")
    ] = 8420
    open: Annotated[bool, typer.Option("--open", help="Show its page in the browser.")] = False


class AccessOptions(NamedTuple):
    """Whom it serves, and how much."""

    state: Annotated[
        str | None,
        typer.Option(
            "--state",
            metavar="FILE|:memory:",
            help="Keep voices, dictionaries, data sets, tokens and usage there. (default: your data folder)",
        ),
    ] = None
    require_key: Annotated[
        bool,
        typer.Option("--require-key", help="Refuse requests without a key of CARTESIA_SERVE_KEYS."),
    ] = False
    key_file: Annotated[
        Path | None, typer.Option("--key-file", metavar="FILE", help="Further keys, one a line.")
    ] = None
    concurrency: Annotated[
        int | None,
        typer.Option("--concurrency", metavar="N", min=1, help="Refuse more at once with 429, as plans do."),
    ] = None
    max_upload: Annotated[
        int | None,
        typer.Option("--max-upload", metavar="MB", min=1, help="Of a request with a file. (default: 2000)"),
    ] = None
    lenient: Annotated[
        bool,
        typer.Option(
            "--lenient", help="For test suites: pass over unknown fields, answer unknown IDs with an example."
        ),
    ] = False


class TestOptions(NamedTuple):
    """What helps those who test clients."""

    record: Annotated[
        Path | None,
        typer.Option("--record", metavar="DIR", help="Pass everything on to the real API, and keep it."),
    ] = None
    replay: Annotated[
        Path | None, typer.Option("--replay", metavar="DIR", help="Answer from what was kept, offline.")
    ] = None
    fault: Annotated[
        Strings,
        typer.Option(
            "--fault",
            metavar="SPEC",
            help="Fail on purpose: [PATH:]KIND[=VALUE][*TIMES][@CHANCE%]. Repeatable.",
        ),
    ] = None
    seed: Annotated[
        int, typer.Option("--seed", metavar="N", help="Which requests meet the faults that have a chance.")
    ] = 0
    profile: ProfileName = None
    base_url: BaseUrl = None


class LogOptions(NamedTuple):
    """What it tells."""

    quiet: Quiet = False
    verbose: Verbose = 0
    log_file: LogFile = None
    color: Color = None


class ServeOptions(NamedTuple):
    """Everything that was given on the command line."""

    address: AddressOptions
    access: AccessOptions
    test: TestOptions
    log: LogOptions


@takes(*ServeOptions.__annotations__.values())
def serve(*groups: Any) -> None:
    """Speak the Cartesia API on this machine, with the built-in engine: HTTP, event streams, WebSockets.

    Its address is printed once it is ready; a browser finds a playground there. Programs written for Cartesia
    need nothing but this address as their base URL; without --require-key any key will do.

    Kinds of faults, for HTTP and sockets: a status from 400 to 599 (=SECONDS for retry-after), drop[=BYTES],
    stall[=BYTES], cut[=BYTES], slow[=2x|=20ms], split[=BYTES], cut-utf8, garbage, close[=CODE[,BYTES]].

    Example: cartesia serve --port 8420 --fault /tts/sse:429*2
    """
    from cartesia_cli.commands._serving import run

    run(ServeOptions(*groups))
