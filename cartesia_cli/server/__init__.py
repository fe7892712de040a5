"""The Cartesia API on an engine: the extra ``serve``, and what our tests talk to.

* ``app``       assembles routes and middleware: ``create_app``
* ``staff``     the engines that do the work
* ``rules``     what is accepted, how much of it, and how long is waited
* ``access``    who asks, and in which version of the API
* ``failures``  errors of our tree as answers
* ``synthesis`` ``POST /tts/bytes`` and ``POST /tts/sse``
* ``speaking``  ``/tts/websocket``: one socket, many contexts
* ``contexts``  what speaks one context, in a thread
* ``arrival``   the text of a context, from the socket to that thread
* ``transcription`` ``POST /stt`` and ``POST /audio/transcriptions``
* ``containers`` samples as WAV or MP3
* ``events``    speech events as an event stream; no I/O
* ``catalogue`` ``GET /voices`` and ``GET /voices/{id}``
* ``voicemaking`` making, changing and deleting voices, and the accents
* ``dictionaries`` ``/pronunciation-dicts/``
* ``changing``  ``/voice-changer/*`` and ``POST /infill/bytes``
* ``tokens``    ``POST /access-token``, and what a token allows
* ``usage``     ``GET /usage/credits``
* ``metering``  engines whose work is noted there
* ``pages``     lists in pages
* ``bodies``    what a request carries: JSON, or a form with files
* ``streaming`` a blocking generator as the body of an answer
* ``faults``    failures on purpose, for people who test clients
* ``hosting``   the HTTP server that runs it all

The only room that is async: it calls the blocking protocols of ``cartesia_cli.engines`` in threads.
"""
