"""The HTTP server under an app: uvicorn, told when to begin, when to end and whom to wait for.

* ``serving``     begins and ends it
* ``connections`` its connections, which wait for no slow client for ever
* ``patience``    how long that is
* ``means``       what an app can do with the connection of a request
"""
