"""The reference's structure (tests/reference), api/openapi.yaml and docs/compatibility.md: what the first has, the others have."""
import json
import re

import pytest

import conftest

REFERENCE = json.loads((conftest.ROOT / "tests/reference/2026-08.json").read_text())
DESCRIPTION = conftest.DESCRIPTION
METHODS = ("get", "post", "put", "patch", "delete")
CALLS = [(method, path) for path, item in REFERENCE["paths"].items() for method in METHODS if method in item]
NAMES = [f"{method.upper()} {path}" for method, path in CALLS]


class Schemas:
    """Two documents' schemas side by side: what every value of the one must be to the other."""

    def __init__(self, outer, inner):
        self.documents = {"outer": outer, "inner": inner}

    def resolve(self, which, schema):
        while "$ref" in schema:
            node = self.documents[which]
            for part in schema["$ref"][2:].split("/"):
                node = node[part]
            schema = node
        return schema

    def alternatives(self, which, schema):
        """SCHEMA as a list of schemas with one type each."""
        schema = self.resolve(which, schema)
        if "anyOf" in schema:
            return [one for part in schema["anyOf"] for one in self.alternatives(which, part)]
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return [{**schema, "type": "number" if word == "integer" and which == "inner" else word} for word in types]

    def fits(self, inner, outer, at):
        """What INNER allows and OUTER does not, as lines."""
        outers = {one["type"]: one for one in self.alternatives("outer", outer)}
        wrong = []
        for one in self.alternatives("inner", inner):
            other = outers.get(one["type"])
            if other is None and one["type"] == "number":
                other = outers.get("integer")
            if other is None:
                wrong.append(f"{at}: {one['type']} is not allowed")
                continue
            if one["type"] == "null":
                continue
            if "enum" in other or "const" in other:
                words = one.get("enum", [one["const"]] if "const" in one else None)
                allowed = other.get("enum", [other.get("const")])
                if words is None or set(map(json.dumps, words)) - set(map(json.dumps, allowed)) - {"null"}:
                    wrong.append(f"{at}: a value outside {allowed}")
            if one["type"] == "array":
                wrong += self.fits(one["items"], other["items"], at + "[]")
            if one["type"] == "object":
                wrong += self.fits_object(one, other, at)
        return wrong

    def fits_object(self, inner, outer, at):
        wrong = [f"{at}: {name} may be missing" for name in set(outer.get("required", [])) - set(inner.get("required", []))]
        for name, part in inner.get("properties", {}).items():
            if name in outer.get("properties", {}):
                wrong += self.fits(part, outer["properties"][name], f"{at}.{name}")
            elif outer.get("additionalProperties") is False:
                wrong.append(f"{at}.{name} is not in the reference, which allows no others")
        return wrong


def ours(method, path):
    return DESCRIPTION.document["paths"][path][method]


def content(response):
    return response["content"]["application/json"]["schema"]


def own_events(line):
    """Events of dfyd's own are the one addition to the reference's words."""
    return "event_type" in line and "outside" in line


@pytest.mark.parametrize("method,path", CALLS, ids=NAMES)
def test_every_call_of_the_reference_is_described(method, path):
    theirs = REFERENCE["paths"][path][method]
    assert ours(method, path)["operationId"] == theirs["operationId"]
    assert set(theirs["responses"]) <= set(ours(method, path)["responses"])


@pytest.mark.parametrize("method,path", CALLS, ids=NAMES)
def test_what_the_reference_takes_is_taken(method, path):
    theirs = REFERENCE["paths"][path][method]
    to_ours = Schemas(DESCRIPTION.document, REFERENCE)
    described = {(p["in"], p["name"]): p for p in DESCRIPTION.parameters(path, ours(method, path))}
    for parameter in theirs.get("parameters", []):
        mine = described[parameter["in"], parameter["name"]]
        assert mine.get("required", False) == parameter["required"]
        assert to_ours.fits(parameter["schema"], mine["schema"], parameter["name"]) == []
    others = [p for key, p in described.items() if key not in {(p["in"], p["name"]) for p in theirs.get("parameters", [])}]
    assert all(p["in"] == "header" and not p.get("required") for p in others)
    if "requestBody" in theirs:
        body = ours(method, path)["requestBody"]
        assert to_ours.fits(content(theirs["requestBody"]), content(body), "body") == []


@pytest.mark.parametrize("method,path", CALLS, ids=NAMES)
def test_what_is_answered_is_what_the_reference_answers(method, path):
    theirs = REFERENCE["paths"][path][method]
    to_theirs = Schemas(REFERENCE, DESCRIPTION.document)
    for status, response in theirs["responses"].items():
        mine = DESCRIPTION.resolve(ours(method, path)["responses"][status])
        wrong = to_theirs.fits(content(mine), content(response), status)
        assert [line for line in wrong if not own_events(line)] == []


