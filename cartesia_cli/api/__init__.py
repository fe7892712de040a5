"""The Cartesia API over HTTP: speech as bytes or as events, and the voices."""

import sys

# Where Click is installed (uvicorn brings it), httpx loads its own command line and Rich with it: 50 ms
# and 5 MB for nothing. A module that is None counts as missing, which httpx is prepared for.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]  # as the import system documents

from cartesia_cli.api.client import Client  # noqa: E402  after the line above
from cartesia_cli.api.way import Timeouts  # noqa: E402  after the line above

__all__ = ["Client", "Timeouts"]
