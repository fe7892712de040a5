"""``voices localize``, ``mix`` and ``import``: new voices from those that exist."""

import json
from contextlib import ExitStack
from pathlib import Path

from cartesia_cli import console
from cartesia_cli.commands._destinations import check_stdout, is_stdout
from cartesia_cli.commands._speech import read_embedding
from cartesia_cli.commands._voices import open_desk, require_option, require_voice, tell_new
from cartesia_cli.commands._voices_options import ImportOptions, LocalizeOptions, MixingOptions
from cartesia_cli.errors import UsageError
from cartesia_cli.files import replace_file
from cartesia_cli.models import LocalizeRequest


def run_localize(options: LocalizeOptions) -> None:
    """Make a voice with another accent and print its ID.

    Raises:
        UsageError: something is missing.
        CartesiaError: as ``open_desk``, or it is refused.
    """
    wanted, new = require_voice(options.voice.voice), options.new
    name = require_option(new.name, "--name", "what the new voice is called")
    accent = require_option(new.accent, "--accent", "how it speaks; see 'cartesia voices accents'")
    with open_desk(options.library, options.tell, prints_object=True) as desk:
        request = LocalizeRequest(desk.find(wanted), name, accent, new.description, new.tagline)
        tell_new(desk, desk.library.localize_voice(request))


def run_mix(options: MixingOptions) -> None:
    """Write the embedding between voices.

    Raises:
        UsageError: something is missing, or a weight is none.
        RequestError: the API has no embeddings any more.
        CartesiaError: as ``open_desk``.
    """
    parts = [_part(part) for part in options.mix.parts or ()]
    if not parts:
        raise UsageError("There are no voices to mix.", hint="Give them as VOICE:WEIGHT, like Skylar:0.7.")
    output = require_option(options.mix.output, "--output", "the file for the embedding")
    to_stdout = is_stdout(output)
    check_stdout([("-o -", to_stdout), ("--json", options.tell.json)])
    with open_desk(options.library, options.tell, prints_object=True) as desk, ExitStack() as stack:
        # Opened before anything is asked for: a place that cannot be written costs nothing.
        file = None if to_stdout else stack.enter_context(replace_file(Path(output)))
        embedding = desk.library.mix_voices([(desk.find(voice), weight) for voice, weight in parts])
        text = json.dumps({"embedding": [*embedding]}) + "\n"
        if file is None:
            console.data(text)
        else:
            file.write(text.encode())
    if options.tell.json:
        desk.print_json({"path": output, "size": len(embedding)})


def run_import(options: ImportOptions) -> None:
    """Make a voice from an embedding and print its ID.

    Raises:
        UsageError: something is missing, or the file holds no embedding.
        RequestError: the API has no embeddings any more.
        CartesiaError: as ``open_desk``.
    """
    given = options.embedding
    if given.file is None:
        raise UsageError("There is no embedding.", hint="Name a file, as 'cartesia voices mix' writes it.")
    name = require_option(given.name, "--name", "what the new voice is called")
    embedding = read_embedding(given.file)
    with open_desk(options.library, options.tell, prints_object=True) as desk:
        voice = desk.library.create_voice(
            name, embedding, description=given.description, language=given.language
        )
        tell_new(desk, voice)


def _part(text: str) -> tuple[str, float]:
    """Return a voice and its weight, written ``VOICE:WEIGHT``.

    Raises:
        UsageError: it is not written so.
    """
    voice, _, weight = text.rpartition(":")
    try:
        number = float(weight)
    except ValueError:
        voice = ""
        number = 0.0
    if not voice.strip():
        raise UsageError(f"{text!r:.80} is not VOICE:WEIGHT.", hint="Give a weight, like Skylar:0.7.")
    return voice, number
