"""A server that only stands in for one, as test suites want it: ``--lenient``.

* ``engines``  know every ID and hear every recording
* ``routes``   pass over what mock servers pass over
* ``examples`` the answers where there is nothing to answer with
"""
