"""api/openapi.yaml as the tests use it: whether an answer is one that it describes, with nothing that it does not."""
import copy
import importlib.util
import json
import pathlib
import re

import jsonschema

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What any HTTP answer may carry; everything else has to be described.
PLAIN_HEADERS = {"date", "connection", "content-length", "content-type", "content-encoding", "transfer-encoding"}
METHODS = ("get", "post", "put", "patch", "delete")


def load_yaml():
    spec = importlib.util.spec_from_file_location("yaml2json", ROOT / "scripts" / "yaml2json.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load(ROOT / "api" / "openapi.yaml")


def closed(node):
    """NODE with every object closed that does not say otherwise: a property that is not described is an error."""
    if isinstance(node, list):
        return [closed(part) for part in node]
    if not isinstance(node, dict):
        return node
    node = {key: part if key in ("example", "examples", "enum", "const") else closed(part) for key, part in node.items()}
    if "properties" in node and "additionalProperties" not in node:
        node["additionalProperties"] = False
    return node


class Description:
    def __init__(self, document=None):
        self.document = document or load_yaml()
        self.closed = closed(copy.deepcopy(self.document))
        self.matchers = [(self.pattern(path), path) for path in self.document["paths"]]
        self.matchers.sort(key=lambda pair: "{" in pair[1])  # the literal ones first
        # What the console's page answers beside "/".
        self.matchers += [(self.pattern(view), "/") for view in self.document["paths"].get("/", {}).get("get", {}).get("x-views", [])]
        self.validators = {}

    @staticmethod
    def pattern(path):
        """What PATH stands for; a parameter called path may hold slashes."""
        return re.compile(re.sub(r"\\\{(\w+)\\\}", lambda name: ".+" if name[1] == "path" else "[^/]+", re.escape(path)))

    def operations(self):
        """(method, path, operation) of each."""
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    yield method, path, item[method]

    def parameters(self, path, operation):
        for parameter in self.document["paths"][path].get("parameters", []) + operation.get("parameters", []):
            yield self.resolve(parameter)

    def resolve(self, node, closed=False):
        while "$ref" in node:
            found = self.closed if closed else self.document
            for part in node["$ref"][2:].split("/"):
                found = found[part]
            node = found
        return node

    def find(self, method, path):
        """The template of PATH and the operation's description with closed objects; None when there is no such route."""
        for matcher, template in self.matchers:
            if matcher.fullmatch(path):
                operation = self.closed["paths"][template].get("get" if method == "HEAD" else method.lower())
                if operation:
                    return template, operation
        return None

    def errors(self, schema, value, closed=False):
        """What is wrong with VALUE, as lines."""
        document = self.closed if closed else self.document
        key = json.dumps(schema, sort_keys=True), closed
        if key not in self.validators:
            self.validators[key] = jsonschema.Draft202012Validator(
                schema, resolver=jsonschema.RefResolver("", document))
        return [f"{error.json_path}: {error.message}" for error in self.validators[key].iter_errors(value)]

    def judge(self, method, target, status, headers, body):
        """What about this answer is not as described, as lines. TARGET is the path, with or without its query."""
        found = self.find(method, target.partition("?")[0])
        if found is None:
            response = self.resolve(self.closed["components"]["responses"]["NotFound"], True)
            if status != 404:
                return [f"answered {status} for a route that is not described"]
        else:
            response = found[1]["responses"].get(str(status))
            if response is None:
                return [f"status {status} is not described"]
            response = self.resolve(response, True)
        return self.judge_headers(response, headers) + self.judge_body(method, response, headers, body)

    def judge_headers(self, response, headers):
        wrong, described = [], {}
        for name, header in response.get("headers", {}).items():
            header = described[name.lower()] = self.resolve(header, True)
            if name in headers:
                wrong += [f"{name}: {error}" for error in self.errors(header["schema"], headers[name], True)]
            elif header.get("required"):
                wrong.append(f"the header {name} is missing")
        return wrong + [f"the header {name} is not described" for name in headers
                        if name.lower() not in PLAIN_HEADERS and name.lower() not in described]

    def judge_body(self, method, response, headers, body):
        content = response.get("content", {})
        if method == "HEAD" or not content:
            return ["a body is not described"] if body else []
        kind = headers.get("content-type", "").partition(";")[0]
        if kind not in content:
            return [f"the content type {kind!r} is not described"]
        if kind != "application/json":
            return []
        if headers["content-type"] != "application/json; charset=utf-8":
            return [f"the content type is {headers['content-type']!r}"]
        try:
            value = json.loads(body)
        except ValueError as error:
            return [f"the body is not JSON: {error}"]
        return self.errors(content[kind]["schema"], value, True)
