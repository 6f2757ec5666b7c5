"""Every function of the client's flash modules, with its own defaults."""

import inspect

import numpy as np
import pandas as pd
import pytest
from graphscope.analytical.app import flash
from graphscope.framework.context import TensorContextDAGNode

pytestmark = pytest.mark.ours("the reference compiles each of these for a minute")

MODULES = [
    "centrality", "clustering", "connectivity", "core", "matching", "measurement", "ranking", "subgraph", "traversal",
]  # fmt: skip
FUNCTIONS = sorted(
    f"{module}.{name}"
    for module in MODULES
    for name, function in inspect.getmembers(getattr(flash, module), inspect.isfunction)
    if name in vars(flash) and name not in ("project_to_simple", "not_compatible_for")
)
RANDOM = {
    "clustering.fluid_community",
    "clustering.fluid_community_2",
    "clustering.label_propagation_2",
    "traversal.random_multi_bfs",
}


def graph(sess, directed):
    edges = pd.DataFrame({"src": [1, 1, 2, 3, 4, 5], "dst": [2, 3, 3, 4, 5, 6], "w": [1.0, 2, 3, 4, 5, 6]})
    vertices = pd.DataFrame({"id": np.arange(1, 8)})
    return sess.load_from(
        vertices={"v": vertices}, edges={"e": (edges, ["w"], ("src", "v"), ("dst", "v"))}, directed=directed, oid_type="int64_t"
    )


def test_all_functions_are_known():
    assert len(FUNCTIONS) == 73


@pytest.mark.parametrize("directed", [True, False])
def test_function_has_a_result_or_is_refused_by_name(sess, directed):
    loaded = graph(sess, directed)
    for name in FUNCTIONS:
        module, function = name.split(".")
        call = getattr(getattr(flash, module), function)
        if name in RANDOM:
            with pytest.raises(Exception, match="algorithm 'flash_[a-z_]+' is not built"):
                call(loaded)
            continue
        context = call(loaded)
        if isinstance(context._context_node, TensorContextDAGNode):
            assert context.to_numpy("r", axis=0).shape == (1,), name
        else:
            frame = context.to_dataframe({"id": "v.id", "r": "r"})
            assert sorted(frame["id"]) == list(range(1, 8)), name
            assert frame["r"].notna().all(), name
