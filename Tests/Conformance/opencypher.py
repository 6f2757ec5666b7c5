#!/usr/bin/env python3
"""Runs openCypher's compatibility kit against the query engine, and prints what passes, by category.

opencypher.py SUITE DRIVER [--only TEXT] [--failures FILE]

SUITE is the folder `tck` of openCypher's repository, DRIVER the program `query-driver` of this package.
"""

import argparse
import collections
import json
import pathlib
import subprocess
import sys

import gherkin
import values

WRITES = ("create", "delete", "merge", "remove", "set")


class Driver:
    """The engine in a process of its own, which is started again when it dies."""

    def __init__(self, program):
        self.program = program
        self.process = None

    def ask(self, request):
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                [self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
            )
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            return {"error": {"kind": "Crash", "detail": str(self.process.returncode), "phase": "", "message": ""}}
        return json.loads(line)


def category(path, root):
    """The folder of a feature: clauses/match, expressions/list…"""
    return str(path.parent.relative_to(root))


def rows_agree(expected, actual, ordered, lists_unordered):
    def normal(cell):
        value = values.parse(cell)
        return values.sorted_lists(value) if lists_unordered else value

    wanted = [[normal(cell) for cell in row] for row in expected]
    got = [[normal(cell) for cell in row] for row in actual]
    if ordered:
        return wanted == got
    return collections.Counter(map(repr, wanted)) == collections.Counter(map(repr, got))


def verdict(scenario, driver, graphs):
    """What happened to a scenario: pass, wrong, error, not run; with a reason."""
    setup, parameters, outcome, last = [], {}, None, None
    for step in scenario.steps:
        text = step.text
        if text in ("an empty graph", "any graph"):
            setup = []
        elif text.startswith("the binary-tree"):
            setup = [(graphs / text.split()[1] / f"{text.split()[1]}.cypher").read_text()]
        elif text == "having executed:":
            setup.append(step.document)
        elif text == "parameters are:":
            parameters = {name: value for name, value in step.table}
        elif text.startswith("there exists a procedure"):
            return "not run", "procedure of the suite"
        elif text in ("executing query:", "executing control query:"):
            # What an earlier query created is part of the graph of the next one.
            if last is not None:
                setup.append(last)
            last = step.document
            outcome = driver.ask({"setup": setup, "query": step.document, "parameters": parameters})
            if "setup" in outcome:
                return "not run", "setup: " + outcome["setup"]
        elif text.startswith("the result should be"):
            if "error" in outcome:
                return "error", json.dumps(outcome["error"])
            if text == "the result should be empty":
                if outcome["rows"]:
                    return "wrong", f"rows {outcome['rows'][:3]}"
                continue
            header, *rows = step.table
            if header != outcome["columns"]:
                return "wrong", f"columns {outcome['columns']} instead of {header}"
            ordered = "in order" in text
            if not rows_agree(rows, outcome["rows"], ordered, "ignoring element order" in text):
                return "wrong", f"{outcome['rows'][:4]} instead of {rows[:4]}"
        elif " should be raised at " in text:
            kind, rest = text.removeprefix("a ").removeprefix("an ").split(" should be raised at ")
            phase, detail = rest.rsplit(": ", 1) if ": " in rest else (rest, "*")
            if "error" not in outcome:
                return "wrong", f"no {kind} {detail}, but {outcome['rows'][:3]}"
            error = outcome["error"]
            if error["kind"] != kind or detail not in ("*", error["detail"]):
                return "other error", f"{error} instead of {kind} {detail}"
            if phase != "any time" and phase not in (error["phase"], f"{error['phase']} time"):
                return "other error", f"{error} instead of {phase}"
        elif text == "no side effects" or text == "the side effects should be:":
            continue
        else:
            return "not run", f"step: {text}"
    return "pass", ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("suite", type=pathlib.Path)
    parser.add_argument("driver")
    parser.add_argument("--only", default="", help="run the scenarios whose title contains this text")
    parser.add_argument("--failures", type=argparse.FileType("w"), help="write what does not pass here")
    options = parser.parse_args()
    features = options.suite / "features"
    driver = Driver(options.driver)
    table = collections.defaultdict(collections.Counter)
    for path in sorted(features.rglob("*.feature")):
        for scenario in gherkin.read(path, category(path, features)):
            title = f"{path.stem} {scenario.name}"
            if options.only not in f"{scenario.category} {title}":
                continue
            result, reason = verdict(scenario, driver, options.suite / "graphs")
            table[scenario.category][result] += 1
            if result != "pass" and options.failures:
                options.failures.write(f"{result}\t{scenario.category}\t{title}\t{reason}\n")
    results = ("pass", "wrong", "error", "other error", "not run")
    print("| category | all | " + " | ".join(results) + " |")
    print("|---" * (len(results) + 2) + "|")
    sums = collections.defaultdict(collections.Counter)
    for name, counts in sorted(table.items()):
        print(f"| {name} | {counts.total()} | " + " | ".join(str(counts[result]) for result in results) + " |")
        writes = name.startswith("clauses") and name.split("/")[1].startswith(WRITES)
        kind = "expressions" if name.startswith("expressions") else "writing" if writes else "reading"
        sums[kind] += counts
        sums["all"] += counts
    for name, counts in sums.items():
        print(f"| **{name}** | {counts.total()} | " + " | ".join(str(counts[result]) for result in results) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
