"""The Cartesia API on an engine: the extra ``serve``, and what our tests talk to.

* ``app``        assembles routes and middleware: ``create_app``
* ``staff``      the engines that do the work; ``metering`` notes what they did
* ``rules``      what is accepted, how much of it, and how long is waited
* ``hosting``    the HTTP server that runs it all
* ``entrance``   who gets in, and how many at a time
* ``bodies``     what a request carries: JSON, or a form with files; ``schemas`` has its shapes
* ``speech``     text in, speech out
* ``hearing``    sound in, text out
* ``voices``     voices and pronunciation dictionaries
* ``storage``    what is kept: tokens, usage, data sets, fine-tunes, agents
* ``pages``      lists in pages
* ``versions``   in which version of the API a client speaks
* ``failures``   errors as answers
* ``openapi``    the description of all this
* ``packages``   whether what all this imports is there; ``memory`` gives back what was freed
* ``playground`` the page for people with a browser
* ``lenience``   a server that only stands in for one
* ``faults``     failures on purpose, for people who test clients
* ``cassettes``  exchanges with the real API, kept in a folder and given again

The only room that is async: it calls the blocking protocols of ``cartesia_cli.engines`` in threads.
"""
