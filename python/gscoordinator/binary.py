"""Finds the native coordinator."""

import os
import shutil
import sys

VARIABLE = "GSCOORDINATOR_BINARY"


class BinaryNotFound(Exception):
    pass


def find_binary():
    """Returns the path of the native binary: from the environment, next to the interpreter, on PATH, or built in this clone."""
    named = os.environ.get(VARIABLE)
    if named:
        if _is_program(named):
            return named
        raise BinaryNotFound("%s names %s, which is not an executable file" % (VARIABLE, named))

    here = os.path.dirname(os.path.abspath(__file__))
    clone = os.path.dirname(os.path.dirname(here))
    candidates = [
        os.path.join(os.path.dirname(sys.executable), "gscoordinator"),
        shutil.which("gscoordinator"),
        os.path.join(clone, ".build", "release", "gscoordinator"),
        os.path.join(clone, ".build", "debug", "gscoordinator"),
    ]
    for candidate in candidates:
        if candidate and _is_program(candidate):
            return candidate
    raise BinaryNotFound(
        "the native binary was not found. Set %s to its path, put it on PATH, or build it with "
        "'swift build -c release' in a clone of the repository" % VARIABLE
    )


def _is_program(path):
    return os.path.isfile(path) and os.access(path, os.X_OK)
