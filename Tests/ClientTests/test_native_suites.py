"""A sample of the tests that come with the client, on GraphScope's own engines.

They are those of `graphscope.nx`, which need no data: dynamic graphs, and the steps behind every way to look at them. The
seed is printed and can be set with GSC_SUITE_SEED; GSC_SUITE_COUNT says how many tests of each group are run.
"""

import os
import pathlib
import re
import subprocess
import sys

import graphscope
import pytest

from test_native import native, pytestmark  # noqa: F401

SEED = os.environ.get("GSC_SUITE_SEED", "29")
COUNT = os.environ.get("GSC_SUITE_COUNT", "8")
CLIENT = pathlib.Path(graphscope.__file__).parent
GROUPS = {
    "undirected graphs": "nx/tests/classes/test_graph.py",
    "directed graphs": "nx/tests/classes/test_digraph.py",
    "views": "nx/tests/classes/test_reportviews.py",
}


@pytest.mark.parametrize("group", GROUPS)
def test_sample_of_the_clients_own_tests(native, group, tmp_path):
    environment = dict(
        os.environ,
        DEPLOYMENT="standalone",
        GSC_SUITE_ADDR=native.address,
        GSC_SUITE_SEED=SEED,
        GSC_SUITE_COUNT=COUNT,
        PYTHONPATH=os.path.dirname(os.path.abspath(__file__)),
    )
    # `confcutdir`: the client's fixtures stand in a conftest.py above the tests.
    command = [
        sys.executable, "-m", "pytest", "-v", "--tb=short", "-p", "suite_sample", "-p", "no:cacheprovider",
        f"--confcutdir={CLIENT}", "--timeout=200", str(CLIENT / GROUPS[group]),
    ]  # fmt: skip
    with open(tmp_path / "output", "w+") as output:
        run = subprocess.run(
            command, cwd=tmp_path, env=environment, stdout=output, stderr=subprocess.STDOUT, timeout=500)
        output.seek(0)
        text = output.read()
    report = f"seed {SEED}, {COUNT} tests; the end of what they printed:\n{text[-6000:]}"
    print(report)
    assert run.returncode == 0, report
    assert int(re.search(r"(\d+) passed", text)[1]) > 0, report
