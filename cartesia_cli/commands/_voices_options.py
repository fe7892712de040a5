"""The options of ``cartesia voices``, in groups; see ``_options``."""

from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import typer

from cartesia_cli.commands._options import (
    Color,
    LibraryOptions,
    LogFile,
    OutputOptions,
    PlayOptions,
    Quiet,
    ReportOptions,
    Strings,
    Verbose,
)

Argument, Option = typer.Argument, typer.Option

Name = str | None


class TellOptions(NamedTuple):
    """What the run tells about itself."""

    json: Annotated[bool, Option("--json", help="Print JSON, an object a line; errors as JSON too.")] = False
    quiet: Quiet = False
    verbose: Verbose = 0
    log_file: LogFile = None
    color: Color = None
    stats: Annotated[bool, Option("--stats", help="Times and counts on stderr, or inside the object.")] = (
        False
    )
    no_input: Annotated[bool, Option("--no-input", help="Never ask.")] = False


class ChoiceOptions(NamedTuple):
    """Which voices are wanted."""

    language: Annotated[
        str | None, Option("--language", "-l", metavar="CODE", help="Those that speak it, like en, de, ja.")
    ] = None
    gender: Annotated[
        Literal["masculine", "feminine", "gender_neutral"] | None, Option("--gender", help="How they sound.")
    ] = None
    mine: Annotated[bool, Option("--mine", help="Only your own.")] = False
    limit: Annotated[int | None, Option("--limit", metavar="N", help="No more than the first N.")] = None


class QueryOptions(NamedTuple):
    """What is searched for."""

    query: Annotated[
        Strings,
        Argument(metavar="QUERY...", help="In the name, the description or the ID.", show_default=False),
    ] = None


class VoiceArgument(NamedTuple):
    """Which voice."""

    voice: Annotated[Name, Argument(metavar="VOICE", help="ID, alias or name.", show_default=False)] = None


class MaybeVoiceArgument(NamedTuple):
    """Which voice, if any."""

    voice: Annotated[Name, Argument(metavar="[VOICE]", help="ID, alias or name.", show_default=False)] = None


class ExpandOptions(NamedTuple):
    """What else of a voice is shown."""

    embedding: Annotated[bool, Option("--embedding", help="Its embedding too (older API, and local).")] = (
        False
    )


class SampleOptions(NamedTuple):
    """What a voice is heard saying."""

    text: Annotated[
        Strings,
        Argument(metavar="[TEXT]...", help="What it says, or '-': stdin. (default: a greeting)"),
    ] = None
    model: Annotated[
        str | None, Option("--model", "-m", metavar="ID", help="Model ID. [env: CARTESIA_MODEL]")
    ] = None
    language: Annotated[
        str | None,
        Option("--language", "-l", metavar="CODE", help="Of the text. (default: that of the voice)"),
    ] = None


class UnsetOptions(NamedTuple):
    """Whether a choice is taken back."""

    unset: Annotated[bool, Option("--unset", help="Remove it.")] = False


class AliasArguments(NamedTuple):
    """An alias, and the voice that it is to stand for."""

    name: Annotated[Name, Argument(metavar="[NAME]", help="The alias.", show_default=False)] = None
    voice: Annotated[Name, Argument(metavar="[VOICE]", help="ID or name.", show_default=False)] = None


class ChangeOptions(NamedTuple):
    """What becomes of a voice."""

    name: Annotated[str | None, Option("--name", metavar="NAME", help="Its name.")] = None
    description: Annotated[str | None, Option("--description", metavar="TEXT", help="What it is like.")] = (
        None
    )
    gender: Annotated[
        Literal["masculine", "feminine", "gender_neutral", "none"] | None,
        Option("--gender", help="How it sounds; none takes it away."),
    ] = None
    accent: Annotated[
        str | None, Option("--accent", metavar="ID", help="Its own accent; see 'voices accents'.")
    ] = None


class DoomedOptions(NamedTuple):
    """Which voices are deleted."""

    voices: Annotated[
        Strings, Argument(metavar="VOICE...", help="IDs, aliases or names.", show_default=False)
    ] = None
    yes: Annotated[bool, Option("--yes", "-y", help="Do not ask.")] = False


