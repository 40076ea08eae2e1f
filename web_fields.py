"""What a request may hold: each field's JSON Schema is what openapi.json tells and what requests are checked by."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from handwriting import SEEDS
from shell import UserError, did_you_mean

Schema = dict[str, Any]

KINDS = {"string": str, "boolean": bool, "array": list, "object": dict}
IN_WORDS = {"string": "text", "boolean": "true or false", "array": "a list", "object": "an object",
            "integer": "a whole number", "number": "a number"}  # fmt: skip
SHOWN = 40  # characters of a wrong value that a message repeats
WHOLE = re.compile(r"-?[0-9]{1,15}")
DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?([eE][+-]?[0-9]{1,3})?")


class Refusal(UserError):
    """A request that is not answered as asked: an HTTP status of 400 to 499, and one sentence for a person."""

    def __init__(self, status: int, sentence: str, headers: Mapping[str, str] | None = None):
        super().__init__(sentence)
        self.status, self.headers = status, dict(headers or {})


@dataclass(frozen=True)
class Field:
    """One value that a request may or must hold."""

    name: str
    schema: Schema
    """What it must be. These keywords are known: type, enum, minimum, maximum, minLength, maxLength, pattern, items,
    minItems, maxItems, properties, required."""
    said: str
    """What it is for."""
    default: Any = None
    """What stands for it where it is left out, or null."""
    required: bool = False
    in_body_only: bool = False
    """It is too long for an address."""

    def described(self) -> Schema:
        """Its schema as openapi.json tells it."""
        described = dict(self.schema) | {"description": self.said}
        if self.required:
            return described
        if "enum" in described:
            described["enum"] = [*described["enum"], None]
        return described | {"type": [described["type"], "null"]} | ({} if self.default is None
                                                                    else {"default": self.default})  # fmt: skip


def text(most: int, least: int = 0, **more: Any) -> Schema:
    """Text of so many characters."""
    return {"type": "string", "minLength": least, "maxLength": most, **more}


def whole(low: int, high: int) -> Schema:
    """A whole number in [low, high]."""
    return {"type": "integer", "minimum": low, "maximum": high}


def number(low: float, high: float) -> Schema:
    """A number in [low, high]."""
    return {"type": "number", "minimum": low, "maximum": high}


def choice(*names: str) -> Schema:
    """One of some words."""
    return {"type": "string", "enum": list(names)}


def listed(items: Schema, least: int, most: int) -> Schema:
    """So many of something."""
    return {"type": "array", "items": items, "minItems": least, "maxItems": most}


def record(needed: Mapping[str, Schema], **more: Schema) -> Schema:
    """An object of these fields, the first of which it must have, and no other."""
    return {"type": "object", "properties": {**needed, **more}, "required": list(needed),
            "additionalProperties": False}  # fmt: skip


SEED = whole(0, SEEDS - 1)


def checked(value: Any, schema: Schema, place: str) -> Any:
    """The value, a whole number as `int`.

    Raises:
        Refusal: It is not as its schema says.
    """
    kind = schema["type"]
    if kind in ("integer", "number"):
        return _checked_number(value, schema, place)
    if not isinstance(value, KINDS[kind]):
        raise wrong(place, IN_WORDS[kind], value)
    if kind == "string":
        _check_text(value, schema, place)
    elif kind == "array":
        _check_length(value, schema.get("minItems", 0), schema.get("maxItems", math.inf), place, "item")
        return [checked(item, schema["items"], f"{place}[{k}]") for k, item in enumerate(value)]
    elif kind == "object" and "properties" in schema:
        return _checked_record(value, schema, place)
    elif kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return {name: checked(item, schema["additionalProperties"], f"{place} {_shown(name)}")
                for name, item in value.items()}  # fmt: skip
    return value


def _checked_number(value: Any, schema: Schema, place: str) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = is_number and schema["minimum"] <= value <= schema["maximum"]  # never NaN
    if not fits or (schema["type"] == "integer" and value != int(value)):
        raise wrong(place, f"{IN_WORDS[schema['type']]} in [{schema['minimum']}, {schema['maximum']}]", value)
    return int(value) if schema["type"] == "integer" else value


def _check_text(value: str, schema: Schema, place: str) -> None:
    if "enum" in schema and value not in schema["enum"]:
        raise wrong(place, f"one of {', '.join(schema['enum'])}", value)
    _check_length(value, schema.get("minLength", 0), schema.get("maxLength", math.inf), place, "character")
    if "pattern" in schema and not re.fullmatch(schema["pattern"], value):
        raise wrong(place, schema.get("title", f"text of the pattern {schema['pattern']}"), value)


def _check_length(value: str | list, least: int, most: float, place: str, unit: str) -> None:
    if not least <= len(value) <= most:
        bounds = f"{most:,}" if least == most else f"{least} to {most:,}" if least else f"at most {most:,}"
        units = unit if most == 1 else f"{unit}s"
        raise Refusal(400, f"{place}: expected {bounds} {units}, received {len(value):,}; change it")


def _checked_record(value: dict, schema: Schema, place: str) -> dict:
    missing = [name for name in schema["required"] if name not in value]
    if missing:
        raise Refusal(400, f"{place}: expected {', '.join(schema['required'])}, received no {missing[0]}; add it")
    refuse_unknown(value, schema["properties"], f"{place}: ")
    return {name: checked(item, schema["properties"][name], f"{place}.{name}") for name, item in value.items()}


def refuse_unknown(names: Iterable[str], known: Iterable[str], place: str = "") -> None:
    """Refuses a field that is not known: it would change nothing, and who sent it meant something by it."""
    for name in names:
        if name not in known:
            hint = did_you_mean(name[:SHOWN], known)
            raise Refusal(400, f"{place}expected the fields {', '.join(known) or 'none'}, received {_shown(name)}{hint}"
                               f"; leave it out")  # fmt: skip


def wrong(place: str, expected: str, value: Any) -> Refusal:
    """The refusal of a value that is not what was expected."""
    return Refusal(400, f"{place}: expected {expected}, received {_shown(value)}; change it")


def _shown(value: Any) -> str:
    """A value for a message, cut short."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    said = repr(value[: SHOWN + 1] if isinstance(value, str) else value)
    return said if len(said) <= SHOWN + 2 else f"{said[:SHOWN]}..."


