"""The lines of a manifest to files of speech, each of them once.

``manifest`` reads the lines, ``naming`` gives each its files, ``planning`` makes a job of it. ``runner`` has
jobs done by threads and keeps their order. ``making`` is where that is done: it asks as often as ``asking``
allows, writes to ``places``, lets ``checking`` look at the result, and notes it in the ``journal``.
``cluster`` does the same beyond one machine. ``report`` says what became of everything.
"""
