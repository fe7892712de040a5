"""Sound in, text out.

* ``transcription`` ``POST /stt`` and ``POST /audio/transcriptions``
* ``sockets``       ``/stt/websocket`` and ``/stt/turns/websocket``
* ``sound``         sound on its way from a socket to the thread that listens
"""
