"""openapi.json, made of the table that requests are checked by."""

from typing import Any

from web_fields import Field, Schema, record
from web_routes import HEALTH_ANSWER, MODELS_ANSWER, NUMBER, ROUTES, Route

REFUSALS = {
    "400": "a field is wrong",
    "405": "the method is another",
    "408": "it took too long",
    "413": "the body or a picture is too large",
    "415": "the body is no JSON, or a picture of an unknown kind",
    "422": "it is understood, but cannot be done",
    "429": "too many requests",
}
ERROR = {"$ref": "#/components/schemas/Error"}


def openapi(version: str) -> dict[str, Any]:
    """The description of the API, OpenAPI 3.1."""
    paths = {f"/api/{route.name}": {method.lower(): _operation(route, method) for method in route.methods}
             for route in ROUTES}  # fmt: skip
    paths["/api/models"] = {"get": _told("models", "What models and sources there are.", MODELS_ANSWER)}
    paths["/api/health"] = {"get": _told("health", "Whether the server answers.", HEALTH_ANSWER)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Scriptorium", "version": version, "description": "Reads, typesets and writes by hand."},
        "paths": paths,
        "components": {"schemas": {"Error": record({"error": {"type": "string", "minLength": 1}})}},
    }


def _operation(route: Route, method: str) -> dict[str, Any]:
    operation = _told(f"{route.name}_{method.lower()}", route.said, route.answer | {"seconds": NUMBER}, REFUSALS)
    if method == "GET":
        return operation | {"parameters": [_parameter(field) for field in route.fields if not field.in_body_only]}
    return operation | {"requestBody": {"required": True, "content": _json(_body(route))}}


def _told(name: str, said: str, answer: dict[str, Schema], refusals: dict[str, str] | None = None) -> dict[str, Any]:
    answers = {"200": {"description": "The answer.", "content": _json(record(answer))}}
    refused = {status: {"description": words.capitalize() + ".", "content": _json(ERROR)}
               for status, words in (refusals or {"429": REFUSALS["429"]}).items()}  # fmt: skip
    return {"operationId": name, "summary": said, "responses": answers | refused}


def _json(schema: Schema) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _body(route: Route) -> Schema:
    fields = {field.name: field.described() for field in route.fields}
    return record({}, **fields) | {"required": [field.name for field in route.fields if field.required]}


def _parameter(field: Field) -> dict[str, Any]:
    """A field as a part of the address: objects are JSON, lists `2,5`."""
    told = {"name": field.name, "in": "query", "description": field.said, "required": field.required}
    if field.schema["type"] == "object":
        return told | {"content": _json(field.schema)}
    default = {} if field.default is None else {"default": field.default}
    listed = {"style": "form", "explode": False} if field.schema["type"] == "array" else {}
    return told | listed | {"schema": field.schema | default}
