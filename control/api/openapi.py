"""The OpenAPI description of the API, derived from the help of the `dm` commands."""

from collections.abc import Iterable
from importlib.metadata import version

from control.api.endpoints import Endpoint, Parameter

Json = dict[str, object]
EXIT_CODE = "Dm-Exit-Code"


def description(endpoints: Iterable[Endpoint]) -> Json:
    """Return an OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "dm",
            "version": version("lakehouse-in-a-box"),
            "description": "Each path runs the `dm` command of the same words and returns its JSON output.",
        },
        "security": [{"token": []}],
        "paths": {endpoint.path: {endpoint.method.lower(): _operation(endpoint)} for endpoint in endpoints},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Problem": _PROBLEM},
        },
    }


_PROBLEM: Json = {
    "type": "object",
    "required": ["status", "title", "detail", "hint", "retryable"],
    "properties": {
        "status": {"type": "integer"},
        "title": {"type": "string"},
        "detail": {"type": "string", "description": "What happened, and to what."},
        "hint": {"type": "string", "description": "What to try."},
        "retryable": {"type": "boolean"},
    },
}


def _operation(endpoint: Endpoint) -> Json:
    operation: Json = {
        "operationId": "_".join(endpoint.words),
        "tags": [endpoint.words[0]],
        "summary": endpoint.summary,
        "description": endpoint.help,
        "responses": {
            "200": {
                "description": f"The command's output. {EXIT_CODE} is 1 if it reports a finding.",
                "headers": {EXIT_CODE: {"schema": {"type": "integer", "enum": [0, 1]}}},
                "content": {"application/json": {}},
            },
            "default": {
                "description": "The command failed.",
                "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
            },
        },
    }
    if endpoint.method == "GET":
        operation["parameters"] = [
            {
                "name": parameter.name,
                "in": "query",
                "required": parameter.required,
                "description": parameter.help,
                "schema": _schema(parameter),
            }
            for parameter in endpoint.parameters
        ]
    elif endpoint.parameters:
        needed = [parameter.name for parameter in endpoint.parameters if parameter.required]
        operation["requestBody"] = {
            "required": bool(needed),
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": needed,
                        "properties": {
                            parameter.name: {**_schema(parameter), "description": parameter.help}
                            for parameter in endpoint.parameters
                        },
                    }
                }
            },
        }
    return operation


def _schema(parameter: Parameter) -> Json:
    if parameter.kind == "array":
        return {"type": "array", "items": {"type": "string"}}
    choices: Json = {"enum": list(parameter.choices)} if parameter.choices else {}
    return {"type": parameter.kind, **choices}
