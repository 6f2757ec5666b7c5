"""The values of TinkerPop's features, of its data files, and of the driver's lines.

A value in a line is an object: `t` is its type (n null, b boolean, i and l whole numbers of 32 and 64 bits, f and d
floating-point numbers, s text, L list, S set, M map as a list of pairs, V vertex, E edge, P path, R property, T token, D date)
and `v` what it holds.
"""

import dataclasses
import json
import re

GRAPHS = {
    "modern": "tinkerpop-modern*.json",
    "classic": "tinkerpop-classic*.json",
    "crew": "tinkerpop-crew*.json",
    "sink": "tinkerpop-sink*.json",
    "grateful": "grateful-dead*.json",
}


class UnknownNotation(Exception):
    """A notation of the features that the runner does not read."""


@dataclasses.dataclass
class Names:
    """The vertices (label, name) and edges (out, label, in) of a graph, by number."""

    vertices: list
    edges: list

    def vertex(self, name):
        for number, (_, known) in enumerate(self.vertices):
            if known == name:
                return str(number)
        raise UnknownNotation(f"there is no vertex {name}")

    def edge(self, source, label, target):
        ends = (int(self.vertex(source)), int(self.vertex(target)))
        for number, (out, known, inward) in enumerate(self.edges):
            if known == label and (out, inward) == ends:
                return str(number)
        raise UnknownNotation(f"there is no edge {source}-{label}->{target}")


def typed(value):
    """A value of GraphSON 3 as a value of a line."""
    match value:
        case None:
            return {"t": "n"}
        case bool():
            return {"t": "b", "v": value}
        case str():
            return {"t": "s", "v": value}
        case {"@type": "g:Int32", "@value": number}:
            return {"t": "i", "v": number}
        case {"@type": "g:Int64", "@value": number}:
            return {"t": "l", "v": str(number)}
        case {"@type": "g:Float", "@value": number}:
            return {"t": "f", "v": str(number)}
        case {"@type": "g:Double", "@value": number}:
            return {"t": "d", "v": str(number)}
    raise UnknownNotation(f"the data has {value}")


def load(name, path):
    """The names of a graph in GraphSON, and the message that loads it."""
    records = [
        json.loads(line)
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    numbers = {str(record["id"]): number for number, record in enumerate(records)}
    vertices, edges, names = [], [], []
    for number, record in enumerate(records):
        properties = [
            [key, typed(values[0]["value"])]
            for key, values in record.get("properties", {}).items()
        ]
        vertices.append({"label": record["label"], "properties": properties})
        known = dict(properties).get("name", {"v": None})["v"]
        names.append((record["label"], known))
        for label, outgoing in record.get("outE", {}).items():
            for edge in outgoing:
                values = [
                    [key, typed(value)]
                    for key, value in edge.get("properties", {}).items()
                ]
                target = numbers[str(edge["inV"])]
                edges.append(
                    {"out": number, "in": target, "label": label, "properties": values}
                )
    ends = [(edge["out"], edge["label"], edge["in"]) for edge in edges]
    return Names(names, ends), {"load": name, "vertices": vertices, "edges": edges}


def split(text):
    """The elements of a list, apart at commas outside of brackets and quotes."""
    parts, depth, start, quoted = [], 0, 0, False
    for position, character in enumerate(text):
        if character == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]] if text else []


NUMBERS = {
    "i": "i",
    "b": "i",
    "s": "i",
    "l": "l",
    "n": "l",
    "f": "f",
    "d": "d",
    "m": "d",
}


def from_json(value, names):
    match value:
        case dict():
            pairs = [
                [parse(key, names), from_json(inner, names)]
                for key, inner in value.items()
            ]
            return {"t": "M", "v": pairs}
        case list():
            return {"t": "L", "v": [from_json(inner, names) for inner in value]}
        case str():
            return parse(value, names)
        case bool() | None:
            return typed(value)
        case int():
            return {"t": "i", "v": value}
        case float():
            return {"t": "d", "v": str(value)}
    raise UnknownNotation(f"the map has {value}")


