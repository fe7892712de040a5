"""``cartesia clone``: a clip of someone speaking becomes a voice."""

from typing import Annotated, Any, Literal, NamedTuple

import typer

from cartesia_cli.commands._options import (
    LibraryOptions,
    LoudspeakerOptions,
    OutputOptions,
    ReportOptions,
    takes,
)

Option = typer.Option


class ClipOptions(NamedTuple):
    """What the voice is made of."""

    clip: Annotated[
        str | None,
        typer.Argument(
            metavar="CLIP", help="A recording of 3 to 20 seconds, or '-': stdin.", show_default=False
        ),
    ] = None
    trim: Annotated[
        bool, Option("--trim", help="Use the best 10 seconds of it, or what speech there is.")
    ] = False
    yes: Annotated[
        bool, Option("--yes", "-y", help="The speaker consents, and the clip is good enough: ask nothing.")
    ] = False


class NewVoiceOptions(NamedTuple):
    """What the voice will be."""

    name: Annotated[str | None, Option("--name", metavar="NAME", help="What it is called.")] = None
    language: Annotated[
        str | None,
        Option(
            "--language", "-l", metavar="CODE", help="Of the clip. [env: CARTESIA_LANGUAGE] (default: en)"
        ),
    ] = None
    description: Annotated[
        str | None, Option("--description", metavar="TEXT", help="What it is like, or for.")
    ] = None
    accent: Annotated[str | None, Option("--accent", metavar="ID", help="Of 'cartesia voices accents'.")] = (
        None
    )
    base_voice: Annotated[str | None, Option("--base-voice", metavar="ID", help="A voice to start from.")] = (
        None
    )
    mode: Annotated[
        Literal["similarity", "stability"] | None,
        Option("--mode", help="Of the older API: what counts more."),
    ] = None
    enhance: Annotated[bool, Option("--enhance", help="Of the older API: clean the clip first.")] = False
    preview: Annotated[
        str | None, Option("--preview", metavar="TEXT", help="Say TEXT with it: played, or written with -o.")
    ] = None


class CloneOptions(NamedTuple):
    """Everything that was given on the command line."""

    clip: ClipOptions
    voice: NewVoiceOptions
    output: OutputOptions
    play: LoudspeakerOptions
    engine: LibraryOptions
    report: ReportOptions


@takes(*CloneOptions.__annotations__.values())
def clone(*groups: Any) -> None:
    """Make a voice from a CLIP of someone speaking, and print its ID.

    The clip is looked at first: its length, level, silence and noise, and whether it is distorted. You need
    the speaker's consent; where nobody can be asked for it, --yes says that you have it. The built-in engine
    takes the pitch and the pace of a clip to its nearest voice, and nothing else.

    Example: cartesia clone anna.wav --name Anna --preview "Hello, it is me."
    """
    from cartesia_cli.commands._clone import run

    run(CloneOptions(*groups))
