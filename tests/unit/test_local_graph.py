import pytest
from hypothesis import given
from hypothesis import strategies as st

from cartesia_cli.local.graph import add_output

GRAPH = b"\x0a\x04node"  # GraphProto.node, 4 bytes
VALUE_INFO = b"\x0a\x01t\x12\x04\x0a\x02\x08\x01"  # name "t", type {tensor_type {elem_type: FLOAT}}
OUTPUT = b"\x62" + bytes([len(VALUE_INFO)]) + VALUE_INFO


def test_the_tensor_is_added_at_the_end_of_the_graph_and_the_rest_is_kept() -> None:
    before, after = b"\x08\x0a\x12\x06hibari", b"\x42\x02\x10\x11\x1d\x01\x02\x03\x04"
    model = before + b"\x3a" + bytes([len(GRAPH)]) + GRAPH + after

    patched = add_output(model, "t")

    assert patched == before + b"\x3a" + bytes([len(GRAPH + OUTPUT)]) + GRAPH + OUTPUT + after


def test_lengths_beyond_one_byte_are_written_in_two() -> None:
    graph = b"\x0a\xac\x02" + bytes(300)
    model = b"\x3a\xaf\x02" + graph

    patched = add_output(model, "t")

    assert patched == b"\x3a\xba\x02" + graph + OUTPUT


@given(st.binary(max_size=40))
def test_bytes_that_are_no_model_are_refused(data: bytes) -> None:
    try:
        patched = add_output(data, "t")
    except ValueError:
        return
    assert OUTPUT in patched


def test_a_model_cut_short_is_refused() -> None:
    with pytest.raises(ValueError, match="cut"):
        add_output(b"\x3a\x10abc", "t")
