"""What networkx says of a graph, for each algorithm that has its definition there; plain definitions for the rest.

`Sample.multi` holds every edge. Where networkx takes no parallel edges, `Sample.simple` has them joined to one, whose weight is
their sum. Results are keyed by the ids of vertices.
"""

import random
from collections import deque
from fractions import Fraction

import networkx as nx
import numpy as np
from networkx.algorithms.community import louvain_communities, modularity

LABELS = ["a", "b", "c"]


class Sample:
    """A random graph by its seed: of any shape, with loops, parallel edges, weights and several labels or without."""

    def __init__(self, seed):
        self.seed = seed
        r = random.Random(seed)
        self.directed = r.random() < 0.5
        self.text = r.random() < 0.3
        self.weighted = r.random() < 0.5
        self.labels = r.choice([1, 1, 1, 2, 3])
        count = r.choice([1, 2, 3, 5, 8, 12, 20, 30]) + self.labels - 1
        ids = r.sample(range(-20, 60), count)
        self.vertices = [f"v{i}ö" if self.text else i for i in ids]
        # Vertices are numbered label by label.
        cuts = [0, *sorted(r.sample(range(1, count), self.labels - 1)), count]
        self.label_of = {}
        for label, (first, end) in enumerate(zip(cuts, cuts[1:])):
            for v in self.vertices[first:end]:
                self.label_of[v] = label
        loops, parallel = r.random() < 0.4, r.random() < 0.4
        pairs = [self.pair(r) for _ in range(int(count * r.choice([0, 0.5, 1, 2, 4])))]
        seen, self.edges = set(), []
        for u, v in pairs:
            key = (u, v) if self.directed else frozenset((u, v))
            if (u == v and not loops) or (key in seen and not parallel):
                continue
            seen.add(key)
            self.edges.append((u, v, r.choice([1, 2, 3, 5, 8]) / 4))
        self.group = {v: r.choice([1, 2, 5]) for v in self.vertices}
        self.name = {v: f"n{r.choice('xyz')}" for v in self.vertices}
        self.multi = nx.MultiDiGraph() if self.directed else nx.MultiGraph()
        self.simple = nx.DiGraph() if self.directed else nx.Graph()
        for graph in (self.multi, self.simple):
            graph.add_nodes_from((v, {"group": self.group[v], "name": self.name[v]}) for v in self.vertices)
        for u, v, w in self.edges:
            weight = w if self.weighted else 1
            self.multi.add_edge(u, v, w=weight)
            before = self.simple.edges[u, v]["w"] if self.simple.has_edge(u, v) else 0
            self.simple.add_edge(u, v, w=before + weight)

    def pair(self, r):
        """Some vertices attract most edges."""
        return self.vertices[int(len(self.vertices) * r.random() ** 2)], r.choice(self.vertices)

    def __repr__(self):
        kinds = ["directed" if self.directed else "undirected"]
        kinds += [word for word, is_so in (("text ids", self.text), ("weighted", self.weighted)) if is_so]
        return f"seed {self.seed}: {len(self.vertices)} vertices, {self.labels} labels, {self.edges}, {', '.join(kinds)}"


def triangles(sample):
    return nx.triangles(nx.Graph(sample.simple))


def katz(sample, alpha, beta, normalized):
    return nx.katz_centrality(sample.simple, alpha, beta, max_iter=1000, tol=1e-10, normalized=normalized, weight="w")


def eigenvector(sample):
    try:
        return nx.eigenvector_centrality(sample.simple, max_iter=500, tol=1e-7, weight="w")
    except nx.PowerIterationFailedConvergence:
        return None


def hits(sample, tolerance, rounds):
    """(hubs, authorities) after the power iteration, each scaled to a greatest value of 1 and in the end to a sum of 1."""
    matrix = nx.to_numpy_array(sample.simple, weight=None)
    for i, u in enumerate(sample.vertices):
        for j, v in enumerate(sample.vertices):
            matrix[i, j] = sample.multi.number_of_edges(u, v)
    hub, authority = np.full(len(matrix), 1 / len(matrix)), np.zeros(len(matrix))
    for _ in range(rounds):
        last = hub
        authority = matrix.T @ last
        hub = matrix @ authority
        authority = authority / (authority.max() or 1)
        hub = hub / (hub.max() or 1)
        if abs(hub - last).sum() <= tolerance:
            break
    return tuple(dict(zip(sample.vertices, x / (x.sum() or 1))) for x in (hub, authority))


