"""``cartesia batch``: the lines of a manifest to files of speech, each of them once."""

from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import typer

from cartesia_cli.commands._options import (
    BaseUrl,
    BitRate,
    Color,
    CueOptions,
    EngineChoice,
    EngineOptions,
    FormatName,
    LogFile,
    Patience,
    ProfileName,
    Quiet,
    ReportOptions,
    SampleEncoding,
    SampleRate,
    Strings,
    Verbose,
    VoiceOptions,
    takes,
)


class ManifestOptions(NamedTuple):
    """What is said."""

    manifest: Annotated[
        str,
        typer.Argument(metavar="MANIFEST", help="A .jsonl, .csv, .tsv or .txt file.", show_default=False),
    ]
    manifest_format: Annotated[
        Literal["jsonl", "csv", "tsv", "txt"] | None,
        typer.Option("--manifest-format", help="For '-' and names without an ending."),
    ] = None
    shard: Annotated[
        str | None, typer.Option("--shard", metavar="I/N", help="Only every N-th line, from the I-th on.")
    ] = None


class TargetOptions(NamedTuple):
    """Where the files go, and what they are."""

    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="DIR|URL", help="Where the files go.")
    ] = None
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="TEMPLATE", help="Of files: {id} {line} {voice} {slug}."),
    ] = None
    format: Annotated[
        FormatName | None, typer.Option("--format", help="Of lines that name none. (default: wav)")
    ] = None
    encoding: SampleEncoding = None
    sample_rate: SampleRate = None
    bit_rate: BitRate = None
    timings: Annotated[
        Strings,
        typer.Option("--timings", metavar="FORMAT", help="srt vtt ass lrc json tsv, beside it. Repeatable."),
    ] = None
    force: Annotated[bool, typer.Option("--force", help="Make also what is there already.")] = False
    journal: Annotated[
        Path | None,
        typer.Option("--journal", metavar="FILE", help="What was made. (default: DIR/.cartesia-journal)"),
    ] = None


class WorkOptions(NamedTuple):
    """How the work is done, and what is looked at."""

    jobs: Annotated[
        int | None,
        typer.Option("--jobs", min=1, metavar="N", help="At once, at most. (default: 16; locally the cores)"),
    ] = None
    transport: Annotated[
        Literal["auto", "bytes", "sse", "websocket"] | None,
        typer.Option("--transport", help="How audio comes: bytes; sse and websocket have timings."),
    ] = None
    cluster: Annotated[
        str | None,
        typer.Option("--cluster", metavar="ADDRESS", help="On a Dask cluster: tcp://HOST:8786."),
    ] = None
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Ask also for what is in the cache.")] = False
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the manifest and show what it would cost.")
    ] = False
    budget: Annotated[
        int | None, typer.Option("--budget", min=0, metavar="CREDITS", help="Stop before more are spent.")
    ] = None
    max_failures: Annotated[
        int | None, typer.Option("--max-failures", min=1, metavar="N", help="Stop after so many failures.")
    ] = None
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="What became of the lines: .json, .xml."),
    ] = None
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Decode each file: length, silence, clipping."),
    ] = False
    verify_asr: Annotated[
        bool, typer.Option("--verify-asr", help="Transcribe each file and compare the words.")
    ] = False


class ServiceOptions(NamedTuple):
    """Which engine works, and how patiently it is asked for one of many."""

    engine: EngineChoice = None
    profile: ProfileName = None
    base_url: BaseUrl = None
    timeout: Patience = None
    retries: Annotated[
        int | None,
        typer.Option("--retries", metavar="N", help="After no answer. (default: 5; 2 where sound broke off)"),
    ] = None

    def as_engine_options(self) -> EngineOptions:
        """Return the same for whoever asks an engine."""
        return EngineOptions(**self._asdict())


class TellOptions(NamedTuple):
    """What the run tells about itself."""

    json: Annotated[
        bool, typer.Option("--json", help="Print a JSON object for each line; errors as JSON too.")
    ] = False
    quiet: Quiet = False
    verbose: Verbose = 0
    log_file: LogFile = None
    color: Color = None
    stats: Annotated[bool, typer.Option("--stats", help="Times and counts on stderr.")] = False
    no_input: Annotated[bool, typer.Option("--no-input", help="Never ask, never read keys.")] = False

    def as_report_options(self) -> ReportOptions:
        """Return the same for whoever tells."""
        return ReportOptions(**self._asdict())


class BatchOptions(NamedTuple):
    """Everything that was given on the command line."""

    manifest: ManifestOptions
    target: TargetOptions
    voice: VoiceOptions
    work: WorkOptions
    cues: CueOptions
    engine: ServiceOptions
    report: TellOptions


@takes(*BatchOptions.__annotations__.values())
def batch(*groups: Any) -> None:
    """Speak every line of MANIFEST into a file; run again, it makes what is missing or changed.

    Example: cartesia batch lines.csv -o out/ --timings srt
    """
    from cartesia_cli.commands._batching import run

    run(BatchOptions(*groups))
