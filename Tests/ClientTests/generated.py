"""Stands in for the public test data of GraphScope where that is not at hand: the same files, columns and sizes."""

import numpy as np
import pandas as pd
import scipy.sparse
import scipy.sparse.csgraph

VERTICES, EDGES, SOURCE = 62586, 147892, 6
MODERN = {
    "person": "id|name|age\n1|marko|29\n2|vadas|27\n4|josh|32\n6|peter|35\n",
    "software": "id|name|lang\n3|lop|java\n5|ripple|java\n",
    "knows": "src_id|dst_id|weight\n1|2|0.5\n1|4|1.0\n",
    "created": "src_id|dst_id|weight\n1|3|0.4\n4|3|0.4\n4|5|1.0\n6|3|0.2\n",
}


def write(root):
    """The modern graph, and a random graph of p2p-31's size with its shortest paths by SciPy."""
    (root / "modern_graph").mkdir()
    for name, text in MODERN.items():
        (root / "modern_graph" / f"{name}.csv").write_text(text)
    (root / "property" / "ldbc").mkdir(parents=True)
    random = np.random.default_rng(31)
    pairs = np.sort(random.integers(1, VERTICES + 1, (2 * EDGES, 2)), axis=1)
    pairs = random.permutation(np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0))[:EDGES]
    distances = random.integers(1, 100, EDGES)
    table = pd.DataFrame({"src_id": pairs[:, 0], "dst_id": pairs[:, 1], "src_label_id": 0, "dst_label_id": 0})
    table.assign(dist=distances).to_csv(root / "property" / "p2p-31_property_e_0", index=False)
    ids = np.arange(1, VERTICES + 1)
    pd.DataFrame({"id": ids, "weight": 0}).to_csv(root / "property" / "p2p-31_property_v_0", index=False)
    size = VERTICES + 1
    matrix = scipy.sparse.csr_matrix((distances, (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    paths = scipy.sparse.csgraph.dijkstra(matrix, directed=False, indices=SOURCE)[1:]
    with open(root / "property" / "ldbc" / "p2p-31-SSSP", "w") as file:
        file.writelines(f"{id} {'infinity' if np.isinf(path) else repr(float(path))}\n" for id, path in zip(ids, paths))
