"""Runs the feature files of Apache TinkerPop, which are given by path, against a driver of the query engine.

The driver reads a request per line (a graph, or a script with bindings) and answers with a line; `gremlin_values` says how
values are written. Prints how many scenarios of each class and category pass.

    python gremlin_features.py --suite DIR --driver EXECUTABLE [--only REGEX] [--show]
"""

import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys

import gherkin
import gremlin_values

COMPUTER = re.compile(
    r"withComputer|pageRank|peerPressure|connectedComponent|shortestPath\(|VertexProgram"
)
WRITE = re.compile(
    r"\b(addV|addE|mergeV|mergeE|drop|property|addLabel|dropLabels?|io|call)\("
)
STRATEGY = re.compile(r"with(out)?Strategies\(|Strategy\b")
# Steps, predicates and types that came after 3.7.
NEWER = re.compile(
    r"\b(asBool|asNumber|typeOf|GType|labels|UUID|Duration|Binary|Char)\b|\d[bsnm]\b|\"c\b|match\([\"']"
    r"|queryLanguage|(multi|single)label|P\.\w+\(__|\bgroup.*local\(tree"
    r"|\b(is|V|E|hasLabel|hasId|hasKey|hasValue)\(__\.|\bhas\([^()]*, *__\.(constant|V|values)"
)

# Scenarios whose result 3.8 changed: local ranges of one element, dateDiff in milliseconds, comparisons without an answer that
# are false, errors of null texts and of picks that are traversals.
CHANGED = re.compile(
    r"^g_(V_foldX_rangeXlocal_6_7X|injectX.*_(range|limit|tail)Xlocal_1(_2)?X|.*dateDiffX.*|injectX1_nullX_asString.*"
    r"|V_notXhasXname_gt_27XX_name|V_hasLabelXpersonX_chooseX_valuesXnameX_option1X_.*)$"
    r"|^InjectX1dX_(notXNaNX|whereXnotXisXltXNaNXXXX|xorXtrue_errorX|xorXerror_trueX)$"
)


def class_of(scenario, script, given):
    tags = " ".join(scenario.tags)
    if "Lambda." in script:
        return "lambda"
    if "@GraphComputerOnly" in tags or COMPUTER.search(script):
        return "computer"
    if WRITE.search(script) or any(
        step.text.startswith("the graph initializer") for step in scenario.steps
    ):
        return "write"
    if STRATEGY.search(script):
        return "strategy"
    if re.search(r"@Multi|@Meta", tags) or given == "crew":
        return "multiprop"
    if NEWER.search(script) or CHANGED.search(scenario.name):
        return "newer"
    return "inject" if given == "empty" else "read"


