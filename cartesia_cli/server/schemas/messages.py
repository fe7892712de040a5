"""The messages of ``/tts/websocket``, checked and decoded."""

from collections.abc import Mapping
from typing import Any

from cartesia_cli.server.schemas.checking import find_fault
from cartesia_cli.server.schemas.speech import Cancellation, Generation
from cartesia_cli.wire.commands import Cancel, Speak, decode_command, decode_opening

_OF_AN_OPENING = frozenset({"model_id", "voice", "output_format"})


def read_command(payload: Mapping[str, Any], *, lenient: bool) -> Speak | Cancel:
    """Return what a message asks for; of a strict server, if it has the shape of such a message.

    Raises:
        RequestError: it has not, or asks for nothing that there is.
    """
    if lenient:
        return decode_command(payload)
    fault = find_fault(payload, Cancellation if payload.get("cancel") is True else Generation)
    if fault is not None and fault.kind == "unknown":
        raise fault.as_error()
    command = decode_command(payload)
    if fault is not None:
        if isinstance(command, Speak) and payload.keys() >= _OF_AN_OPENING:
            decode_opening(command)  # knows the API's own words for much of what can be wrong
        raise fault.as_error()
    return command
