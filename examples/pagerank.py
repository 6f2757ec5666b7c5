"""Loads a graph from two CSV files, ranks its vertices with PageRank, and prints the top ten and the time of each part.

Nothing in it is specific to this coordinator: it runs unchanged on any GraphScope 0.29.
"""

import argparse
import time

import graphscope

clock = time.perf_counter


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--addr", default="127.0.0.1:63800", help="the coordinator (default: %(default)s)")
    parser.add_argument("vertices", help="CSV with a column id")
    parser.add_argument("edges", help="CSV whose first two columns are source and destination ids")
    arguments = parser.parse_args()

    timings = []

    def timed(name, work):
        start = clock()
        result = work()
        timings.append((name, clock() - start))
        return result

    sess = timed("connect", lambda: graphscope.session(addr=arguments.addr))
    graph = timed(
        "load",
        lambda: sess.g(directed=False)
        .add_vertices(arguments.vertices, "person")
        .add_edges(arguments.edges, "knows", src_label="person", dst_label="person"),
    )
    simple = timed("project", lambda: graph.project(vertices={"person": []}, edges={"knows": []}))
    ranks = timed("pagerank, 10 rounds", lambda: graphscope.pagerank(simple))
    frame = timed("fetch", lambda: ranks.to_dataframe({"id": "v.id", "rank": "r"}))

    print(f"\nTop 10 of {len(frame):,} vertices:")
    print(frame.sort_values("rank", ascending=False).head(10).to_string(index=False))
    print("\nSeconds:")
    for name, seconds in timings + [("together", sum(seconds for _, seconds in timings))]:
        print(f"  {name:<20} {seconds:7.3f}")
    sess.close()


if __name__ == "__main__":
    main()
