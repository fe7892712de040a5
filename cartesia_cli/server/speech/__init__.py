"""Text in, speech out.

* ``synthesis``  ``POST /tts/bytes`` and ``POST /tts/sse``
* ``changing``   ``/voice-changer/*`` and ``POST /infill/bytes``
* ``sockets``    ``/tts/websocket``: one socket, many contexts
* ``contexts``   what speaks one context, in a thread
* ``arrival``    the text of a context, from the socket to that thread
* ``containers`` samples as WAV or MP3
* ``events``     speech events as an event stream; no I/O
* ``streaming``  a blocking generator as the body of an answer
* ``turnstile``  work in turns, what is waited for first
"""
