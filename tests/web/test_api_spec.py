"""The OpenAPI document: true to what the API does, tried with generated requests, and always the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from helpdesk import accounts, errors
from helpdesk.errors import HelpdeskError
from helpdesk.house import House
from helpdesk.web import api
from helpdesk.web.api import problems
from helpdesk.web.api.layer import Operation

CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CASES = 40  #: for each of the operations


def described(client: TestClient) -> dict[str, Any]:
    response = client.get("/api/openapi.json")
    assert response.status_code == 200
    document: dict[str, Any] = response.json()
    return document


def test_the_document_names_every_operation(client: TestClient) -> None:
    document = described(client)
    assert document["openapi"].startswith("3.1")
    named = {(method, path) for path, item in document["paths"].items() for method in item}
    assert named == {(one.method.lower(), f"/api/v1{one.path}") for one in api.OPERATIONS}
    create = document["paths"]["/api/v1/tickets"]["post"]
    assert {"201", "400", "401", "403", "409", "413", "415", "422", "429", "500", "503"} == set(create["responses"])
    assert [one["name"] for one in create["parameters"]] == ["Idempotency-Key"]
    assert document["components"]["securitySchemes"]["token"] == {"type": "http", "scheme": "bearer"}


def test_every_reference_leads_somewhere(client: TestClient) -> None:
    document = described(client)
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}

    def references(node: Any) -> set[str]:
        if isinstance(node, dict):
            own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
            return own.union(*(references(value) for value in node.values()))
        return set().union(*(references(value) for value in node)) if isinstance(node, list) else set()

    assert references(document) <= schemas


def test_the_document_is_always_the_same(client: TestClient) -> None:
    """Also from another process, whose sets come in another order."""
    words = "import sys; from helpdesk.web import api; from helpdesk.web.api import spec; "
    code = words + "sys.stdout.buffer.write(spec.document(api.OPERATIONS))"
    for seed in ("1", "2"):
        made = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        )
        assert made.stdout == client.get("/api/openapi.json").content


REFERENCE = (Path(api.__file__).parents[3] / "docs" / "reference" / "api.md").read_text()


@pytest.mark.parametrize("operation", api.OPERATIONS, ids=lambda operation: operation.name)
def test_the_reference_names_every_operation_and_what_it_takes(operation: Operation) -> None:
    assert f"`{operation.method} {operation.path}`" in REFERENCE
    for shape in (operation.body, operation.query, operation.answer):
        for name in shape.model_fields if shape else ():
            assert f"`{name}`" in REFERENCE, f"{operation.name}: {name}"


def kinds(of: type[HelpdeskError]) -> set[type[HelpdeskError]]:
    return {of}.union(*(kinds(sub) for sub in of.__subclasses__()))


def test_the_reference_explains_every_kind_of_problem() -> None:
    ours = {kind for kind in kinds(HelpdeskError) if kind.__module__ in (errors.__name__, problems.__name__)}
    for kind in ours - {errors.ConfigError}:
        assert f"| `{kind.code.replace('_', '-')}` | {kind.status} |" in REFERENCE, kind


@pytest.mark.parametrize("options", [{"api_per_minute": 1_000_000}])
def test_generated_requests_get_what_the_document_promises(house: House) -> None:
    bearer = house.database.work(lambda session: accounts.add_token(session, "schemathesis", "admin"))
    headers = {"Authorization": f"Bearer {bearer}"}
    application = Starlette(routes=[Mount("/api", routes=api.routes())])
    application.state.house = house
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", application)
    made = TestClient(application).post("/api/v1/tickets", json={"text": "Hilfe"}, headers=headers).json()["number"]
    tried = sum(attack(operation.ok(), headers, made) for operation in schema.get_all_operations())
    assert tried >= 300


def attack(operation: Any, headers: dict[str, str], number: str) -> int:
    """Sends generated cases, every second one with the number of a ticket that exists. How many."""
    tried = 0

    @settings(
        max_examples=CASES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    @given(case=operation.as_strategy())
    def run(case: Any) -> None:
        nonlocal tried
        tried += 1
        if tried % 2 and case.path_parameters:
            case.path_parameters["number"] = number
        case.call_and_validate(headers=headers, checks=CHECKS)

    run()
    return tried
