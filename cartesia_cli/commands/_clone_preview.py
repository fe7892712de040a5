"""A few words of a voice that was just made."""

from dataclasses import replace

from cartesia_cli.commands._destinations import check_stdout, is_stdout, plan_destinations
from cartesia_cli.commands._keys import can_steer
from cartesia_cli.commands._options import TimingOptions, VoiceOptions
from cartesia_cli.commands._speaking import Plan, speak
from cartesia_cli.commands._speech import speech_request
from cartesia_cli.commands._stage import Playing, check_playing
from cartesia_cli.commands._text import read_text
from cartesia_cli.commands.clone import CloneOptions
from cartesia_cli.credentials import Key
from cartesia_cli.errors import UsageError
from cartesia_cli.models import EngineName, Voice
from cartesia_cli.settings import Settings

Preview = Plan
"""A run of ``say`` whose voice is not there yet."""


def plan_preview(
    options: CloneOptions, settings: Settings, engine: EngineName, key: Key | None
) -> Preview | None:
    """Return what will be said, and where it goes, if anything is; nothing is opened.

    Raises:
        UsageError: there is nothing to say, or nowhere to put it.
    """
    text, play = options.voice.preview, options.play.as_play_options()
    if text is None:
        if options.output.output or play.play:
            raise UsageError("There is nothing to say with the new voice.", hint="Add --preview TEXT.")
        return None
    check_stdout(
        [("-o -", any(map(is_stdout, options.output.output or ()))), ("the ID of the new voice", True)]
    )
    check_playing(play)
    transcript = read_text([text], None)
    play = play._replace(play=play.play or not options.output.output)
    planned = plan_destinations(
        options.output, play, TimingOptions(), settings, straight_mp3=engine == "cloud", is_rehearsal=False
    )
    request = speech_request(
        VoiceOptions(), settings, planned.source, word_timestamps=False, phoneme_timestamps=False
    )
    reads_stdin = options.clip.clip == "-" or text == "-"
    return Plan(
        settings=settings,
        key=key,
        engine=engine,
        fallback=False,
        transcript=transcript,
        requests=(replace(request, transcript=transcript),),
        transport="bytes",
        destinations=planned,
        profile=None,
        playing=Playing(
            play, can_steer(reads_stdin=reads_stdin, no_input=options.report.no_input), "cartesia clone"
        ),
        prints_events=False,
        prints_summary=False,
        prints_stats=False,
    )


def speak_preview(preview: Preview, voice: Voice, started: float) -> None:
    """Say the words with the voice."""
    requests = tuple(replace(request, voice_id=voice.id) for request in preview.requests)
    speak(preview._replace(requests=requests), started)
