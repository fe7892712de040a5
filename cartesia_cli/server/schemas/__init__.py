"""What the API's requests and answers look like, as types: shape alone, what it means is ``wire``'s.

* ``kinds``        what every one of them is: a body, a form, a query or an answer
* ``checking``     whether a request has its shape, in plain words
* ``messages``     the messages of ``/tts/websocket``, checked and decoded
* ``account``      status, errors, access tokens, credits
* ``speech``       ``/tts/*`` and the client's messages on its socket
* ``events``       what streams and sockets send
* ``listening``    queries and messages of the sockets that take sound
* ``recordings``   the forms with recordings, and transcripts
* ``voices``       voices and accents
* ``dictionaries`` pronunciation dictionaries
* ``training``     data sets and fine-tunes
* ``agents``       agents, their calls and metrics
* ``operations``   the table of all HTTP operations
* ``sockets``      the table of all sockets

They hold the fields of every version of the API, so that no client is refused for its age. A docstring and a
description are what ``/openapi.json`` says to users.
"""