def taken(fields: Iterable[Field], received: Mapping[str, Any]) -> dict[str, Any]:
    """Every field's value, checked, or its default.

    Args:
        received: A JSON object.

    Raises:
        Refusal: One is unknown, missing or wrong.
    """
    known = {field.name: field for field in fields}
    refuse_unknown(received, known)
    values = {}
    for name, field in known.items():
        value = received.get(name)
        if value is None and field.required:
            raise Refusal(400, f"{name}: expected {IN_WORDS[field.schema['type']]}, received none; add it")
        values[name] = field.default if value is None else checked(value, field.schema, name)
    return values


def from_address(fields: Iterable[Field], given: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """A JSON object of the names and values of an address.

    Numbers and lists of numbers, `2,5`, are as they read, objects are JSON.

    Raises:
        Refusal: One is given twice, unknown, or reads otherwise.
    """
    known = {field.name: field for field in fields if not field.in_body_only}
    received: dict[str, Any] = {}
    for name, value in given:
        refuse_unknown([name], known)
        if name in received:
            raise Refusal(400, f"{name}: expected one value, received several; leave all but one out")
        received[name] = _read_text(value, known[name].schema, name)
    return received


def _read_text(value: str, schema: Schema, place: str) -> Any:
    kind = schema["type"]
    if kind == "string":
        return value
    if kind == "array":
        items = value.removeprefix("[").removesuffix("]").split(",")
        return [_read_text(item.strip(), schema["items"], place) for item in items]
    if kind == "object":
        return parse_json(value, place)
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    if (kind == "integer" and WHOLE.fullmatch(value)) or (kind == "number" and DECIMAL.fullmatch(value)):
        return int(value) if kind == "integer" else float(value)
    raise wrong(place, IN_WORDS[kind], value)


def parse_json(content: str | bytes, place: str) -> Any:
    """What JSON says, in UTF-8; NaN and infinity are none.

    Raises:
        Refusal: It is no JSON.
    """
    try:
        return json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError):  # also of bytes in no Unicode, and of numbers of thousands of digits
        raise Refusal(400, f"{place}: expected JSON, received something else; send it anew") from None


def _no_number(word: str) -> None:
    raise ValueError(word)
