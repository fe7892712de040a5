"""The page at ``/`` for people with a browser: speak, transcribe, and see the same as code.

* ``assets``        the files below, as answers; nothing in them is generated
* ``page.js``       puts the page together
* ``speaking.js``   the panel that speaks; ``listening.js`` the one that transcribes; ``coding.js`` the code
* ``panels.js``     what panels have in common
* ``server.js``     where the API is, the key, and what a refusal says
* ``speech.js``     text → samples and words, as they come; ``events.js`` reads its stream
* ``transcriber.js`` a file → text; ``dictation.js`` what is being said → text
* ``microphone.js`` the microphone's samples; ``capture.js`` is the part of it in the audio thread
* ``samples.js``    sound as it arrives; ``player.js`` plays that, ``recording.js`` plays files
* ``deck.js``       a waveform that plays; ``words.js`` words that light up in time with it
* ``codes.js``      what is on the page as commands and programs; no I/O

A browser loads these files as they are. They name each other by relative addresses alone, so the page works
under any prefix, and take nothing from elsewhere.
"""

from cartesia_cli.server.playground.assets import (
    ASSETS,
    page_response,
    playground_routes,
    wants_page,
)

__all__ = ["ASSETS", "page_response", "playground_routes", "wants_page"]
