"""Failures on purpose, so that a client's handling of them can be tested.

A fault is written ``[PATH:]KIND[=VALUE][*TIMES][@CHANCE%]``, for example ``429``, ``429=0.2*2``,
``drop=20000@30%``, ``/tts/sse:stall`` or ``/stt:close=1012``.

========== =============================================== ==================================================
KIND       without VALUE                                   VALUE
========== =============================================== ==================================================
400 to 599 this status, the API's error body               ``SECONDS`` for ``retry-after``, ``MSms`` for
                                                           ``retry-after-ms``, ``never`` for
                                                           ``x-should-retry: false``; or another body:
                                                           ``html``, ``text``, ``empty``
drop       the connection closes before any answer         after so many bytes of the body; 0: after the
                                                           status line
stall      nothing is ever answered                        nothing more after so many bytes of the body
cut        the body ends as if complete after 1000 bytes   after so many bytes
slow       the body takes twice as long as it would        ``3x`` as long, or ``20ms`` before every piece
split      the body comes byte by byte                     in pieces of so many bytes
cut-utf8   the body's pieces end inside each character     –
           of several bytes
garbage    an event stream begins with an event that is    –
           no JSON, any other body with the same text
close      the socket closes with 1011 after its first     ``CODE``: with this code; ``CODE,BYTES``: when the
           message; sockets alone                          next message would exceed so many bytes
========== =============================================== ==================================================

On a socket:

* a status refuses the handshake, with the same body and headers;
* ``drop`` closes the connection before the handshake is answered, ``drop=BYTES`` after so many bytes of
  messages (0: right after the handshake), inside a message if they end there; there is no closing frame;
* ``stall`` lets the handshake succeed, and then nothing arrives; ``stall=BYTES``: nothing more;
* ``cut`` is ``close`` with code 1000: an end in order, without ``done``;
* ``slow`` waits before every message: as long again as the server took since the last message, of either
  side, or so many milliseconds;
* ``split`` and ``cut-utf8`` send every message in several frames;
* ``garbage`` is a first message that is no JSON;
* ``close=1005`` closes without naming a code. What breaks off without any closing is ``drop``.

``PATH`` limits it to a path and what lies below, ``*TIMES`` to the first so many requests that it strikes,
``@CHANCE%`` to a part of the requests, drawn from the seed. Which fault strikes is decided when a request
begins: of several the first one whose turn it is. The same requests in the same order meet the same faults
with the same seed, however long each of them takes, and whatever is asked for meanwhile on paths that a fault
does not cover.
"""

from cartesia_cli.server.faults.answers import split_bytes, split_characters
from cartesia_cli.server.faults.middleware import FaultMiddleware, with_faults
from cartesia_cli.server.faults.parsing import Fault, parse_fault
from cartesia_cli.server.faults.plan import FaultPlan

__all__ = [
    "Fault",
    "FaultMiddleware",
    "FaultPlan",
    "parse_fault",
    "split_bytes",
    "split_characters",
    "with_faults",
]
