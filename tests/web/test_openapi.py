"""The public part answers as its description says, whatever is sent to it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from schemathesis import checks
from schemathesis.schemas import BaseSchema

from moderation.web import openapi
from tests.conftest import BASE_URL, PAGE

pytestmark = pytest.mark.sqlite_only

#: Blueprints whose every address is described, and what of them is for people alone.
PUBLIC = ("submissions", "published", "receipts", "openapi", "operations")
FOR_PEOPLE = {"/", "/robots.txt"}
CHECKED = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
checks.load_all_checks()
CHECKS = [checks.CHECKS.get_one(name) for name in CHECKED]


def described(app: Flask) -> dict[str, dict[str, dict[str, object]]]:
    found = app.test_client().get("/openapi.json")
    assert found.headers["Access-Control-Allow-Origin"] == "*"
    paths: dict[str, dict[str, dict[str, object]]] = found.get_json()["paths"]
    return paths


def test_every_public_address_is_described_with_its_methods(app: Flask) -> None:
    there = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule).replace("{key}", "{site}"), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] in PUBLIC
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    said = {(path, method) for path, methods in described(app).items() for method in methods}
    assert said == {(path, method) for path, method in there if path not in FOR_PEOPLE}


def test_it_says_where_the_service_is(app: Flask) -> None:
    document = app.test_client().get("/openapi.json").get_json()
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": BASE_URL}]


@pytest.fixture
def schema(app: Flask, site: str) -> BaseSchema:
    return schemathesis.openapi.from_wsgi("/openapi.json", app)


@pytest.mark.parametrize(
    "operation",
    [f"{method.upper()} {path}" for path, methods in openapi.paths().items() for method in methods],
)
def test_nothing_sent_to_it_breaks_it_or_gets_an_answer_that_is_not_described(
    schema: BaseSchema, operation: str, reply: Callable[..., Any]
) -> None:
    method, _, path = operation.partition(" ")
    token = reply().get_json()["receipt"].rpartition("/")[2]

    @settings(max_examples=25, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=schema[path][method].as_strategy())
    def send(case: schemathesis.Case) -> None:
        # Of a site and a page that are not there everything is unknown: mostly it is asked for those that are.
        if len(case.path_parameters.get("site", "")) % 4:
            case.path_parameters["site"] = "courier"
        if len(case.path_parameters.get("token", "")) % 4:
            case.path_parameters["token"] = token
        if len(str(case.query.get("page", ""))) % 3:
            case.query["page"] = PAGE
        case.call_and_validate(checks=CHECKS, headers={"Accept-Encoding": "identity"})

    send()