def parse(text, names):
    """A value in the notation of the features."""
    text = text.strip()
    if text == "null":
        return {"t": "n"}
    if text in ("true", "false"):
        return {"t": "b", "v": text == "true"}
    if match := re.fullmatch(r"d\[(.*)\](?:\.([a-z]))?", text):
        number, kind = match[1], match[2]
        if number in ("NaN", "Infinity", "-Infinity"):
            return {
                "t": "d",
                "v": {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}[number],
            }
        kind = NUMBERS.get(kind or "i")
        if kind is None:
            raise UnknownNotation(f"{text} is no known number")
        return {"t": kind, "v": int(number) if kind == "i" else number}
    if match := re.fullmatch(r"v\[([^\]]*)\](\.s?id)?", text):
        number = names.vertex(match[1])
        return identified("V", number, match[2])
    if match := re.fullmatch(r"e\[(.*?)-(\w+)->(.*?)\](\.s?id)?", text):
        return identified("E", names.edge(match[1], match[2], match[3]), match[4])
    if match := re.fullmatch(r"vp\[(.*?)-(\w+)->(.*)\]", text):
        owner = {"t": "V", "v": names.vertex(match[1])}
        return {"t": "R", "k": match[2], "v": parse(match[3], names), "o": owner}
    if match := re.fullmatch(r"prop\[(\w+),(.*)\]", text):
        return {"t": "R", "k": match[1], "v": parse(match[2], names), "o": {"t": "n"}}
    if match := re.fullmatch(r"([lsp])\[(.*)\]", text, re.DOTALL):
        kind = {"l": "L", "s": "S", "p": "P"}[match[1]]
        return {"t": kind, "v": [parse(part, names) for part in split(match[2])]}
    if match := re.fullmatch(r"m\[(.*)\]", text, re.DOTALL):
        return from_json(json.loads(match[1]), names)
    if match := re.fullmatch(r"[tD]\[(.*)\]", text):
        return {"t": "T", "v": match[1]}
    if match := re.fullmatch(r"dt\[(.*)\]", text):
        return {"t": "D", "v": match[1]}
    if match := re.fullmatch(r"str\[(.*)\]", text, re.DOTALL):
        return {"t": "s", "v": match[1]}
    if match := re.match(r"(uuid|bin|char|dur|M|c)\[", text):
        raise UnknownNotation(f"values of {match[1]}[…] are not read")
    return {"t": "s", "v": text.strip("'") if text.startswith("'") else text}


def identified(kind, number, suffix):
    if suffix == ".id":
        return {"t": "l", "v": number}
    return {"t": "s", "v": number} if suffix else {"t": kind, "v": number}


def elements(value):
    """The elements of a collection that is one result."""
    return value["v"] if value["t"] in "LSPM" else [value]


def tree(value, names, depth, lines):
    """Adds the nodes of a tree, which is a map of maps, with their depths."""
    for key, inner in value["v"] if value else []:
        lines.append((depth, canonical(key, names)))
        tree(inner, names, depth + 1, lines)


def tree_lines(text, names):
    """The nodes of a tree as the features draw it."""
    lines = []
    for line in text.splitlines():
        mark, node = line.split("|--", 1)
        lines.append((len(mark) // 3, canonical(parse(node, names), names)))
    return lines


def branches(lines):
    """The ways from the root to each node."""
    way, ways = [], []
    for depth, node in lines:
        way = [*way[:depth], node]
        ways.append(tuple(way))
    return ways


def canonical(value, names):
    """A text that is the same for equal values of the same type."""
    if isinstance(value, list):
        return ":".join(canonical(inner, names) for inner in value)
    kind, held = value["t"], value.get("v")
    match kind:
        case "n":
            return "null"
        case "d" | "f":
            return f"{kind}{float(held):.6g}"
        case "L" | "P":
            return (
                f"{kind}[" + ",".join(canonical(inner, names) for inner in held) + "]"
            )
        case "S":
            return (
                "S[" + ",".join(sorted(canonical(inner, names) for inner in held)) + "]"
            )
        case "M":
            pairs = sorted(
                f"{canonical(key, names)}:{canonical(inner, names)}"
                for key, inner in held
            )
            return "M{" + ",".join(pairs) + "}"
        case "R":
            return f"R[{value['k']},{canonical(value['v'], names)}]"
        case "D":
            held = re.sub(r"(T\d\d:\d\d)(?=Z|[+-])", r"\1:00", held)
            return "D" + re.sub(
                r":00(\.0+)?(?=Z|[+-])", ":00", re.sub(r"\+00:00$", "Z", held)
            )
    return f"{kind}{held}"
