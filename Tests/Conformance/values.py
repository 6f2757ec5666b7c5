"""Reads values in the notation of openCypher's expected tables, into something that can be compared."""

import re

ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}

TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>[-+]?(?:\d+\.\d+(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+|\d+|\.\d+))
    | (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<name>[^\W\d]\w*|`[^`]*`)
    | (?P<mark><-|->|[-()\[\]{}<>:,])
    )""",
    re.VERBOSE,
)


class Reader:
    def __init__(self, text):
        self.tokens, position = [], 0
        text = text.strip()
        while position < len(text):
            match = TOKEN.match(text, position)
            if not match:
                raise ValueError(f"cannot read {text!r} at {position}")
            self.tokens.append((match.lastgroup, match[match.lastgroup]))
            position = match.end()
        self.at = 0

    def peek(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else (None, None)

    def take(self, mark=None):
        kind, text = self.peek()
        if mark is not None and text != mark:
            raise ValueError(f"expected {mark}, found {text}")
        self.at += 1
        return text

    def has(self, mark):
        if self.peek() == ("mark", mark):
            self.at += 1
            return True
        return False

    def value(self):
        kind, text = self.peek()
        if kind == "number":
            self.take()
            # Zero has no sign here.
            return ("number", float(text) + 0.0) if any(c in text for c in ".eE") else ("integer", int(text))
        if kind == "string":
            self.take()
            return ("string", re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), text[1:-1]))
        if kind == "name":
            self.take()
            fixed = {"true": True, "false": False, "null": None, "NaN": "NaN", "Inf": "Inf", "Infinity": "Inf"}
            return ("fixed", fixed[text])
        if text == "-":
            self.take()
            return ("fixed", "-" + str(self.value()[1]))
        if text == "[":
            self.take()
            if self.peek() == ("mark", ":"):
                return self.relationship()
            items = []
            while not self.has("]"):
                items.append(self.value())
                self.has(",")
            return ("list", tuple(items))
        if text == "{":
            return self.map()
        if text == "(":
            return self.node()
        if text == "<":
            return self.path()
        raise ValueError(f"unexpected {text}")

    def map(self):
        self.take("{")
        entries = {}
        while not self.has("}"):
            key = self.take().strip("`'\"")
            self.take(":")
            entries[key] = self.value()
            self.has(",")
        return ("map", tuple(sorted(entries.items())))

    def properties(self):
        return self.map() if self.peek() == ("mark", "{") else ("map", ())

    def node(self):
        self.take("(")
        labels = []
        while self.has(":"):
            labels.append(self.take().strip("`"))
        properties = self.properties()
        self.take(")")
        return ("node", tuple(sorted(labels)), properties)

    def relationship(self):
        self.take(":")
        label = self.take().strip("`")
        properties = self.properties()
        self.take("]")
        return ("relationship", label, properties)

    def path(self):
        self.take("<")
        parts = [self.node()]
        while not self.has(">"):
            backwards = self.has("<-") or not self.take("-")
            self.take("[")
            edge = self.relationship()
            if backwards:
                self.take("-")
            else:
                self.take("->")
            parts.append(("in" if backwards else "out", edge))
            parts.append(self.node())
        return ("path", tuple(parts))


def parse(text):
    """A value in a form that is equal for equal values."""
    reader = Reader(text)
    value = reader.value()
    if reader.at != len(reader.tokens):
        raise ValueError(f"more than a value: {text!r}")
    return value


def sorted_lists(value):
    """The value with all lists in one order."""
    if isinstance(value, tuple) and value and value[0] == "list":
        return ("list", tuple(sorted((sorted_lists(item) for item in value[1]), key=repr)))
    if isinstance(value, tuple):
        return tuple(sorted_lists(item) for item in value)
    return value
