"""Writes a graph with the skewed degrees of a social network as two CSV files: DIR/v.csv and DIR/e.csv.

The same arguments give the same files. The edges follow the R-MAT model (Chakrabarti, Zhan, Faloutsos: "R-MAT: A
Recursive Model for Graph Mining", SDM 2004) with the parameters of the Graph500 benchmark.
"""

import argparse
import os

import numpy as np
import pyarrow as pa
import pyarrow.csv

A, B, C = 0.57, 0.19, 0.19  # probabilities of three quadrants of the adjacency matrix; the fourth gets the rest


def rmat(scale, edges, seed):
    """Returns the sources and destinations of `edges` edges between 2**scale vertices."""
    random = np.random.default_rng(seed)
    src = np.zeros(edges, dtype=np.int64)
    dst = np.zeros(edges, dtype=np.int64)
    for _ in range(scale):
        quadrant = random.random(edges)
        src = src * 2 + (quadrant >= A + B)
        dst = dst * 2 + (((quadrant >= A) & (quadrant < A + B)) | (quadrant >= A + B + C))
    # Permute the ids, so that they do not correlate with degrees.
    names = random.permutation(2**scale)
    return names[src], names[dst]


def write(directory, scale, edges, seed):
    src, dst = rmat(scale, edges, seed)
    weight = np.random.default_rng(seed + 1).integers(1, 100, edges)
    os.makedirs(directory, exist_ok=True)
    write_csv(os.path.join(directory, "v.csv"), id=np.arange(2**scale), age=np.arange(2**scale) % 90 + 10)
    write_csv(os.path.join(directory, "e.csv"), src=src, dst=dst, weight=weight)


def write_csv(path, **columns):
    with open(path, "wb") as file:
        file.write(",".join(columns).encode() + b"\n")
        pyarrow.csv.write_csv(pa.table(columns), file, pyarrow.csv.WriteOptions(include_header=False))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory")
    parser.add_argument("--scale", type=int, default=17, help="2**SCALE vertices (default 17: 131072)")
    parser.add_argument("--edges", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    write(arguments.directory, arguments.scale, arguments.edges, arguments.seed)
    print(f"Generated {2 ** arguments.scale:,} vertices and {arguments.edges:,} edges in {arguments.directory}")


if __name__ == "__main__":
    main()
