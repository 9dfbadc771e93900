"""JSON Schema, as far as our published contracts use it; a keyword that is not known here is an error."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Json = Any
Schema = Mapping[str, Any]

TYPES: Mapping[str, Callable[[Json], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
SAYS_NOTHING = {"$schema", "$defs", "title", "description", "default"}


def faults(value: Json, schema: Schema, root: Schema | None = None, path: str = "$") -> Iterator[str]:
    """Where the value does not fit the schema, and why."""
    root = schema if root is None else root
    for keyword, wanted in schema.items():
        if keyword not in SAYS_NOTHING:
            yield from RULES[keyword](value, wanted, (schema, root), path)


Context = tuple[Schema, Schema]  # the schema that the keyword stands in, and the root of all


def _type(value: Json, wanted: str, _: Context, path: str) -> Iterator[str]:
    if not TYPES[wanted](value):
        yield f"{path} is no {wanted}"


def _const(value: Json, wanted: Json, _: Context, path: str) -> Iterator[str]:
    if value != wanted:
        yield f"{path} is not {wanted!r}"


def _enum(value: Json, wanted: list[Json], _: Context, path: str) -> Iterator[str]:
    if value not in wanted:
        yield f"{path} is none of {wanted}"


def _pattern(value: Json, wanted: str, _: Context, path: str) -> Iterator[str]:
    if isinstance(value, str) and not re.search(wanted, value):
        yield f"{path} does not match {wanted}"


def _required(value: Json, wanted: list[str], _: Context, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f"{path} has no {name}" for name in wanted if name not in value)


def _properties(value: Json, wanted: Mapping[str, Schema], context: Context, path: str) -> Iterator[str]:
    for name in wanted.keys() & (value.keys() if isinstance(value, dict) else ()):
        yield from faults(value[name], wanted[name], context[1], f"{path}.{name}")


def _additional(value: Json, wanted: bool | Schema, context: Context, path: str) -> Iterator[str]:
    known = context[0].get("properties", {})
    for name in (name for name in (value if isinstance(value, dict) else ()) if name not in known):
        if isinstance(wanted, bool):
            yield from () if wanted else (f"{path} has {name}, which is not in the contract",)
        else:
            yield from faults(value[name], wanted, context[1], f"{path}.{name}")


def _items(value: Json, wanted: Schema, context: Context, path: str) -> Iterator[str]:
    for place, item in enumerate(value if isinstance(value, list) else ()):
        yield from faults(item, wanted, context[1], f"{path}[{place}]")


def _any_of(value: Json, wanted: list[Schema], context: Context, path: str) -> Iterator[str]:
    found = [list(faults(value, schema, context[1], path)) for schema in wanted]
    if all(found):
        yield f"{path} fits none of its alternatives: {found}"


def _ref(value: Json, wanted: str, context: Context, path: str) -> Iterator[str]:
    target: Any = context[1]
    for step in wanted.removeprefix("#/").split("/"):
        target = target[step]
    yield from faults(value, target, context[1], path)


RULES: Mapping[str, Callable[[Json, Any, Context, str], Iterator[str]]] = {
    "type": _type,
    "const": _const,
    "enum": _enum,
    "pattern": _pattern,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "items": _items,
    "anyOf": _any_of,
    "$ref": _ref,
}
