"""Forms and what may stand in them. Every endpoint has a table of its parameters; what is not in it is refused.

https://docs.stripe.com/api: requests are form-encoded, with brackets for what is nested.
"""
import re
import urllib.parse

import errors

NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


def parse_form(text):
    """a=1&b[c]=2&d[]=3&e[0][f]=4 as nested dicts; a list is a dict of "0", "1", ... until its kind reads it."""
    tree = {}
    for pair in text.split("&") if text else []:
        name, sep, value = pair.partition("=")
        try:
            name = urllib.parse.unquote_plus(name, errors="strict")
            value = urllib.parse.unquote_plus(value, errors="strict")
        except UnicodeDecodeError:
            raise errors.invalid("The form is not UTF-8.") from None
        match = NAME.fullmatch(name)
        if not match or not sep:
            raise errors.invalid(f"Not a form: {pair[:100]!r}")
        _insert(tree, [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])], value, name)
    return tree


def _insert(tree, keys, value, name):
    if "" in keys[:-1]:
        raise errors.invalid(f"Lists of objects need their index: {name}", name)
    for key in keys[:-1]:
        tree = tree.setdefault(key, {})
        if not isinstance(tree, dict):
            raise errors.invalid(f"Both a value and an object: {name}", name)
    key = keys[-1] or str(len(tree))
    if key in tree:
        raise errors.invalid(f"Given twice: {name}", name)
    tree[key] = value


def _scalar(name, value):
    if isinstance(value, dict):
        raise errors.invalid(f"Invalid string: {name} is an object.", name)
    return value


class Str:
    """EMPTY: an empty value is allowed and unsets the parameter."""

    def __init__(self, longest=5000, empty=False):
        self.longest, self.empty = longest, empty

    def read(self, name, value):
        value = _scalar(name, value)
        if not value and not self.empty:
            raise errors.invalid(f"An empty string for {name}, which cannot be unset.", name, "parameter_invalid_empty")
        if value and not value.strip():
            raise errors.invalid(f"{name} is blank.", name, "parameter_invalid_string_blank")
        if len(value) > self.longest:
            raise errors.invalid(f"{name} must be at most {self.longest} characters.", name, "parameter_invalid_string")
        return value


class Url(Str):
    def read(self, name, value):
        value = super().read(name, value)
        parts = urllib.parse.urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise errors.invalid(f"Not a valid URL: {name}", name, "url_invalid")
        return value


class Int:
    def __init__(self, least=None, most=None):
        self.least, self.most = least, most

    def read(self, name, value):
        value = _scalar(name, value)
        if not re.fullmatch(r"-?\d{1,18}", value, re.ASCII):
            raise errors.invalid(f"Invalid integer: {value}", name, "parameter_invalid_integer")
        number = int(value)
        if self.least is not None and number < self.least:
            raise errors.invalid(f"{name} must be at least {self.least}.", name, "parameter_invalid_integer")
        if self.most is not None and number > self.most:
            raise errors.invalid(f"{name} must be at most {self.most}.", name, "parameter_invalid_integer")
        return number


class Amount(Int):
    """In the currency's smallest unit."""

    def __init__(self):
        super().__init__(least=1)

    def read(self, name, value):
        number = super().read(name, value)
        if number > 99_999_999:
            raise errors.invalid("The amount has more than eight digits.", name, "amount_too_large")
        return number


class Bool:
    def read(self, name, value):
        if _scalar(name, value) not in ("true", "false"):
            raise errors.invalid(f"Invalid boolean: {value}", name)
        return value == "true"


class Enum:
    def __init__(self, *words):
        self.words = words

    def read(self, name, value):
        if _scalar(name, value) not in self.words:
            raise errors.invalid(f"Invalid {name}: must be one of {', '.join(self.words)}", name)
        return value


class List:
    def __init__(self, kind, most=100):
        self.kind, self.most = kind, most

    def read(self, name, value):
        if not isinstance(value, dict) or set(value) != {str(i) for i in range(len(value))}:
            raise errors.invalid(f"Invalid array: {name}", name)
        if len(value) > self.most:
            raise errors.invalid(f"Too many in {name}: at most {self.most}.", name)
        return [self.kind.read(f"{name}[{i}]", value[str(i)]) for i in range(len(value))]


class Map:
    """metadata: at most 50 keys of 40 characters with values of 500. An empty value unsets its key."""

    def read(self, name, value):
        if value == "":
            return {}
        if not isinstance(value, dict):
            raise errors.invalid(f"Invalid object: {name}", name)
        if len(value) > 50:
            raise errors.invalid("More than 50 keys of metadata.", name)
        for key, text in value.items():
            if len(key) > 40:
                raise errors.invalid(f"A key of metadata is longer than 40 characters: {key}", name)
            Str(500, empty=True).read(f"{name}[{key}]", text)
        return dict(value)


class Obj:
    def __init__(self, fields, out=()):
        self.fields, self.out = fields, out

    def read(self, name, value):
        if not isinstance(value, dict):
            raise errors.invalid(f"Invalid object: {name}", name)
        return check(self.fields, self.out, value, name)


class Either:
    """An object or a value, such as created[gte]=1 and created=1."""

    def __init__(self, obj, value):
        self.obj, self.value = obj, value

    def read(self, name, value):
        return (self.obj if isinstance(value, dict) else self.value).read(name, value)


class Need:
    """A parameter that must be there."""

    def __init__(self, kind):
        self.kind, self.read = kind, kind.read


def check(fields, out, tree, outer=None):
    """The values of TREE by the table FIELDS. OUT: names that Stripe knows and this double does not."""

    def full(name):
        return f"{outer}[{name}]" if outer else name

    unknown = [full(name) for name in tree if name not in fields and name not in out]
    if unknown:
        raise errors.unknown_parameters(unknown)
    for name in tree:
        if name not in fields:
            raise errors.left_out(f"the parameter {full(name)}", full(name))
    for name, kind in fields.items():
        if isinstance(kind, Need) and name not in tree:
            raise errors.invalid(f"Missing required param: {full(name)}.", full(name), "parameter_missing")
    return {name: fields[name].read(full(name), value) for name, value in tree.items()}
