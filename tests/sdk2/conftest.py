"""Nothing of this folder is collected where the official client is not the old one: ``nox -s sdk2`` has it.

Both are called ``cartesia``, so no environment has two of them.
"""

from importlib.metadata import version

collect_ignore_glob = [] if version("cartesia").startswith("2.") else ["test_*.py"]
