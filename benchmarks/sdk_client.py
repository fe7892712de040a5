"""The reference: the official SDK, used as its documentation shows.

    python sdk_client.py sse|bytes|stream|websocket URL TRANSCRIPT FILE
    python sdk_client.py stt URL RECORDING FILE
    python sdk_client.py batch URL TEXTS FOLDER JOBS

``sse`` is ``generate_sse``, ``bytes`` is ``generate`` and ``write_to_file``, ``stream`` is ``generate`` as a
streaming response, ``websocket`` is a context with one text, ``stt`` is ``transcribe``. FILE ``-`` is
standard output, written chunk by chunk. ``batch`` is the asynchronous ``generate_sse`` for each line of a
file, so many at once, each to a file of its own.
"""

import asyncio
import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cartesia import AsyncCartesia, Cartesia
from cartesia.types.raw_output_format_param import RawOutputFormatParam

VOICE = "6ccbfb76-1fc6-48f7-b71d-91ac6298247b"
MODEL = "sonic-latest"
FORMAT: RawOutputFormatParam = {"container": "raw", "encoding": "pcm_f32le", "sample_rate": 44_100}


def main(mode: str, url: str, transcript: str, output: str) -> None:
    """Fetch the audio of one transcript."""
    client = Cartesia(api_key="benchmark", base_url=url, websocket_base_url=url.replace("http", "ws", 1))
    if mode == "stt":
        text = client.stt.transcribe(file=Path(transcript), model="ink-whisper").text
        Path(output).write_text(text, encoding="utf-8")
        return
    if mode == "bytes":
        response = client.tts.generate(
            model_id=MODEL, transcript=transcript, voice=VOICE, output_format=FORMAT
        )
        response.write_to_file(output)
        return
    with opened(output) as file:
        for audio in chunks(client, mode, transcript):
            file.write(audio)
            if output == "-":
                file.flush()


async def batch(url: str, texts: list[str], folder: str, n_jobs: int) -> None:
    """Fetch the audio of each text with one client, ``n_jobs`` of them at a time."""
    gate = asyncio.Semaphore(n_jobs)
    async with AsyncCartesia(api_key="benchmark", base_url=url) as client:

        async def fetch(number: int, text: str) -> None:
            async with gate:
                events = await client.tts.generate_sse(
                    model_id=MODEL, transcript=text, voice=VOICE, output_format=FORMAT
                )
                with open(f"{folder}/{number:06}.pcm", "wb") as file:  # noqa: ASYNC230, PTH123  as users do
                    async for event in events:
                        if event.type == "error":
                            sys.exit(str(event))
                        if event.type == "chunk" and event.audio:
                            file.write(event.audio)

        async with asyncio.TaskGroup() as group:
            for number, text in enumerate(texts, 1):
                group.create_task(fetch(number, text))


def chunks(client: Cartesia, mode: str, transcript: str) -> Iterator[bytes]:
    """Yield the audio as it comes."""
    if mode == "sse":
        for event in client.tts.generate_sse(
            model_id=MODEL, transcript=transcript, voice=VOICE, output_format=FORMAT
        ):
            if event.type == "error":
                sys.exit(str(event))
            if event.type == "chunk" and event.audio:
                yield event.audio
        return
    if mode == "websocket":
        with client.tts.websocket_connect() as connection:
            context = connection.context(model_id=MODEL, voice=VOICE, output_format=FORMAT)
            context.push(transcript)
            context.no_more_inputs()
            for message in context.receive():
                if message.type == "error":
                    sys.exit(str(message))
                if message.type == "chunk" and message.audio:
                    yield message.audio
        return
    with client.tts.with_streaming_response.generate(
        model_id=MODEL, transcript=transcript, voice=VOICE, output_format=FORMAT
    ) as response:
        yield from response.iter_bytes()


@contextlib.contextmanager
def opened(output: str) -> Iterator[BinaryIO]:
    """Open a file, or standard output for ``-``."""
    if output == "-":
        yield sys.stdout.buffer
        return
    with open(output, "wb") as file:  # noqa: PTH123 - pathlib is not what is measured
        yield file


if __name__ == "__main__":
    if sys.argv[1] == "batch":
        _, _, url, texts, folder, jobs = sys.argv
        lines = Path(texts).read_text(encoding="utf-8").splitlines()
        asyncio.run(batch(url, lines, folder, int(jobs)))
    else:
        main(*sys.argv[1:])
