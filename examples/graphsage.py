"""Trains GraphSAGE to classify nodes, on samples that the coordinator serves: features and labels of nodes and of their neighbours.

Needs numpy alone; with torch installed (`--torch`) the same model is trained by it. Makes a graph of communities whose members have
noisy features, so that a node alone is hard to classify, and a node with its neighbours is not. Shows progress, and the loss as a
plot (with matplotlib as loss.png, otherwise as text).
"""

import argparse
import time

import graphscope
import graphscope.learning  # noqa: F401  (makes graphlearn importable)
import graphlearn as gl
import numpy as np
import pandas as pd
from graphscope.framework.loader import Loader

CLASSES, FEATURES = 4, 8


def make_graph(session, nodes, degree, generator):
    """Nodes with a class and noisy features; nine of ten edges stay within a class."""
    classes = generator.integers(CLASSES, size=nodes)
    centres = generator.normal(size=(CLASSES, FEATURES))
    features = centres[classes] + generator.normal(scale=2.0, size=(nodes, FEATURES))
    members = [np.flatnonzero(classes == c) for c in range(CLASSES)]
    sources = np.repeat(np.arange(nodes), degree)
    inside = np.concatenate([generator.choice(members[c], degree) for c in classes])
    targets = np.where(
        generator.random(len(sources)) < 0.9,
        inside,
        generator.integers(nodes, size=len(sources)),
    )
    columns = {f"f{i}": features[:, i] for i in range(FEATURES)}
    papers = pd.DataFrame({"id": np.arange(nodes), "label": classes, **columns})
    cites = pd.DataFrame({"src": sources, "dst": targets})
    return session.load_from(
        vertices={"paper": (Loader(papers), None, "id")},
        edges={"cites": (Loader(cites), None, ("src", "paper"), ("dst", "paper"))},
    )


def samples(learning, mask, batch, hops):
    """Yields (features of nodes, means of their neighbours' features, labels) for one epoch after the other; None between them."""
    query = (
        learning.V("paper", mask=mask).batch(batch).shuffle(traverse=True).alias("seed")
        .outV("cites").sample(hops).by("random").alias("near").values()
    )  # fmt: skip
    dataset = gl.Dataset(query)
    while True:
        try:
            values = dataset.next()
        except gl.OutOfRangeError:
            yield None
            continue
        seeds = values["seed"]
        near = values["near"].float_attrs.reshape(-1, hops, FEATURES)
        yield seeds.float_attrs.reshape(-1, FEATURES), near.mean(axis=1), seeds.labels


def epoch(stream):
    """The batches until the end of an epoch."""
    return iter(lambda: next(stream), None)


class NumpyModel:
    """Softmax over tanh of [node, mean of neighbours]: one layer of GraphSAGE and a classifier, trained with Adam."""

    def __init__(self, generator, hidden=32, rate=0.01):
        self.weights = [
            generator.normal(scale=0.2, size=(2 * FEATURES, hidden)),
            generator.normal(scale=0.2, size=(hidden, CLASSES)),
        ]
        self.moments = [(np.zeros_like(w), np.zeros_like(w)) for w in self.weights]
        self.rate, self.steps = rate, 0

    def forward(self, nodes, near):
        inputs = np.concatenate([nodes, near], axis=1)
        hidden = np.tanh(inputs @ self.weights[0])
        scores = hidden @ self.weights[1]
        exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
        return inputs, hidden, exponentials / exponentials.sum(axis=1, keepdims=True)

    def predict(self, nodes, near):
        return self.forward(nodes, near)[2].argmax(axis=1)

    def train(self, nodes, near, labels):
        inputs, hidden, chances = self.forward(nodes, near)
        rows = np.arange(len(labels))
        loss = -np.log(chances[rows, labels] + 1e-9).mean()
        chances[rows, labels] -= 1
        chances /= len(labels)
        inner = (chances @ self.weights[1].T) * (1 - hidden**2)
        self.steps += 1
        for place, slope in enumerate([inputs.T @ inner, hidden.T @ chances]):
            first, second = self.moments[place]
            first += 0.1 * (slope - first)
            second += 0.001 * (slope**2 - second)
            mean, square = (
                first / (1 - 0.9**self.steps),
                second / (1 - 0.999**self.steps),
            )
            self.weights[place] -= self.rate * mean / (np.sqrt(square) + 1e-8)
        return loss


class TorchModel:
    """The same model in torch."""

    def __init__(self, hidden=32, rate=0.01):
        import torch

        self.torch = torch
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(2 * FEATURES, hidden), torch.nn.Tanh(), torch.nn.Linear(hidden, CLASSES))  # fmt: skip
        self.optimizer = torch.optim.Adam(self.layers.parameters(), lr=rate)

    def scores(self, nodes, near):
        return self.layers(self.torch.from_numpy(np.concatenate([nodes, near], axis=1).astype(np.float32)))

    def predict(self, nodes, near):
        return self.scores(nodes, near).argmax(dim=1).numpy()

    def train(self, nodes, near, labels):
        loss = self.torch.nn.functional.cross_entropy(
            self.scores(nodes, near), self.torch.from_numpy(labels.astype(np.int64)))  # fmt: skip
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


def plot(losses):
    """Writes loss.png, or draws the loss as text where matplotlib is not installed."""
    try:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        pyplot.plot(losses)
        pyplot.xlabel("batch")
        pyplot.ylabel("loss")
        pyplot.savefig("loss.png", dpi=120)
        print("The loss is plotted in loss.png")
    except ImportError:
        parts = np.array_split(losses, min(12, len(losses)))
        for part in parts:
            print(f"  loss {part.mean():6.3f} {'#' * int(40 * part.mean() / max(losses))}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--addr",
        default="127.0.0.1:63800",
        help="the coordinator (default: %(default)s)",
    )
    parser.add_argument("--nodes", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--torch", action="store_true", help="train with torch instead of numpy")
    arguments = parser.parse_args()

    generator = np.random.default_rng(1)
    session = graphscope.session(addr=arguments.addr)
    graph = make_graph(session, arguments.nodes, 10, generator)
    learning = session.graphlearn(
        graph,
        nodes=[("paper", [f"f{i}" for i in range(FEATURES)])],
        edges=[("paper", "cites", "paper")],
        gen_labels=[
            ("train", "paper", 100, (0, 80)),
            ("test", "paper", 100, (80, 100)),
        ],
    )
    model = TorchModel() if arguments.torch else NumpyModel(generator)
    training = samples(learning, gl.Mask.TRAIN, arguments.batch, 10)
    losses = []
    for number in range(1, arguments.epochs + 1):
        begin = time.perf_counter()
        for nodes, near, labels in epoch(training):
            losses.append(model.train(nodes, near, labels))
            print(
                f"\repoch {number}/{arguments.epochs}, batch {len(losses)}, loss {losses[-1]:.3f} ",
                end="",
                flush=True,
            )
        print(f"({time.perf_counter() - begin:.1f} s)")
    right = total = 0
    for nodes, near, labels in epoch(samples(learning, gl.Mask.TEST, arguments.batch, 10)):
        right += int((model.predict(nodes, near) == labels).sum())
        total += len(labels)
    print(f"{100 * right / total:.1f} % of {total} test nodes are classified correctly")
    plot(np.array(losses))
    learning.close()
    session.close()


if __name__ == "__main__":
    main()
