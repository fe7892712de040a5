"""Opens ONNX graphs on one thread, and shows an inner tensor of a graph as one more output."""

import os
from collections.abc import Iterator
from typing import Any

from cartesia_cli.local.packages import broken

_GRAPH, _OUTPUT, _FLOAT = 7, 12, 1
"""ModelProto.graph, GraphProto.output and TensorProto.FLOAT, as numbered in onnx.proto."""

_VARINT, _LENGTH = 0, 2
"""Wire types of protocol buffers: a number, and bytes with their length before them."""


def open_session(model: bytes) -> Any:
    """Return an onnxruntime session that computes on the caller's thread alone.

    One thread makes the sound the same on every machine with this library, and is
    as fast as more for graphs of this size.

    Raises:
        UsageError: onnxruntime is installed, but cannot be loaded.
    """
    try:
        # It would otherwise write an identity and a record of the run into the home folder, to be sent.
        os.environ["ORT_DISABLE_TELEMETRY"] = "1"
        import onnxruntime
    except (ImportError, OSError) as error:
        raise broken(error) from error

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Both keep what one input needed for the next: with inputs of many lengths memory would only grow.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 3  # errors only: warnings would go to stderr
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def add_output(model: bytes, tensor: str) -> bytes:
    """Return the ONNX model with the inner float tensor ``tensor`` as its last output.

    The bytes of the graph are copied as they are; one ``ValueInfoProto`` is added at their
    end, which protocol buffers read like any other element of the list of outputs.

    Raises:
        ValueError: these bytes are not an ONNX model.
    """
    tensor_type = _field(1, _varint_field(1, _FLOAT))  # TypeProto.tensor_type = {elem_type: FLOAT}
    value_info = _field(1, tensor.encode()) + _field(2, tensor_type)
    addition = _field(_OUTPUT, value_info)
    for number, wire_type, start, body, end in _fields(model):
        if number == _GRAPH and wire_type == _LENGTH:
            return model[:start] + _field(_GRAPH, model[body:end] + addition) + model[end:]
    raise ValueError("no graph in these bytes")


def _fields(message: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield number, wire type, and where the field, its body and the next field begin."""
    position = 0
    while position < len(message):
        start = position
        key, position = _read_varint(message, position)
        number, wire_type = key >> 3, key & 7
        body = position
        match wire_type:
            case 0:
                _, position = _read_varint(message, position)
            case 1:
                position += 8
            case 2:
                length, body = _read_varint(message, position)
                position = body + length
            case 5:
                position += 4
            case _:
                raise ValueError(f"wire type {wire_type} is not a protocol buffer's")
        if position > len(message):
            raise ValueError("the last field is cut")
        yield number, wire_type, start, body, position


def _field(number: int, body: bytes) -> bytes:
    return _varint(number << 3 | _LENGTH) + _varint(len(body)) + body


def _varint_field(number: int, value: int) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(value)


def _varint(value: int) -> bytes:
    """Return seven bits a byte, least significant first; the high bit says that more follow."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _read_varint(message: bytes, position: int) -> tuple[int, int]:
    """Return the number at ``position`` and where it ends."""
    value = shift = 0
    while position < len(message) and shift < 64:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, position
    raise ValueError("a number without an end")
