"""api/openapi.yaml against the server: routes, scopes, examples, and requests that are made from its schemas."""
import json
import re

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import conftest
from made import mutated, values

DESCRIPTION = conftest.DESCRIPTION
DOCUMENT = DESCRIPTION.document
OPERATIONS = list(DESCRIPTION.operations())
NAMES = [f"{method.upper()} {path}" for method, path, _ in OPERATIONS]


# -- the description itself

def server_routes():
    """(method, path, scope) of the rows in the server's table of routes."""
    source = (conftest.ROOT / "src/api/api.c").read_text()
    defined = dict(re.findall(r'^#define (\w+) (".*")$', source, re.M))
    text = re.search(r"^static const struct route routes\[\] = \{\n(.*?)^\};", source, re.M | re.S)[1]
    for row in re.findall(r"\{(.*?)\},\n", re.sub(r"\n {5,}", " ", text)):
        method, path, resource, action = [cell.strip() for cell in row.split(",")][:4]
        for name, value in defined.items():
            path = re.sub(rf"\b{name}\b", value, path)
            resource = re.sub(rf"\b{name}\b", value, resource)
        path = "".join(re.findall(r'"(.*?)"', path))
        scope = None if resource == "NULL" else f"{json.loads(resource)}:{json.loads(action)}"
        yield json.loads(method), path, scope


def test_routes_and_scopes_are_those_of_the_server():
    described = set()
    for method, path, operation in OPERATIONS:
        scopes = [scope for need in operation["security"] for scope in need["ApiKey"]]
        assert len(scopes) <= 1
        described.add((method.upper(), re.sub(r"\{\w+\}", "{}", path.replace("{path}", "{*}")), scopes[0] if scopes else None))
    assert set(server_routes()) == described


