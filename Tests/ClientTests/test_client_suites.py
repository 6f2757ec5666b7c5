"""A sample of the tests that come with the client, on the embedded engine.

A fixed part is always the same; the sample changes every day. GSC_SUITE_SEED sets the seed of the sample, which is printed, and
GSC_SUITE_EMBEDDED_COUNT the number of its tests. The tests need GraphScope's test data: GSC_SHARED names the directory that
contains `data/gstest.tar.xz`. `scripts/client-suites.sh` runs all of them.
"""

import datetime
import os
import pathlib
import random
import re
import subprocess
import sys
import tarfile

import graphscope
import pytest

import suite_data
from conftest import SHARED

# One of five samples each day, in turn.
SEED = os.environ.get("GSC_SUITE_SEED", str(datetime.date.today().toordinal() % 5))
COUNT = os.environ.get("GSC_SUITE_EMBEDDED_COUNT", "12")
FILES = 4
CLIENT = pathlib.Path(graphscope.__file__).parent

FIXED = [
    "tests/unittest/test_session.py",
    "tests/unittest/test_serialize.py",
    "tests/unittest/test_context.py",
    "nx/tests/test_ctx_builtin.py",
]
SAMPLED = ["tests/unittest", "nx/tests", "nx/algorithms/tests/builtin"]
FORWARD = [
    "assortativity", "asteroidal", "bipartite", "boundary", "bridges", "chains", "chordal", "clique", "cluster",
    "coloring", "communicability", "components", "core", "covering", "cuts",
]  # fmt: skip
# Files whose tests are not for this engine, that need the network, or that take minutes; docs/compatibility.md says why.
LEFT_OUT = [
    "tests/unittest/test_cython_ast.py", "tests/unittest/test_download.py", "tests/unittest/test_graphar.py",
    "tests/unittest/test_java_app.py", "tests/unittest/test_lazy.py", "tests/unittest/test_scalability.py",
    "tests/unittest/test_udf_app.py", "nx/tests/test_transformation.py",
]  # fmt: skip

# They take two minutes together on an idle machine.
pytestmark = [pytest.mark.ours("the reference runs them at its own place"), pytest.mark.timeout(1000)]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """GraphScope's test data, with what it lacks."""
    archive = SHARED / "data" / "gstest.tar.xz"
    if not archive.exists():
        pytest.skip(f"no test data at {archive}: set GSC_SHARED to the directory that contains data/gstest.tar.xz")
    root = tmp_path_factory.mktemp("suites")
    with tarfile.open(archive) as tar:
        tar.extractall(root)
    suite_data.make(root)
    return root


def run(paths, count, coordinator, data, directory):
    environment = dict(
        os.environ,
        DEPLOYMENT="standalone",
        GS_TEST_DIR=str(data),
        GSC_SUITE_ADDR=coordinator.address,
        GSC_SUITE_SEED=SEED,
        GSC_SUITE_COUNT=count,
        PYTHONPATH=os.path.dirname(os.path.abspath(__file__)),
    )
    # `confcutdir`: the client's fixtures stand in a conftest.py above the tests.
    command = [
        sys.executable, "-m", "pytest", "-q", "-rfE", "--tb=short", "-p", "suite_sample", "-p", "no:cacheprovider",
        f"--confcutdir={CLIENT}", "--timeout=240", *[str(CLIENT / path) for path in paths],
    ]  # fmt: skip
    with open(directory / "output", "w+") as output:
        process = subprocess.run(
            command, cwd=directory, env=environment, stdout=output, stderr=subprocess.STDOUT, timeout=900)
        output.seek(0)
        text = output.read()
    report = f"seed {SEED}, {count} tests; the end of what they printed:\n{text[-6000:]}"
    print(report)
    assert process.returncode == 0, report
    return int(re.search(r"(\d+) passed", text)[1])


def test_fixed_part(coordinator, data, tmp_path):
    assert run(FIXED, "1000000", coordinator, data, tmp_path) >= 30


def test_sample(coordinator, data, tmp_path):
    # A few files, because collecting all of them takes longer than most tests.
    files = sorted(str(path.relative_to(CLIENT)) for place in SAMPLED for path in (CLIENT / place).rglob("test_*.py"))
    files += [f"nx/algorithms/tests/forward/test_{name}.py" for name in FORWARD]
    files = random.Random(int(SEED)).sample([path for path in files if path not in LEFT_OUT], FILES)
    print(*files, sep="\n")
    assert run(files, COUNT, coordinator, data, tmp_path) > 0
