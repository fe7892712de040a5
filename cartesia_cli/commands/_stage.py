"""The stage that speech is brought to: files, stdout, and the loudspeaker with all that belongs to it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple

from cartesia_cli import console
from cartesia_cli.commands._destinations import Destinations, OpenDestinations, open_destinations
from cartesia_cli.commands._options import PlayOptions
from cartesia_cli.errors import UsageError
from cartesia_cli.settings import Settings
from cartesia_cli.speech import Timeline


class Playing(NamedTuple):
    """How speech is played, if it is."""

    options: PlayOptions
    steers: bool
    """Whether the keyboard steers it."""

    command: str
    """What the programs that wait for the loudspeaker are told of this one."""


def check_playing(options: PlayOptions) -> None:
    """Check what was given for the loudspeaker.

    Raises:
        UsageError: something is out of range.
    """
    if not 0 <= options.wait < float("inf"):
        raise UsageError(f"--wait {options.wait:g} is out of range.", hint="Give seconds, from 0 on.")


@contextmanager
def open_stage(
    planned: Destinations, settings: Settings, timeline: Timeline, playing: Playing
) -> Iterator[OpenDestinations]:
    """Open everything; leaving the block cleanly completes it, leaving by an exception undoes it.

    Args:
        planned: where the speech goes.
        settings: which loudspeaker, and how loud.
        timeline: what will have been spoken.
        playing: how it is played.
    """
    if not planned.play:
        with open_destinations(planned, None) as opened:
            yield opened
        return
    from cartesia_cli.audio.playback import Player
    from cartesia_cli.audio.turns import Turn

    options = playing.options
    turn = Turn(command=playing.command, wait=options.wait, interrupt=options.interrupt)
    player = Player(
        planned.source, device=settings.device, gain_db=settings.gain, steerable=playing.steers, turn=turn
    )
    with ExitStack() as stack:
        start_following = None
        if options.follow:
            from cartesia_cli.commands._follow import following

            start_following = stack.enter_context(following(timeline))
        if playing.steers:
            from cartesia_cli.commands._keys import steering

            stack.enter_context(steering(player))
        opened = stack.enter_context(open_destinations(planned, player))
        if start_following:
            start_following(player)
        yield opened
    if turn.interrupted:
        console.note("another cartesia took over the loudspeaker")
    if turn.problem is not None:
        console.detail(f"no turns at the loudspeaker: {turn.problem}")
