"""Values made from the schemas of api/openapi.yaml, for hypothesis, and the same with something changed."""
import copy

from hypothesis import strategies as st

LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = st.text(LETTERS, min_size=3, max_size=12)
NAMES = st.builds("{}.{}".format, WORDS, st.sampled_from(["com", "org", "co", "example"]))
# No surrogates, which JSON cannot carry as UTF-8, and no NUL, which dfyd refuses.
TEXTS = st.one_of(NAMES, WORDS, st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20))
ANY = st.recursive(st.one_of(st.none(), st.booleans(), st.integers(-9, 99), st.floats(allow_nan=False, allow_infinity=False), TEXTS),
                   lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)), max_leaves=6)


def text(schema):
    if schema.get("format") == "uri":
        return st.builds("https://{}/{}".format, NAMES, WORDS)
    if schema.get("format") == "uuid":
        return st.uuids().map(str)
    if "pattern" in schema:
        return NAMES if r"\." in schema["pattern"] else st.from_regex(schema["pattern"], fullmatch=True)
    return TEXTS.filter(bool) if schema.get("minLength") else TEXTS


def values(description, schema):
    """Values that SCHEMA allows."""
    schema = description.resolve(schema)
    if "anyOf" in schema:
        return st.one_of([values(description, part) for part in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    return st.one_of([of_type(description, schema, word) for word in types])


def of_type(description, schema, word):
    if word == "string":
        return text(schema)
    if word == "array":
        return st.lists(values(description, schema["items"]), min_size=schema.get("minItems", 0),
                        max_size=min(schema.get("maxItems", 3), 3))
    if word == "object":
        given = {name: values(description, part) for name, part in schema.get("properties", {}).items()}
        if not given:
            return st.dictionaries(WORDS, values(description, schema["additionalProperties"]), max_size=2)
        required = set(schema.get("required", []))
        made = st.fixed_dictionaries({name: part for name, part in given.items() if name in required},
                                     optional={name: part for name, part in given.items() if name not in required})
        return made.filter(bool) if schema.get("minProperties") else made
    return {"null": st.none(), "boolean": st.booleans(),
            "number": st.integers(-9, 99) | st.floats(-1e6, 1e6, allow_nan=False),
            "integer": st.integers(schema.get("minimum", -9), schema.get("maximum", 999))}[word]


def places(value, path=()):
    yield path
    if isinstance(value, dict):
        for key, part in value.items():
            yield from places(part, path + (key,))
    elif isinstance(value, list):
        for i, part in enumerate(value):
            yield from places(part, path + (i,))


@st.composite
def mutated(draw, value):
    """VALUE with one part of it replaced, removed or wrapped."""
    value = copy.deepcopy(value)
    path = draw(st.sampled_from(list(places(value))))
    if not path:
        return draw(ANY)
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    change = draw(st.sampled_from(["replace", "remove", "wrap"]))
    if change == "remove":
        del holder[path[-1]]
    else:
        holder[path[-1]] = draw(ANY) if change == "replace" else [holder[path[-1]]]
    return value