def test_the_server_and_the_command_line_say_the_same(dfyd, cli):
    response = dfyd.request("GET", "/openapi.json", auth=False)
    assert response.json() == DOCUMENT == json.loads(cli("openapi").stdout)
    again = dfyd.request("GET", "/openapi.json", auth=False, headers={"If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304 and again.text == ""


def examples(content):
    """(name, value) of each example of a media type, body or parameter."""
    if "example" in content:
        yield "example", content["example"]
    for name, example in content.get("examples", {}).items():
        yield name, example["value"]


@pytest.mark.parametrize("method,path,operation", OPERATIONS, ids=NAMES)
def test_every_call_has_examples_and_they_fit_their_schemas(method, path, operation):
    def check(what, content, closed):
        found = list(examples(content))
        assert found or content["schema"] == {"type": "string"}, f"{what} has no example"
        for name, value in found:
            assert DESCRIPTION.errors(content["schema"], value, closed) == [], f"{what}, {name}"

    for parameter in DESCRIPTION.parameters(path, operation):
        check(parameter["name"], parameter, False)
    if "requestBody" in operation:
        for kind, content in operation["requestBody"]["content"].items():
            check(f"the request body as {kind}", content, True)
    for status, response in operation["responses"].items():
        response = DESCRIPTION.resolve(response)
        assert response["description"]
        for kind, content in response.get("content", {}).items():
            check(f"{status} {kind}", content, True)
        assert response.get("content") or status in ("204", "304"), f"{status} has no body"


def test_operation_ids_are_unique_and_references_resolve():
    ids = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(ids) == len(set(ids))

    used, pending = set(), [DOCUMENT["paths"]]
    while pending:
        node = pending.pop()
        if isinstance(node, dict) and isinstance(node.get("$ref"), str):
            if node["$ref"] not in used:
                used.add(node["$ref"])
                pending.append(DESCRIPTION.resolve(node))
        elif isinstance(node, dict):
            pending += node.values()
        elif isinstance(node, list):
            pending += node
    components = {f"#/components/{kind}/{name}" for kind, parts in DOCUMENT["components"].items()
                  for name in parts if kind != "securitySchemes"}
    assert used == components


# -- what every other test is held to (conftest.Server.request)

def judge(status=200, body=None, method="GET", path=conftest.ORDERS, **more):
    headers = {"content-type": "application/json; charset=utf-8", "x-request-id": "0199a3c1-5f1e-7cc3-98f2-3f0e5a1b2c3d", **more}
    body = {"items": []} if body is None else body
    return DESCRIPTION.judge(method, path, status, conftest.requests.structures.CaseInsensitiveDict(headers), json.dumps(body))


def test_answers_that_are_not_described_are_found():
    assert judge() == []
    assert judge(418) and judge(405)
    assert judge(body={"items": [], "total": 0}) and judge(body={}) and judge(body={"items": [{}]})
    assert judge(**{"content-type": "application/json"}) and judge(**{"x-extra": "1"})
    assert judge(path="/api/v2/nothing") and judge(method="PUT")
    order = {"workspace_id": "0199a3c1-5f1e-7cc3-98f2-3f0e5a1b2c3d", "domain": "a.com", "timestamp_created": "2026-03-05T23:09:47.406Z"}
    assert judge(body={"items": [order]}) == []
    assert judge(body={"items": [{**order, "timestamp_created": "2026-03-05T23:09:47Z"}]})
    assert judge(body={"items": [{**order, "forwarding_mode": "proxy"}]})
    assert judge(404, {"statusCode": 404, "error": "Not found", "message": ""})


# -- the page

def test_docs_needs_nothing_from_elsewhere(dfyd):
    page = dfyd.request("GET", "/docs", auth=False)
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in page.headers["Content-Security-Policy"] and "unsafe" not in page.headers["Content-Security-Policy"]
    parts = re.findall(r'(?:src|href)="(.*?)"', page.text)
    assert "openapi.json" in parts
    assert not re.search(r"<script(?! src=)|<style| style=| on\w+=", page.text)
    for part in parts:
        answer = dfyd.request("GET", "/" + part, auth=False)
        assert answer.status_code == 200 and answer.content, part
        assert dfyd.request("HEAD", "/" + part, auth=False).status_code == 200
    assert dfyd.request("GET", "/docs/nothing.js", auth=False).status_code == 404
    assert dfyd.request("GET", "/docs/", auth=False).status_code == 404


# -- requests made from the description

# What a request may be refused for by its form alone.
FORM = re.compile(r"(body|querystring|params|headers)[/ ]")
SKIPPED = {"/readyz", "/healthz", "/openapi.json", "/docs", "/docs/{file}", "/", "/console/{path}", "/sandbox/checkout/{reference}",
           "/api/dfyd/v1/events"}  # a stream, which has no end; tests/api/test_events.py
CALLED = [(method, path, operation) for method, path, operation in OPERATIONS if path not in SKIPPED]
BOUNDED = settings(max_examples=25, derandomize=True, deadline=None, database=None, phases=[Phase.generate],
                   suppress_health_check=list(HealthCheck))


def send(server, method, path, operation, data, change):
    """A request made from the description, with one thing of it changed if CHANGE."""
    query, body, headers = {}, None, {}
    for parameter in DESCRIPTION.parameters(path, operation):
        if parameter["in"] == "header":
            headers |= {parameter["name"]: parameter["example"]} if parameter.get("required") else {}
            continue
        value = values(DESCRIPTION, parameter["schema"])
        if parameter["in"] == "path":
            path = path.replace("{%s}" % parameter["name"], conftest.requests.utils.quote(data.draw(value), safe=""))
        elif parameter["in"] == "query" and data.draw(st.booleans()):
            query[parameter["name"]] = data.draw(st.text(max_size=8) if change else value.map(
                lambda v: json.dumps(v) if isinstance(v, (bool, int, float)) else v))
    kw = {"headers": headers}
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        if operation["requestBody"]["required"] or data.draw(st.booleans()):
            body = data.draw(values(DESCRIPTION, schema))
            if change:
                body = data.draw(mutated(body))
            kw = {"data": json.dumps(body).encode(), "headers": {**headers, "Content-Type": "application/json"}}
    return server.request(method.upper(), path, params=query, **kw), query, body


@pytest.mark.parametrize("method,path,operation", CALLED, ids=[f"{m.upper()} {p}" for m, p, _ in CALLED])
def test_requests_from_the_schemas_are_understood(open_server, method, path, operation):
    @BOUNDED
    @given(st.data())
    def run(data):
        response, query, body = send(open_server, method, path, operation, data, False)
        assert response.status_code < 500, response.text
        if response.status_code == 400:
            message = response.json()["message"]
            cursor = "starting_after" in query or "date" in str(query)
            assert cursor or not re.match(r"(body|querystring|params)\S* must (have|be|NOT|match)", message), (message, query, body)

    run()


@pytest.mark.parametrize("method,path,operation", CALLED, ids=[f"{m.upper()} {p}" for m, p, _ in CALLED])
def test_changed_requests_are_answered_as_described(open_server, method, path, operation):
    @BOUNDED
    @given(st.data())
    def run(data):
        response, _, _ = send(open_server, method, path, operation, data, True)
        assert response.status_code < 500, response.text

    run()


@pytest.fixture(scope="module")
def open_server(tmp_path_factory):
    """A server whose limits are out of the way, with a workspace that cannot pay: nothing is placed."""
    server = conftest.Server(tmp_path_factory.mktemp("made"))
    server.start()
    server.cli("card", "remove")
    server._key = server.cli("key", "create", "--scope", "all:all", "--operator").strip()  # which may call everything
    yield server
    server.stop()
