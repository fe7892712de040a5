"""Who speaks, and how words are said.

* ``catalogue``    ``GET /voices`` and ``GET /voices/{id}``
* ``voicemaking``  making, changing and deleting voices
* ``accents``      what they are called in which version
* ``dictionaries`` ``/pronunciation-dicts/``
"""