def fields(document, schema, at=""):
    """"items[].domain" and the like, of all properties in SCHEMA."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    for name, part in schema.get("properties", {}).items():
        yield at + name
        yield from fields(document, part, f"{at}{name}.")
    if "items" in schema:
        yield from fields(document, schema["items"], at[:-1] + "[].")


@pytest.mark.parametrize("method,path", CALLS, ids=NAMES)
def test_every_field_of_the_reference_is_described(method, path):
    """A property is described too, not only allowed."""
    def resolved(found, schema):
        return set(fields(found, schema))

    theirs = REFERENCE["paths"][path][method]
    mine = ours(method, path)
    for status, response in theirs["responses"].items():
        assert resolved(REFERENCE, content(response)) <= resolved(
            DESCRIPTION.document, content(DESCRIPTION.resolve(mine["responses"][status]))), status
    if "requestBody" in theirs:
        assert resolved(REFERENCE, content(theirs["requestBody"])) == resolved(DESCRIPTION.document, content(mine["requestBody"]))


# -- the page

def page():
    """{"METHOD path": [(place, [field, ...], supported, [test, ...])]}"""
    found, rows = {}, None
    for line in (conftest.ROOT / "docs/compatibility.md").read_text().splitlines():
        if heading := re.fullmatch(r"### `(\w+ /\S+)`", line):
            rows = found[heading[1]] = []
        elif line.startswith("#"):
            rows = None
        elif rows is not None and line.startswith("|") and not re.match(r"\|(-| where)", line):
            where, names, supported, proof = [cell.strip() for cell in line.strip("|").split("|")]
            rows.append((where, re.findall(r"`([^`]+)`", names), supported, re.findall(r"`([^`]+)`", proof)))
    return found


def test_the_page_has_every_call_and_field_once():
    shown = page()
    assert list(shown) and set(shown) == set(NAMES)
    for method, path in CALLS:
        operation = REFERENCE["paths"][path][method]
        wanted = [(p["in"], p["name"]) for p in operation.get("parameters", [])]
        wanted += [("status", status) for status in operation["responses"]]
        if "requestBody" in operation:
            wanted += [("body", name) for name in fields(REFERENCE, content(operation["requestBody"]))]
        wanted += [("answer", name) for name in fields(REFERENCE, content(operation["responses"]["200"]))]
        there = [(where, name) for where, names, _, _ in shown[f"{method.upper()} {path}"] for name in names]
        assert sorted(there) == sorted(wanted), f"{method} {path}"


def named_tests(file):
    return set(re.findall(r"^def (test_\w+)", file.read_text(), re.M)) if file.suffix == ".py" else set()


def test_every_row_of_the_page_names_its_tests():
    missing, rowless = [], []
    text = (conftest.ROOT / "docs/compatibility.md").read_text()
    for name in re.findall(r"`(test_\w+\.py(?:::\w+)?)`", text):
        file, _, test = name.partition("::")
        files = list((conftest.ROOT / "tests").glob(f"*/{file}"))
        if not files or (test and test not in named_tests(files[0])):
            missing.append(name)
    for line in text.splitlines():
        if line.startswith("|") and not re.match(r"\|(-| where| what| request)", line) and not re.search(r"`test_\w+\.py", line):
            rowless.append(line)
    assert missing == [] and rowless == []


# -- what every call checks before its own work


def example_request(method, path):
    """A request as the description's examples have it."""
    operation = ours(method, path)
    query = {}
    for parameter in DESCRIPTION.parameters(path, operation):
        if parameter["in"] == "path":
            path = path.replace("{%s}" % parameter["name"], parameter["example"])
        elif parameter["in"] == "query" and parameter["name"] == "limit":
            query["limit"] = parameter["example"]
    kw = {"params": query}
    if operation.get("requestBody", {}).get("required"):
        media = operation["requestBody"]["content"]["application/json"]
        kw["json"] = media["example"] if "example" in media else next(iter(media["examples"].values()))["value"]
    return path, kw


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A server with a workspace that may send one request a minute, one that has not paid, and keys for both and for nothing."""
    server = conftest.Server(tmp_path_factory.mktemp("guarded"), rate_limit="on", rate_per_minute=1)
    server.start()
    server.cli("workspace", "create", "--name", "unpaid", "--active", "no")
    server.keys = {
        "spent": server.cli("key", "create", "--scope", "all:all").strip(),
        "unpaid": server.cli("key", "create", "--workspace", "unpaid", "--scope", "all:all").strip(),
        "useless": server.cli("key", "create", "--scope", "leads:read").strip(),
        "operator": server.cli("key", "create", "--scope", "all:all", "--operator").strip(),
    }
    assert server.request("GET", conftest.ORDERS, headers={"Authorization": f"Bearer {server.keys['spent']}"}).status_code == 200
    yield server
    server.stop()


@pytest.mark.parametrize("method,path", CALLS, ids=NAMES)
def test_every_call_checks_key_plan_workspace_and_limit(guarded, method, path):
    def answer(key=None, **headers):
        to, kw = example_request(method, path)
        if key:
            headers["Authorization"] = f"Bearer {guarded.keys[key]}"
        response = guarded.request(method.upper(), to, headers=headers, auth=False, **kw)
        return response.status_code, response.json()["message"]

    assert answer() == (401, "Missing Authorization header")
    assert answer(Authorization="Bearer dfyd_nothing") == (401, "Invalid API key")
    assert answer("useless")[0] == 403
    assert answer("unpaid") == (402, "Workspace does not have an active paid plan")
    assert answer("operator", **{"x-as-workspace": "0199a3c1-0000-7000-8000-0000000000aa"}) == (404, "Resource not found")
    if answer("spent")[0] != 429:  # a minute was over, and this was the next one's request
        assert answer("spent") == (429, "Rate limit exceeded")
