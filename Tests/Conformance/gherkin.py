"""Reads the feature files of conformance suites: features, scenarios with their steps, outlines with their examples."""

import dataclasses
import pathlib
import re


@dataclasses.dataclass
class Step:
    """One step: its text, and the text or the table behind it."""

    text: str
    document: str | None = None
    table: list[list[str]] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Scenario:
    """A scenario with the steps of its background; one for each example of an outline."""

    category: str
    name: str
    tags: list[str]
    steps: list[Step]

    @property
    def title(self):
        return f"{self.category}: {self.name}"


def cells(line):
    """The cells of a table's row; `\\|` is a bar inside of a cell."""
    inner = line.strip()[1:-1]
    return [
        cell.strip().replace("\\|", "|").replace("\\n", "\n").replace("\\\\", "\\")
        for cell in re.split(r"(?<!\\)\|", inner)
    ]


def filled(text, example):
    for name, value in example.items():
        text = text.replace(f"<{name}>", value)
    return text


def read(path, category):
    """The scenarios of a file."""
    scenarios, background, current, examples, tags, outline = [], [], None, None, [], False
    steps, document, indent = [], None, 0

    def finish():
        if current is None or current is background:
            return
        name, steps, kept, table = current
        if not outline:
            scenarios.append(Scenario(category, name, kept, [*background, *steps]))
            return
        for header, rows in table:
            for row in rows:
                example = dict(zip(header, row, strict=True))
                made = [
                    Step(
                        filled(step.text, example),
                        None if step.document is None else filled(step.document, example),
                        [[filled(cell, example) for cell in row] for row in step.table],
                    )
                    for step in steps
                ]
                scenarios.append(Scenario(category, f"{name} {row}", kept, [*background, *made]))

    for line in pathlib.Path(path).read_text(encoding="utf-8").splitlines():
        stripped = line.strip()
        if document is not None:
            if stripped == '"""':
                steps[-1].document = "\n".join(document)
                document = None
            else:
                document.append(line[indent:] if not line[:indent].strip() else line.lstrip())
            continue
        if stripped == '"""':
            document, indent = [], len(line) - len(line.lstrip())
        elif not stripped or stripped.startswith("#"):
            continue
        elif stripped.startswith("@"):
            if examples is None or not stripped:
                pass
            tags = tags + stripped.split()
        elif stripped.startswith("Background:"):
            current, steps = background, background
        elif match := re.match(r"(Scenario Outline|Scenario):(.*)", stripped):
            finish()
            outline = match[1] == "Scenario Outline"
            steps, examples = [], None
            current = (match[2].strip(), steps, tags, [])
            tags = []
        elif stripped.startswith("Examples:"):
            examples = (None, [])
        elif stripped.startswith("|"):
            row = cells(stripped)
            if examples is None:
                steps[-1].table.append(row)
            elif examples[0] is None:
                examples = (row, [])
                current[3].append(examples)
            else:
                examples[1].append(row)
        elif match := re.match(r"(Given|When|Then|And|But|\*) (.*)", stripped):
            steps.append(Step(match[2].strip()))
        elif stripped.startswith("Feature:"):
            tags = []
    finish()
    return scenarios
