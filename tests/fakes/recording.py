"""Records from the microphone, as a program of its own: ``python -m tests.fakes.recording OPTIONS``.

OPTIONS is JSON: the keywords of ``Microphone`` and ``seconds``, how much to record. A line on standard output
says that it listens; the samples follow, and standard error gets one line of JSON with what is known at the
end, or with the error of ours whose status it exits with.
"""

import json
import sys
import threading
import time

from cartesia_cli.audio.capture import Microphone
from cartesia_cli.errors import CartesiaError


def main() -> int:
    """Record and return the exit status."""
    options = json.loads(sys.argv[1])
    seconds = options.pop("seconds")
    blocks: list[bytes] = []
    try:
        with Microphone(**options) as microphone:
            sys.stdout.write("listening\n")
            sys.stdout.flush()
            timer = threading.Timer(seconds, microphone.stop)
            timer.daemon = True
            timer.start()
            blocks.extend(microphone)
    except CartesiaError as error:
        failure = {"error": type(error).__name__, "message": str(error), "hint": error.hint}
        sys.stderr.write(json.dumps(failure | {"at": time.monotonic()}) + "\n")
        return error.exit_code
    sys.stdout.buffer.write(b"".join(blocks))
    report = {
        "sizes": [len(block) for block in blocks],
        "overflows": microphone.overflows,
        "is_silent": microphone.is_silent,
    }
    sys.stderr.write(json.dumps(report) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