class NewOptions(NamedTuple):
    """What the new voice is called and how it speaks."""

    name: Annotated[str | None, Option("--name", metavar="NAME", help="Of the new voice.")] = None
    accent: Annotated[str | None, Option("--accent", metavar="ID", help="See 'voices accents'.")] = None
    description: Annotated[str | None, Option("--description", metavar="TEXT", help="What it is like.")] = (
        None
    )
    tagline: Annotated[str | None, Option("--tagline", metavar="TEXT", help="In a few words.")] = None


class AccentOptions(NamedTuple):
    """Which accents a voice learns and loses."""

    add: Annotated[Strings, Option("--add", metavar="ID", help="Learn it; repeatable.")] = None
    remove: Annotated[Strings, Option("--remove", metavar="ID", help="Lose it; repeatable.")] = None


class MixOptions(NamedTuple):
    """What is mixed, and where the result goes."""

    parts: Annotated[
        Strings, Argument(metavar="VOICE:WEIGHT...", help="Like Skylar:0.7.", show_default=False)
    ] = None
    output: Annotated[
        str | None, Option("--output", "-o", metavar="FILE", help="Write the embedding; '-' is stdout.")
    ] = None


class EmbeddingOptions(NamedTuple):
    """The embedding, and what the voice made from it is called."""

    file: Annotated[
        Path | None, Argument(metavar="EMBEDDING.json", help="As 'voices mix' writes it.", show_default=False)
    ] = None
    name: Annotated[str | None, Option("--name", metavar="NAME", help="Of the new voice.")] = None
    description: Annotated[str | None, Option("--description", metavar="TEXT", help="What it is like.")] = (
        None
    )
    language: Annotated[str | None, Option("--language", "-l", metavar="CODE", help="Like en, de, ja.")] = (
        None
    )


class ListOptions(NamedTuple):
    """Everything that ``list`` was given."""

    choice: ChoiceOptions
    library: LibraryOptions
    tell: TellOptions


class SearchOptions(NamedTuple):
    """Everything that ``search`` was given."""

    query: QueryOptions
    choice: ChoiceOptions
    library: LibraryOptions
    tell: TellOptions


class ShowOptions(NamedTuple):
    """Everything that ``show`` was given."""

    voice: VoiceArgument
    expand: ExpandOptions
    library: LibraryOptions
    tell: TellOptions


class PreviewOptions(NamedTuple):
    """Everything that ``preview`` was given."""

    voice: VoiceArgument
    sample: SampleOptions
    output: OutputOptions
    play: PlayOptions
    library: LibraryOptions
    report: ReportOptions


class DefaultOptions(NamedTuple):
    """Everything that ``default`` was given."""

    voice: MaybeVoiceArgument
    unset: UnsetOptions
    library: LibraryOptions
    tell: TellOptions


class AliasOptions(NamedTuple):
    """Everything that ``alias`` was given."""

    alias: AliasArguments
    unset: UnsetOptions
    library: LibraryOptions
    tell: TellOptions


class UpdateOptions(NamedTuple):
    """Everything that ``update`` was given."""

    voice: VoiceArgument
    change: ChangeOptions
    library: LibraryOptions
    tell: TellOptions


class DeleteOptions(NamedTuple):
    """Everything that ``delete`` was given."""

    doomed: DoomedOptions
    library: LibraryOptions
    tell: TellOptions


class LocalizeOptions(NamedTuple):
    """Everything that ``localize`` was given."""

    voice: VoiceArgument
    new: NewOptions
    library: LibraryOptions
    tell: TellOptions


class AccentsOptions(NamedTuple):
    """Everything that ``accents`` was given."""

    voice: MaybeVoiceArgument
    accents: AccentOptions
    library: LibraryOptions
    tell: TellOptions


class MixingOptions(NamedTuple):
    """Everything that ``mix`` was given."""

    mix: MixOptions
    library: LibraryOptions
    tell: TellOptions


class ImportOptions(NamedTuple):
    """Everything that ``import`` was given."""

    embedding: EmbeddingOptions
    library: LibraryOptions
    tell: TellOptions