def pagerank(sample):
    return nx.pagerank(sample.simple, 0.85, max_iter=500, tol=1e-9, weight="w")


def core_numbers(sample):
    """By its definition, for edges of both directions and parallel ones, without loops."""
    plain = nx.MultiGraph(sample.multi.to_undirected(as_view=False)) if not sample.directed else None
    around = {v: [] for v in sample.vertices}
    for u, v, _ in sample.edges:
        if u != v:
            around[u].append(v)
            around[v].append(u)
    left, cores, k = set(sample.vertices), {}, 0
    while left:
        gone = [v for v in left if sum(u in left for u in around[v]) <= k]
        for v in gone:
            cores[v] = k
        left -= set(gone)
        k += not gone
    if plain is not None and not parallel_edges(sample):
        loopless = nx.Graph(plain)
        loopless.remove_edges_from(list(nx.selfloop_edges(loopless)))
        assert nx.core_number(loopless) == cores
    return cores


def parallel_edges(sample):
    return sample.multi.number_of_edges() != sample.simple.number_of_edges()


def voterank(sample, number):
    """networkx's, with exact fractions: so vertices with as many votes are found to be so, and the first is elected."""
    edges = [(u, v) for u, v, _ in sample.edges]
    degrees = len(edges) * (1 if sample.directed else 2)
    vote, elected = dict.fromkeys(sample.vertices, Fraction(1)), []
    for _ in range(min(number or len(vote), len(vote))):
        score = dict.fromkeys(sample.vertices, Fraction(0))
        for u, v in edges:
            score[u] += vote[v]
            if not sample.directed:
                score[v] += vote[u]
        for v in elected:
            score[v] = 0
        best = max(sample.vertices, key=lambda v: score[v])
        if score[best] == 0:
            break
        elected.append(best)
        vote[best] = Fraction(0)
        for u, v in edges:
            for source, voter in [(u, v)] + ([] if sample.directed or u == v else [(v, u)]):
                if source == best:
                    vote[voter] = max(vote[voter] - Fraction(len(vote), degrees), Fraction(0))
    return elected


def search_tree(sample, source, depth):
    """(parent, child) in the order in which vertices are found; neighbours are looked at in the order of their numbers."""
    place = {v: i for i, v in enumerate(sample.vertices)}
    found, queue, tree = {source: 0}, deque([source]), []
    while queue:
        u = queue.popleft()
        if found[u] == depth:
            continue
        for v in sorted(sample.simple[u], key=place.get):
            if v not in found:
                found[v] = found[u] + 1
                queue.append(v)
                tree.append((u, v))
    limit = None if depth == -1 else depth
    assert found == dict(nx.single_source_shortest_path_length(sample.multi, source, cutoff=limit))
    return tree


def connectivity(sample, source, target):
    """The mean, over the edges of the vertices of a degree, of the degree at their other ends."""
    graph = sample.multi
    kinds = {"in+out": graph.degree}
    if sample.directed:
        kinds |= {"in": graph.in_degree, "out": graph.out_degree}
    sums = {}
    for v in graph:
        total = weight = 0
        if sample.directed and source == "in":
            entries = [(u, w) for u, _, w in graph.in_edges(v, data="w")]
        else:
            entries = [(u, w) for _, u, w in graph.edges(v, data="w")]
        for u, w in entries:
            total += w * kinds[target](u)
        weight = kinds[source](v, weight="w")
        before = sums.get(kinds[source](v), (0, 0))
        sums[kinds[source](v)] = (before[0] + total, before[1] + weight)
    result = {k: total / weight if weight else total for k, (total, weight) in sums.items()}
    if not parallel_edges(sample):
        expected = nx.average_degree_connectivity(sample.simple, source, target, weight="w")
        assert result.keys() == expected.keys() and np.allclose(list(result.values()), [expected[k] for k in result])
    return result


def quality(sample, communities):
    """Modularity of a partition, and of the one that networkx finds; None without edges."""
    if not sample.edges:
        return None
    best = louvain_communities(sample.multi, weight="w", seed=1)
    return modularity(sample.multi, communities, weight="w"), modularity(sample.multi, best, weight="w")


def plain(sample):
    """The graph without directions, loops and parallel edges."""
    graph = nx.Graph()
    graph.add_nodes_from(sample.vertices)
    graph.add_edges_from((u, v) for u, v, _ in sample.edges if u != v)
    return graph


