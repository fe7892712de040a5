"""The Cartesia API on an engine: the extra ``serve``, and what our tests talk to.

* ``app``       assembles routes and middleware: ``create_app``
* ``access``    who asks, and in which version of the API
* ``failures``  errors of our tree as answers
* ``synthesis`` ``POST /tts/bytes`` and ``POST /tts/sse``
* ``transcription`` ``POST /stt`` and ``POST /audio/transcriptions``
* ``containers`` samples as WAV or MP3
* ``events``    speech events as an event stream; no I/O
* ``catalogue`` ``GET /voices`` and ``GET /voices/{id}``; pages
* ``streaming`` a blocking generator as the body of an answer
* ``faults``    failures on purpose, for people who test clients
* ``hosting``   the HTTP server that runs it all

The only room that is async: it calls the blocking protocols of ``cartesia_cli.engines`` in threads.
"""
