"""Exchanges with the real API, kept in a folder, and given again without it.

A cassette is a JSON file in UTF-8 with one exchange, ``0001-post-tts-sse.json``: the number is the order in
which the exchanges began, the rest the method and the path. Its fields:

* ``cassette``: the version of this format, 1.
* ``request``: ``method``, ``path``, ``query`` (its parameters in order of their names), ``version`` (of the
  API, from the query or the header, or null) and ``body``: null, ``{"json": …}``, ``{"text": …}``,
  ``{"form": [{"name", "value"}, {"name", "filename", "bytes", "sha256"}, …]}``, or of other bytes
  ``{"bytes", "sha256"}``.
* ``response``: ``status``, ``headers``, ``body`` and ``chunks``. The body is null, ``{"json": …}`` with the
  ``style`` in which it was written, ``{"text": [line, …]}``, ``{"base64": …}`` or ``{"file": NAME}``, a file
  beside the cassette (always for sound). ``chunks`` are the sizes of its first pieces; the last one repeats.
* ``socket``, in place of ``response``: ``messages``, a list or ``{"file": NAME}`` with one a line, and
  ``close``: who closed, ``from`` ``client`` or ``server``, with which ``code`` and ``reason``. A message has
  ``from`` and ``json``, ``text`` or ``base64``; of what a client sent as sound only the number of
  ``messages`` and their ``bytes``, several in a row as one.

The API key, access tokens, cookies and whatever else identifies who recorded are not kept; where such a text
stands in a body, there are asterisks. Headers that tell of the connection or the moment are not kept either.

A request is answered from a cassette with the same method, path, query, version and body. JSON is compared as
values, a form by its names, values and files, not by its boundary or file names; ``context_id`` of an event
stream may differ. Several cassettes of one request answer in their order, and the last of them from then on.
On a socket each context finds its own: messages are compared in order, without the ``context_id``, and the
answers carry the new one. Answers to sound come as soon as as many bytes of it have arrived as when it was
recorded; a command that comes earlier is answered as well. What was not recorded is answered with status 404,
``error_code`` ``not_recorded`` and ``x-should-retry: false``, on an open socket with such an error message.

* ``recording``     the recorder: passes requests on; ``eavesdropping`` the messages of a socket
* ``takes``         what is being recorded; ``keeping`` makes a cassette of an answer that is complete
* ``replaying``     the player: answers requests; ``performing`` answers on a socket
* ``tapes``         cassettes as files; ``tracks`` what was said on a socket, context by context
* ``asking``        a request, as it came and as it is found again; ``uploads`` its body
* ``texts``         bodies and messages as they stand in a cassette
* ``covers``        what must not be written down; ``naming`` contexts under their new names
"""

from cartesia_cli.server.cassettes.recording import create_recorder
from cartesia_cli.server.cassettes.replaying import create_player

__all__ = ["create_player", "create_recorder"]