def counted(sample):
    """The graph with the number of parallel edges as `n`; a loop of an undirected graph leads to its vertex twice."""
    graph = nx.DiGraph()
    graph.add_nodes_from(sample.vertices)
    for u, v, _ in sample.edges:
        for a, b in [(u, v)] if sample.directed else [(u, v), (v, u)]:
            before = graph.edges[a, b]["n"] if graph.has_edge(a, b) else 0
            graph.add_edge(a, b, n=before + 1)
    return graph


def bridges(sample):
    """The number of bridges of each vertex; an edge with a parallel one, in either direction, is none."""
    graph = nx.MultiGraph(plain(sample))
    graph.remove_edges_from(list(graph.edges))
    graph.add_edges_from((u, v) for u, v, _ in sample.edges if u != v)
    found = dict.fromkeys(sample.vertices, 0)
    for u, v in nx.bridges(graph):
        found[u] += 1
        found[v] += 1
    return found


def blocks(sample):
    """The biconnected component of each vertex on the way from the first vertex of its component, by its own first vertex."""
    place = {v: i for i, v in enumerate(sample.vertices)}
    graph, found = plain(sample), {}
    for component in nx.connected_components(graph):
        root = min(component, key=place.get)
        found[root] = place[root]
        distance = nx.single_source_shortest_path_length(graph, root)
        for block in nx.biconnected_components(graph.subgraph(component)):
            top = min(block, key=distance.get)
            for v in block - {top}:
                found[v] = min(place[u] for u in block if u != top)
    return found


def layers(sample, k):
    """The round in which each vertex is removed if a round removes all with at most k edges; k grows if there are none."""
    around = {v: [] for v in sample.vertices}
    for u, v, _ in sample.edges:
        if u != v:
            around[u].append(v)
            around[v].append(u)
    left, result, layer = set(sample.vertices), {}, 0
    while left:
        gone = [v for v in left if sum(u in left for u in around[v]) <= k]
        result |= dict.fromkeys(gone, layer)
        left -= set(gone)
        layer, k = (layer + 1, k) if gone else (layer, k + 1)
    return result


def embeddings(graph, pattern):
    """The number of ways to choose different vertices for those of a pattern such that its edges exist."""
    size = 1 + max(max(edge) for edge in pattern)

    def extend(chosen):
        if len(chosen) == size:
            return 1
        new = len(chosen)
        edges = [edge for edge in pattern if max(edge) == new]
        a, b = edges[0]
        near = graph[chosen[a]] if b == new else (graph.pred if graph.is_directed() else graph.adj)[chosen[b]]
        total = 0
        for v in near:
            ends = [*chosen, v]
            if v not in chosen and all(graph.has_edge(ends[a], ends[b]) for a, b in edges):
                total += extend(ends)
        return total

    return sum(extend([v]) for v in graph)


def matrix(sample):
    """The numbers of edges between vertices; a loop counts once."""
    place = {v: i for i, v in enumerate(sample.vertices)}
    result = np.zeros((len(place), len(place)))
    for u, v, _ in sample.edges:
        result[place[u], place[v]] += 1
        if not sample.directed and u != v:
            result[place[v], place[u]] += 1
    return result


def walks(sample, alpha, length):
    """The sum, over the walks of 1 to `length` edges that end at a vertex, of alpha to the power of their length."""
    step, last = matrix(sample).T * alpha, np.ones(len(sample.vertices))
    total = np.zeros(len(last))
    for _ in range(length):
        last = step @ last
        total += last
    return dict(zip(sample.vertices, total))


def authorities(sample, rounds):
    edges = matrix(sample)
    hub, authority = np.ones(len(edges)), np.zeros(len(edges))
    for _ in range(rounds):
        authority = edges.T @ hub
        authority = authority / (np.linalg.norm(authority) or 1)
        hub = edges @ authority
        hub = hub / (np.linalg.norm(hub) or 1)
    return dict(zip(sample.vertices, authority))


def article_rank(sample, delta, rounds):
    graph = counted(sample)
    degree = dict(graph.out_degree(weight="n"))
    mean = sum(degree.values()) / len(degree)
    rank = dict.fromkeys(graph, 0.0)
    for _ in range(rounds):
        rank = {
            v: 1 - delta + delta * sum(rank[u] * n / (degree[u] + mean) for u, _, n in graph.in_edges(v, data="n"))
            for v in graph
        }
    return rank
