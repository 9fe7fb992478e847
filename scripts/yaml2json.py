#!/usr/bin/env python3
"""Turns a description in YAML into one line of JSON: yaml2json.py IN.yaml OUT.json. Keys at the top that begin with x- hold
parts for YAML's merging and are left out. A key given twice, or a value that JSON does not have, is an error."""
import json
import sys

import yaml


class Loader(yaml.SafeLoader):
    def construct_mapping(self, node, deep=False):
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        if twice := {key for key in keys if keys.count(key) > 1}:
            raise yaml.constructor.ConstructorError(None, None, f"given twice: {sorted(twice)}", node.start_mark)
        return super().construct_mapping(node, deep)


def load(path):
    with open(path, encoding="utf-8") as f:
        whole = yaml.load(f, Loader)
    return {key: value for key, value in whole.items() if not key.startswith("x-")}


if __name__ == "__main__":
    with open(sys.argv[2], "w", encoding="ascii") as out:
        json.dump(load(sys.argv[1]), out, separators=(",", ":"))
        out.write("\n")
