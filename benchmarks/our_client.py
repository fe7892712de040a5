"""Our library as a program: the counterpart of ``sdk_client.py``.

python our_client.py websocket URL TRANSCRIPT FILE
"""

import sys
from pathlib import Path

from cartesia_cli.api import Client
from cartesia_cli.models import AudioChunk, AudioFormat, SpeechRequest

VOICE = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"


def main(mode: str, url: str, transcript: str, output: str) -> None:
    """Fetch the audio of one transcript."""
    if mode != "websocket":
        sys.exit(f"there is no mode {mode!r}")
    with Client("benchmark", base_url=url) as client, Path(output).open("wb", buffering=0) as file:
        for event in client.synthesize(
            SpeechRequest(transcript, VOICE, AudioFormat()), transport="websocket"
        ):
            if isinstance(event, AudioChunk):
                file.write(event.data)


if __name__ == "__main__":
    main(*sys.argv[1:])
