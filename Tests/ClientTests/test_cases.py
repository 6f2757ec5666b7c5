"""Small programs, each of which once showed a fault: they lie with the other test data and are read from there.

A case is a program of its own, `python CASE.py ADDRESS`, that ends with 0 when all is right; some start coordinators
themselves. The suite's other files test the same behaviour without them.
"""

import os
import re
import subprocess
import sys

import pytest

import process
from conftest import SHARED
from process import BINARY

CASES = SHARED / "cases"
PROGRAMS = sorted(path.name for path in CASES.glob("*.py")) if CASES.is_dir() else []

pytestmark = pytest.mark.ours("these are faults of ours")


def run(command):
    environment = os.environ | {"GSC_BIN": BINARY, "GSC_BINARY": BINARY, "PY": sys.executable}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=environment, preexec_fn=process.hear_interrupts
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.skipif(not PROGRAMS, reason=f"no cases at {CASES} (set GSC_SHARED)")
@pytest.mark.parametrize("program", PROGRAMS or ["none"])
def test_case(program, address):
    code, output = run([sys.executable, str(CASES / program), address])
    assert code == 0 and "FAIL" not in output, output


def test_failed_start_keeps_data():
    program = CASES / "failed_start_keeps_data.sh"
    if not program.exists():
        pytest.skip(f"no cases at {CASES} (set GSC_SHARED)")
    for attempt in range(3):
        _, output = run(["bash", str(program)])
        counts = [int(count) for count in re.findall(r"files: (\d+)", output)]
        # The program waits for fixed times: on a busy machine it looks too early, and finds nothing at all.
        if len(counts) == 2 and counts[0] > 0 and "recovered" in output:
            break
    assert "loaded" in output and "Error" in output, output
    assert len(counts) == 2 and 0 < counts[0] <= counts[1], output
    assert "recovered 1 sessions" in output, output
