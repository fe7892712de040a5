"""Plays standard input, as a program of its own: ``python -m tests.fakes.playing PLAYS < audio``.

PLAYS is a JSON list of plays, one after the other, each with a ``Player`` of its own: its keywords, the
fields of ``AudioFormat`` and

* ``n_bytes``: how much of standard input is its sound,
* ``sizes``: lengths of the chunks, used in turn; 4096,
* ``pauses``: [[byte, seconds], ...] for which the producer comes late, asking for the position meanwhile,
* ``script``: [[seconds, method], ...] of the player, called so long after the first sound, by another thread,
* ``impatient``: true to count these seconds from the beginning,
* ``then``: how many bytes more of standard input are written as an utterance of their own,
* ``words``: [[word, start, end], ...] that are known before,
* ``turn``: keywords of a ``Turn``,
* ``refuses_mono``: true for a device that only takes two channels; no ALSA plugin can play that part.

Prints one line of JSON for each. An error of ours is the last line, and its exit status; Ctrl-C is 130.
"""

import itertools
import json
import sys
import threading
import time
from typing import Any

from cartesia_cli.audio.playback import Player
from cartesia_cli.audio.turns import Turn
from cartesia_cli.errors import CartesiaError
from cartesia_cli.models import AudioFormat, Encoding, WordTiming


def play(play: dict[str, Any], audio: bytes) -> dict[str, Any]:
    """Play and return what the player says of it."""
    source = AudioFormat(Encoding(play.get("encoding", "pcm_f32le")), play.get("sample_rate", 44_100))
    pauses = dict(play.get("pauses", []))
    positions = []
    if play.get("refuses_mono"):
        refuse_mono()
    names = ("device", "gain_db", "cushion", "steerable")
    keywords = {name: play[name] for name in names if name in play}
    turn = Turn(**play["turn"]) if "turn" in play else None
    with Player(source, turn=turn, **keywords) as player:
        player.add_words([WordTiming(*word) for word in play.get("words", [])])
        actions: list[dict[str, Any]] = []
        acting = threading.Thread(target=act, args=(player, play, actions))
        acting.start()
        entered = time.monotonic()
        done = 0
        for size in itertools.cycle(play.get("sizes", [4096])):
            if done >= len(audio):
                break
            player.write(audio[done : done + size])
            done += size
            for at in [at for at in pauses if at <= done]:
                end = time.monotonic() + pauses.pop(at)
                while time.monotonic() < end:
                    time.sleep(0.01)
                    positions.append((time.monotonic(), player.position))
        written = time.monotonic()
        if "then" in play:
            player.end()
            acting.join()
            player.write(sys.stdin.buffer.read(play["then"]))
        heard = player.wait_until_heard()
    acting.join()
    return {
        "actions": actions,
        "entered": entered,
        "heard": heard,
        "writing_ended": written,
        "first_sound": player.first_sound,
        "left": time.monotonic(),
        "position": player.position,
        "positions": positions,
        "underruns": player.underruns,
        "written": player.written,
    }


def act(player: Player, play: dict[str, Any], actions: list[dict[str, Any]]) -> None:
    """Do what a listener does, and note when, and where the player was before and after."""
    began = time.monotonic() if play.get("impatient") else None
    for seconds, name in play.get("script", []):
        while (begun := began or player.first_sound) is None or time.monotonic() < begun + seconds:
            time.sleep(0.002)
        at, before = time.monotonic(), player.position
        getattr(player, name)()
        done = time.monotonic()
        actions.append({"at": at, "done": done, "before": before, "after": player.position})


def refuse_mono() -> None:
    """Let no stream of one channel be opened in this process any more."""
    import sounddevice

    class StereoStream(sounddevice.OutputStream):  # type: ignore[misc]
        def __init__(self, *, channels: int, **keywords: Any) -> None:
            if channels == 1:
                raise sounddevice.PortAudioError("Invalid number of channels")
            super().__init__(channels=channels, **keywords)

    sounddevice.OutputStream = StereoStream


def main() -> int:
    """Play everything and return the exit status."""
    try:
        for spec in json.loads(sys.argv[1]):
            audio = sys.stdin.buffer.read(spec["n_bytes"])
            sys.stdout.write(json.dumps(play(spec, audio)) + "\n")
    except CartesiaError as error:
        failure = {
            "error": type(error).__name__,
            "message": str(error),
            "hint": error.hint,
            "at": time.monotonic(),
        }
        sys.stdout.write(json.dumps(failure) + "\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
