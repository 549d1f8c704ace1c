"""`postern collection`: what is in it, and that both programs get the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import orjson
import pytest

from cli.collecting.bruno import bruno
from cli.collecting.model import Collection, Form, Json, Request, Saved
from cli.collecting.postman import postman
from cli.collecting.standing_in import StandIns
from cli.collection import everything
from gateway.http.routes import ROUTES
from tests.unit.cli.bru import Bru, parse_bru
from tests.unit.cli.conftest import Postern
from vendors.examples import FRESH, Variable
from vendors.registry import VENDORS

SET_BY_SCRIPTS = {*FRESH, "webhook_timestamp", "webhook_signature"}
_VARIABLE = re.compile(r"\{\{(\w+)\}\}")


@pytest.fixture(scope="module")
def collection() -> Collection:
    return everything()


@pytest.fixture(scope="module")
def requests(collection: Collection) -> dict[str, Request]:
    return {request.name: request for request in collection.requests()}


def postman_items(node: dict[str, Any]) -> list[dict[str, Any]]:
    if "item" not in node:
        return [node]
    return [found for each in node["item"] for found in postman_items(each)]


def bruno_requests(files: dict[str, str]) -> dict[str, Bru]:
    parsed = [parse_bru(text) for name, text in files.items() if name.endswith(".bru")]
    return {it.fields("meta")["name"]: it for it in parsed if "tests" in it.blocks}


def test_every_route_and_every_operation_is_there(requests: dict[str, Request]) -> None:
    urls = {(it.method, it.url) for it in requests.values()}
    for route in (each for each in ROUTES if each.advertised):
        pattern = re.sub(r"\{\w+\}", r"{{\\w+}}", route.path)
        whole = re.compile(r"\{\{postern_url\}\}" + pattern)
        assert any(method == route.method and whole.fullmatch(url) for method, url in urls), route
    for vendor in VENDORS.values():
        assert set(vendor.operations) <= set(requests)


def test_every_request_says_what_it_is_and_where_that_is_written(
    requests: dict[str, Request],
) -> None:
    for request in requests.values():
        assert request.description.splitlines()[0]
        assert "Source: " in request.description, request.name


def test_names_are_used_once(collection: Collection) -> None:
    """What a run reports must be found again."""
    names = [it.name for it in collection.requests()]
    assert len(set(names)) == len(names)


def test_every_variable_that_is_used_is_known(collection: Collection) -> None:
    used = set(_VARIABLE.findall(postman(collection))) - {"guid"}
    assert used <= set(collection.variables) | SET_BY_SCRIPTS


def test_a_json_body_holds_numbers_where_the_vendor_wants_numbers(
    requests: dict[str, Request],
) -> None:
    """The variable of a number stands without quotes, that of a text with them."""
    body = requests["profiles/get"].body
    assert isinstance(body, Json)
    assert '"db_id": {{db_id}}' in body.text
    assert '"profile_id": "{{profile_id}}"' in body.text
    assert '"token": "{{token}}"' in body.text


def test_a_form_holds_what_the_vendor_gets(requests: dict[str, Request]) -> None:
    """Under the vendor's names, with variables, the tag too."""
    body = requests["send"].body
    assert body == Form(
        fields={
            "token": "{{sms_token}}",
            "sendto": "{{phone}}",
            "body": "Your order 1001 is being packed.",
            "device_id": "{{device_id}}",
            "customerid": "{{tag}}",
        }
    )


def test_a_login_shows_variables_only(requests: dict[str, Request]) -> None:
    login = Form(fields={"email": "{{sms_email}}", "pass": "{{sms_password}}"})
    assert requests["gettoken"].body == login


def test_no_stand_in_is_left(collection: Collection) -> None:
    """The large numbers that stand in for variables while a request is made."""
    assert not re.search(r"\d{16}", postman(collection))


def test_a_repeated_request_is_a_new_one(requests: dict[str, Request]) -> None:
    """With the same id a provider would answer from its memory."""
    headers = requests["vsenders/clone"].headers
    assert headers["Request-ID"] == headers["X-Request-ID"] == "{{request_id}}"


def test_what_one_request_makes_is_used_by_a_later_one(collection: Collection) -> None:
    """Nothing is saved for nobody."""
    made: set[str] = set()
    used: set[str] = set()
    for request in collection.requests():
        for name in _VARIABLE.findall(f"{request.url} {request.headers} {request.body}"):
            used |= {name} & made
        made |= {it.variable for it in request.saves}
    assert made == used
    assert {"event_ref", "profile_id", "copied_vsender_id", "suplist_id", "sms_id"} <= used