class Driver:
    """The process that answers queries."""

    def __init__(self, path):
        self.path = path
        self.graphs = {}
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [self.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for message in self.graphs.values():
            self.ask(message)

    def load(self, name, message):
        self.graphs[name] = message
        self.ask(message)

    def ask(self, message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            self.start()
            return {"error": "Crash", "message": f"the driver ended with {code}"}
        return json.loads(line)


class Run:
    def __init__(self, driver, graphs):
        self.driver = driver
        self.graphs = graphs

    def run(self, scenario):
        """The class of a scenario, and what went wrong, or None."""
        given, script, parameters, effects, expected = "empty", "", {}, [], []
        for step in scenario.steps:
            text = step.text
            if match := re.match(r"the (\w+) graph$", text):
                given = match[1]
            elif match := re.match(
                r'using the (parameter|side effect) (\w+) defined as "(.*)"$', text
            ):
                parameters[match[2]] = match[3].replace('\\"', '"')
                if match[1] == "side effect":
                    effects.append(match[2])
            elif text == "the traversal of":
                script = step.document
            else:
                expected.append(step)
        kind = class_of(scenario, script, given)
        for name in effects:
            script = script.replace("g.", f'g.withSideEffect("{name}", {name}).', 1)
        names = self.graphs.get(given)
        if names is None:
            return kind, f"error: the suite's {given} graph is not there"
        try:
            bindings = {
                name: gremlin_values.parse(text, names)
                for name, text in parameters.items()
            }
            answer = self.driver.ask(
                {"graph": given, "script": script, "bindings": bindings}
            )
            self.count = lambda script: self.driver.ask({"graph": given, "script": script, "bindings": bindings})
            return kind, self.check(expected, answer, names)
        except gremlin_values.UnknownNotation as problem:
            return kind, f"error: {problem}"

    def check(self, steps, answer, names):
        wants_error = any("raise an error" in step.text for step in steps)
        if "error" in answer:
            return (
                None
                if wants_error
                else f"error: {answer['error']}: {answer['message']}"
            )
        if wants_error:
            return "wrong: no error"
        results = [value for value, bulk in answer["results"] for _ in range(bulk)]
        if any(step.text == "iterated next" for step in steps) and results:
            results = gremlin_values.elements(results[0])
        return self.compare(steps, results, names)

    def compare(self, steps, results, names):
        found = [gremlin_values.canonical(value, names) for value in results]
        for step in steps:
            if match := re.search(r"should have a count of (\d+)", step.text):
                if len(found) != int(match[1]):
                    return f"wrong: {len(found)} results, not {match[1]}"
            elif "should be empty" in step.text:
                if found:
                    return f"wrong: {found[:3]} instead of nothing"
            elif match := re.search(
                r"result should be (unordered|ordered|of)", step.text
            ):
                wanted = [
                    gremlin_values.canonical(gremlin_values.parse(row[0], names), names)
                    for row in step.table[1:]
                ]
                if match[1] == "of":
                    same = all(value in wanted for value in found)
                else:
                    same = (
                        found == wanted
                        if match[1] == "ordered"
                        else sorted(found) == sorted(wanted)
                    )
                if not same:
                    return f"wrong: {found[:8]} instead of {wanted[:8]}"
            elif match := re.match(r'the graph should return (\d+) for count of "(.*)"$', step.text):
                counted = self.count(match[2].replace('\\"', '"')).get("results", [])
                if sum(bulk for _, bulk in counted) != int(match[1]):
                    return f"wrong: {step.text}"
            elif "tree with a structure" in step.text:
                lines = []
                gremlin_values.tree(results and {"t": "M", "v": results}, names, 0, lines)
                wanted = gremlin_values.tree_lines(step.document, names)
                if sorted(gremlin_values.branches(lines)) != sorted(gremlin_values.branches(wanted)):
                    return f"wrong: the tree {lines}"
            elif re.search(r"tree|subgraph|file|graph should return", step.text):
                return f"error: the step '{step.text}' is not checked"
        return None


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--suite",
        required=True,
        type=pathlib.Path,
        help="the directory of TinkerPop's features and data",
    )
    parser.add_argument(
        "--driver", required=True, help="the executable that answers queries"
    )
    parser.add_argument("--only", default="", help="a regular expression of titles")
    parser.add_argument("--show", action="store_true", help="print what went wrong")
    parser.add_argument("--classes", default="read,inject", help="the classes to show")
    return parser.parse_args()


def main():
    options = arguments()
    driver = Driver(options.driver)
    graphs = {"empty": gremlin_values.Names([], [])}
    for name, file in gremlin_values.GRAPHS.items():
        if path := next(iter(options.suite.rglob(file)), None):
            graphs[name], message = gremlin_values.load(name, path)
            driver.load(name, message)
    counts = collections.defaultdict(collections.Counter)
    run = Run(driver, graphs)
    for path in sorted(options.suite.rglob("*.feature")):
        category = f"{path.parent.name}/{path.stem}"
        for scenario in gherkin.read(path, category):
            if not re.search(options.only, scenario.title):
                continue
            kind, problem = run.run(scenario)
            outcome = "pass" if problem is None else problem.split(":")[0]
            counts[f"class {kind}"][outcome] += 1
            counts[category][outcome] += 1
            if problem and options.show and kind in options.classes.split(","):
                script = next(
                    (
                        s.document
                        for s in scenario.steps
                        if s.text == "the traversal of"
                    ),
                    "no traversal",
                )
                print(f"{kind} | {scenario.title}\n    {script}\n    {problem[:600]}")
    for name in sorted(counts, key=lambda name: (not name.startswith("class "), name)):
        count = counts[name]
        total = sum(count.values())
        print(
            f"{name:45} {total:5} {count['pass']:5} pass {count['wrong']:4} wrong {count['error']:4} error"
        )
    sys.exit(0)


if __name__ == "__main__":
    main()
