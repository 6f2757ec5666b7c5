"""Subgraphs of the edges that a Gremlin query finds, on GraphScope's own engines, with the unmodified client."""

import threading

import graphscope
import pandas as pd
import psutil
import pytest
from graphscope.framework.loader import Loader

from conftest import close
from process import wait_until
from test_native import column, engines, gstest, native, open_session, p2p, pytestmark, simple  # noqa: F401


def modern(session, gstest):
    folder = gstest / "modern_graph"

    def table(name):
        return Loader(str(folder / name), delimiter="|")

    graph = session.g().add_vertices(table("person.csv"), "person").add_vertices(table("software.csv"), "software")
    graph = graph.add_edges(table("knows.csv"), "knows", src_label="person", dst_label="person")
    return graph.add_edges(table("created.csv"), "created", src_label="person", dst_label="software")


def people(graph):
    return sorted(graph.to_dataframe({"id": "v:person.id"}).id)


def test_edges_of_a_query_become_a_graph(open_session, gstest):
    session = open_session()
    instance = session.interactive(modern(session, gstest))
    graph = instance.subgraph("g.V().hasLabel('person').outE('knows')")
    assert graph.schema.vertex_labels == ["person", "software"] and graph.schema.edge_labels == ["created", "knows"]
    assert people(graph) == [1, 2, 4]
    assert people(instance.subgraph("g.V().hasLabel('software').inE('created')")) == [1, 4, 6]
    assert people(instance.subgraph("g.V().has('age', gt(1000)).outE()")) == []
    for query in ("g.V().count()", "g.V()", "g.V().nonsense()"):
        with pytest.raises(RuntimeError, match="rejected the query.*597"):
            instance.subgraph(query)
    with pytest.raises(RuntimeError, match="returned no edges"):
        instance.subgraph("g.V().outE()')")
    assert people(instance.subgraph("g.E()")) == [1, 2, 4, 6], "what failed left nothing behind"
    instance.close()
    with pytest.raises(RuntimeError, match="no interactive instance"):
        instance.subgraph("g.E()")
    again = session.interactive(graph)
    assert again.execute("g.E().count()").all().result() == [2], "a subgraph can be asked in turn"


def test_ids_that_are_texts_are_refused_at_once(open_session):
    """The executor would end itself."""
    session = open_session()
    vertices, edges = pd.DataFrame({"id": ["a", "b"], "x": [1, 2]}), pd.DataFrame({"s": ["a"], "d": ["b"], "w": [1.5]})
    graph = session.g(oid_type="string").add_vertices(vertices, "p").add_edges(edges, "e", src_label="p", dst_label="p")
    instance = session.interactive(graph)
    with pytest.raises(Exception, match="integer ids"):
        instance.subgraph("g.E()")
    assert instance.execute("g.E().count()").all().result() == [1]


def test_a_larger_subgraph_has_all_edges(open_session, gstest):
    session = open_session()
    whole = p2p(session, gstest, directed=True)
    instance = session.interactive(whole)
    graph = instance.subgraph("g.E()")
    edges = instance.execute("g.E().count()").all().result()[0]
    instance.close()
    copy = session.interactive(graph)
    assert copy.execute("g.E().count()").all().result() == [edges]
    reached = column(graphscope.sssp(graph._project_to_simple(e_prop="dist"), src=6))
    truth = column(graphscope.sssp(simple(whole), src=6))
    assert (reached == truth.loc[reached.index]).all()


class Extraction(threading.Thread):
    """Asks for a subgraph while the executor stands still."""

    def __init__(self, native, instance):
        super().__init__(daemon=True)
        self.instance, self.error = instance, None
        self.executor, self.front_end = engines(native)["gaia_executor"][0], engines(native)["java"][0]
        self.executor.suspend()
        ports = {c.laddr.port for c in self.front_end.connections("tcp") if c.status == psutil.CONN_LISTEN}
        self.start()
        coordinator = psutil.Process(native.process.pid)
        wait_until(
            lambda: any(c.raddr and c.raddr.port in ports for c in coordinator.connections("tcp")), 30, "it is asked")

    def run(self):
        try:
            self.instance.subgraph("g.E()")
        except BaseException as error:
            self.error = error

    def end(self):
        self.join(30)
        assert not self.is_alive(), "it hangs"
        return self.error


@pytest.mark.parametrize("victim", ["gaia_executor", "java"])
def test_an_end_in_the_middle_is_an_error_and_the_session_goes_on(native, open_session, gstest, victim):
    session = open_session()
    graph = modern(session, gstest)
    extraction = Extraction(native, session.interactive(graph))
    (extraction.executor if victim == "gaia_executor" else extraction.front_end).kill()
    error = str(extraction.end())
    assert "interactive instance" in error and "SIGKILL" in error
    assert people(graph) == [1, 2, 4, 6]


@pytest.mark.parametrize("victim", ["grape_engine", "vineyardd"])
def test_the_end_of_the_session_s_engine_ends_it(native, open_session, gstest, victim):
    session = open_session()
    extraction = Extraction(native, session.interactive(modern(session, gstest)))
    engines(native)[victim][0].kill()
    assert "SIGKILL" in str(extraction.end())


def test_a_session_closed_in_the_middle_ends_it(native, open_session, gstest):
    session = open_session()
    extraction = Extraction(native, session.interactive(modern(session, gstest)))
    close(session)
    assert "was closed" in str(extraction.end())
    wait_until(lambda: not engines(native), 20, "all is gone")