def test_postman_gets_every_request_with_tests_and_a_description(collection: Collection) -> None:
    content = orjson.loads(postman(collection))
    assert content["info"]["schema"].endswith("/v2.1.0/collection.json")
    items = postman_items(content)
    assert [it["name"] for it in items] == [it.name for it in collection.requests()]
    for item in items:
        (tests,) = [it for it in item["event"] if it["listen"] == "test"]
        assert any("HTTP " in line for line in tests["script"]["exec"])
        assert item["request"]["description"]
        url = item["request"]["url"]
        assert "/".join([*url["host"], *url["path"]]) == url["raw"]


def test_every_vendors_answer_is_looked_into(collection: Collection) -> None:
    """HTTP 200 says little with them: `error` has to be 0."""
    operations = {name for vendor in VENDORS.values() for name in vendor.operations}
    for item in postman_items(orjson.loads(postman(collection))):
        if item["name"] in operations:
            (tests,) = [it for it in item["event"] if it["listen"] == "test"]
            assert "body.error" in "\n".join(tests["script"]["exec"]), item["name"]


def test_bruno_gets_what_postman_gets(collection: Collection) -> None:
    """The same methods, addresses, headers and bodies."""
    parsed = bruno_requests(bruno(collection))
    items = postman_items(orjson.loads(postman(collection)))
    assert set(parsed) == {it["name"] for it in items}
    for item in items:
        request, bru = item["request"], parsed[item["name"]]
        method = request["method"].lower()
        assert bru.fields(method)["url"] == request["url"]["raw"]
        headers = {it["key"]: it["value"] for it in request["header"]}
        written = bru.fields("headers") if "headers" in bru.blocks else {}
        assert written == {k: v for k, v in headers.items() if not k.startswith("webhook-")}
        body = request.get("body", {"mode": "none"})
        match body["mode"]:
            case "raw":
                assert bru.fields(method)["body"] == "json"
                assert bru.text("body:json") == body["raw"]
            case "urlencoded":
                assert bru.fields(method)["body"] == "formUrlEncoded"
                fields = {it["key"]: it["value"] for it in body["urlencoded"]}
                assert bru.fields("body:form-urlencoded") == fields
            case _:
                assert bru.fields(method)["body"] == "none"


def test_bruno_tests_and_saves_what_postman_does(collection: Collection) -> None:
    parsed = bruno_requests(bruno(collection))
    for request in collection.requests():
        bru = parsed[request.name]
        assert f"HTTP {request.status}" in bru.text("tests")
        assert bru.text("docs") == request.description
        saved = bru.fields("vars:post-response") if request.saves else {}
        assert set(saved) == {it.variable for it in request.saves}


def test_bruno_runs_them_in_the_same_order(collection: Collection) -> None:
    """Within each folder by `seq`."""
    files = bruno(collection)
    folders: dict[str, list[int]] = {}
    for name, text in files.items():
        if name.endswith(".bru") and "meta" in (bru := parse_bru(text)).blocks:
            place = name.removesuffix("/folder.bru").rpartition("/")[0]
            folders.setdefault(place, []).append(int(bru.fields("meta")["seq"]))
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in folders.values())


def test_bruno_gets_every_variable(collection: Collection) -> None:
    files = bruno(collection)
    assert orjson.loads(files["bruno.json"])["type"] == "collection"
    variables = parse_bru(files["environments/sandbox.bru"]).fields("vars")
    assert variables == {name: str(it.value) for name, it in collection.variables.items()}


def test_where_an_answer_holds_a_value_is_written_as_javascript() -> None:
    assert Saved(variable="x", path="result.0.id").expression == ".result[0].id"


def test_variables_are_put_back_as_a_whole_only() -> None:
    """A text that only holds what stands in for a variable stays as it is."""
    stand_ins = StandIns({"currency": Variable(value="EUR", meaning="")}, numbers=("tag",))
    tag = stand_ins.values["tag"]
    written = f'{{"a": "EUR", "b": "EUROPE", "c": {tag}}}'
    assert stand_ins.named(written) == '{"a": "{{currency}}", "b": "EUROPE", "c": {{tag}}}'
    assert stand_ins.named_field("EUR") == "{{currency}}"


def test_the_command_needs_no_configuration(postern: Postern) -> None:
    """In an empty directory, without a setting, and to standard output."""
    done = postern("collection", "--format", "postman")
    assert done.code == 0
    assert orjson.loads(done.out)["item"]
    to_file = postern("collection", "--format", "postman", "--output", "it.json")
    assert (to_file.code, to_file.out) == (0, "")
    assert Path("it.json").read_text() == done.out


def test_bruno_is_written_to_a_directory_of_its_own(postern: Postern) -> None:
    """Over nothing: what an older collection left would be run too."""
    assert postern("collection", "--format", "bruno").code == 2
    assert postern("collection", "--format", "bruno", "--output", "shop").code == 0
    assert Path("shop/bruno.json").exists()
    again = postern("collection", "--format", "bruno", "--output", "shop")
    assert again.code != 0
    assert "not an empty directory" in again.err
