"""Whether what a client sent has its shape, in plain words."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar, get_args

import msgspec
from msgspec import Struct
from msgspec.inspect import Field, ListType, LiteralType, Metadata, StructType, Type, UnionType, type_info

from cartesia_cli.errors import RequestError
from cartesia_cli.server.schemas.kinds import File, Form
from cartesia_cli.wire.values import shorten

DecodedT = TypeVar("DecodedT")

_AT = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<place>.*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`")
_TYPE = re.compile(r"Expected `([^`]*)`, got `([^`]*)`")
_RANGE = re.compile(r"Expected `([^`]*)` (of length )?([<>]=) (\S+)")

_WANTED = {
    "str": "a string",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "File": "a file",
}
_FOUND = _WANTED | {"bool": "a boolean", "float": "a number with a point"}
_BOUNDS = {">=": "at least", "<=": "at most"}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a shape; the first thing, where there is more."""

    kind: Literal["unknown", "missing", "wrong"]
    message: str
    """A sentence that names the field and its place."""

    def as_error(self) -> RequestError:
        """Return it as the API's answer with status 400."""
        return RequestError(self.message, title="Invalid request")


def check(payload: Mapping[str, Any], schema: type[Struct], *, lenient: bool = False) -> None:
    """Refuse what has not the shape of ``schema``; lenient servers refuse nothing here.

    Raises:
        RequestError: an unknown field, one that is missing, or a wrong type.
    """
    if not lenient and (fault := find_fault(payload, schema)):
        raise fault.as_error()


def decode_checked(
    payload: dict[str, Any],
    schema: type[Struct],
    decode: Callable[[dict[str, Any]], DecodedT],
    *,
    lenient: bool = False,
) -> DecodedT:
    """Return what ``decode`` makes of a payload that has the shape of ``schema``.

    An unknown field, which may be a known one misspelt, is refused first; then ``decode`` has its say, for it
    knows the API's own words; then all else that is wrong with the shape.

    Raises:
        RequestError: the payload cannot be decoded, or has not the shape.
    """
    fault = None if lenient else find_fault(payload, schema)
    if fault is not None and fault.kind == "unknown":
        raise fault.as_error()
    decoded = decode(payload)
    if fault is not None:
        raise fault.as_error()
    return decoded


def find_fault(payload: Mapping[str, Any], schema: type[Struct]) -> Fault | None:
    """Return what is wrong with a payload's shape, if anything is."""
    try:
        # The numbers in a form are text.
        msgspec.convert(payload, schema, strict=not issubclass(schema, Form))
    except msgspec.ValidationError as error:
        fault = _describe(str(error), schema)
        if fault.kind == "unknown":  # then it may be what is missing, misspelt
            files = [
                f" The form has no file called {name!r}." for name in _files(schema) if name not in payload
            ]
            fault = replace(fault, message=f"{fault.message}{''.join(files)}")
        return fault
    return None


def _files(schema: type[Struct]) -> list[str]:
    """Return the names of the files that a form must have."""
    fields = msgspec.structs.fields(schema)
    return [field.encode_name for field in fields if field.required and File in get_args(field.type)]


def _describe(text: str, schema: type[Struct]) -> Fault:
    """Return a fault in other words than msgspec's."""
    match = _AT.fullmatch(text)
    what, place = (match["what"], (match["place"] or "").removeprefix(".")) if match else (text, "")
    if unknown := _UNKNOWN.fullmatch(what):
        where = f" in {place}" if place else ""
        return Fault("unknown", f"Unknown field {shorten(unknown[1])!r}{where}.")
    if missing := _MISSING.fullmatch(what):
        return Fault("missing", f"{f'{place}.' if place else ''}{missing[1]} is required.")
    if what == "Expected `File`, got `str`":
        return Fault("wrong", f"The form has no file called {place!r}, but a text.")
    return Fault("wrong", f"{place or 'The body'} {_demand(what, place, schema)}.")


def _demand(what: str, place: str, schema: type[Struct]) -> str:
    """Return what must be of a value that is wrong."""
    if typed := _TYPE.fullmatch(what):
        return f"must be {_wanted(typed[1])}, not {_FOUND.get(typed[2], typed[2])}"
    if ranged := _RANGE.fullmatch(what):
        kind, is_length, bound, limit = ranged.groups()
        if not is_length:
            return f"must be {_BOUNDS[bound]} {limit}"
        return f"must have {_BOUNDS[bound]} {limit} {'items' if kind == 'array' else 'characters'}"
    if what.startswith("Invalid enum value") and (values := _values(schema, place)):
        return f"must be one of {', '.join(values)}"
    return f"cannot be read: {shorten(what)}"


def _wanted(types: str) -> str:
    """Return types as words; null is allowed where a field may be left out, and goes without saying."""
    names = [name for name in types.split(" | ") if name != "null"] or ["null"]
    return " or ".join(_WANTED.get(name, name) for name in names)


def _values(schema: type[Struct], place: str) -> tuple[str, ...]:
    """Return the values that a field may have, "" left out; none if it is no field with few values."""
    names = [place] if issubclass(schema, Form) else re.split(r"\.|(?=\[)", place)
    kinds: list[Type] = [type_info(schema)]
    for name in names:
        kinds = [inner for kind in kinds for outer in _flat(kind) for inner in _inner(outer, name)]
    return tuple(
        str(value)
        for kind in kinds
        for flat in _flat(kind)
        if isinstance(flat, LiteralType)
        for value in flat.values
        if value != ""
    )


def _flat(kind: Type) -> list[Type]:
    match kind:
        case UnionType():
            return [flat for each in kind.types for flat in _flat(each)]
        case Metadata():
            return _flat(kind.type)
        case _:
            return [kind]


def _inner(kind: Type, name: str) -> list[Type]:
    match kind:
        case StructType():
            fields: tuple[Field, ...] = kind.fields
            return [field.type for field in fields if field.encode_name == name]
        case ListType() if name.startswith("["):
            return [kind.item_type]
        case _:
            return []
