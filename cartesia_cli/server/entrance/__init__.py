"""Who gets in, and how many at a time.

* ``site``      which web pages may use this server: by Host and Origin
* ``gate``      whose key or token, and whose version, is good; what has no route
* ``access``    the key or token of a request, and what it opens
* ``tokens``    ``POST /access-token``, and what a token allows
* ``crowd``     how much is done at the same time
* ``visitors``  who asked for what, and what became of it: the log
"""
