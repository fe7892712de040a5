"""What a server keeps, and the routes that only store and list.

* ``state``     one SQLite file: the secret of the tokens, what was used, what clients stored
* ``usage``     ``/usage/*``
* ``datasets``  ``/datasets/``
* ``finetunes`` ``/fine-tunes/``
* ``agents``    ``/agents``
* ``apikeys``   ``/api-keys``
* ``fields``    the fields of what is stored
"""
