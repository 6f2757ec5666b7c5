"""Queries of the unmodified client, and of the neo4j driver, answered by the embedded engine."""

import os
import signal
import subprocess
import sys
import time

import graphscope
import neo4j
import pandas as pd
import psutil
import pytest
from gremlin_python.driver.protocol import GremlinServerError
from gremlin_python.process.traversal import P

import processes
from conftest import close
from process import wait_until

pytestmark = pytest.mark.ours("the Python coordinator needs Java and an executor for queries")


def modern(session):
    """TinkerPop's modern graph."""
    person = pd.DataFrame({"id": [1, 2, 4, 6], "name": ["marko", "vadas", "josh", "peter"], "age": [29, 27, 32, 35]})
    software = pd.DataFrame({"id": [3, 5], "name": ["lop", "ripple"], "lang": ["java", "java"]})
    knows = pd.DataFrame({"src": [1, 1], "dst": [2, 4], "weight": [0.5, 1.0]})
    created = pd.DataFrame({"src": [1, 4, 4, 6], "dst": [3, 5, 3, 3], "weight": [0.4, 1.0, 0.4, 0.2]})
    graph = session.g().add_vertices(person, "person").add_vertices(software, "software")
    graph = graph.add_edges(knows, "knows", src_label="person", dst_label="person")
    return graph.add_edges(created, "created", src_label="person", dst_label="software")


@pytest.fixture(scope="module")
def opened(coordinator):
    session = graphscope.session(addr=coordinator.address)
    graph = modern(session)
    instance = session.interactive(graph, with_cypher=True)
    yield session, graph, instance
    instance.close()
    close(session)


@pytest.fixture(scope="module")
def instance(opened):
    return opened[2]


def cypher(instance, text, **parameters):
    records = instance.execute(text, lang="cypher", parameters_=parameters).records
    return [tuple(record.values()) for record in records]


RIGHT = {
    "MATCH (n) RETURN count(n)": [(6,)],
    "MATCH (a) RETURN a.age AS x ORDER BY x": [(27,), (29,), (32,), (35,), (None,), (None,)],
    "MATCH (a:person) OPTIONAL MATCH (a)-[:created]->(s) WHERE s.name='ripple' RETURN a.name AS n, s.name AS s ORDER BY n":
        [("josh", "ripple"), ("marko", None), ("peter", None), ("vadas", None)],
    "MATCH (a)-[r1]-(b)-[r2]-(c) RETURN count(*)": [(18,)],
    "MATCH (a)-[r1]-(b) MATCH (b)-[r2]-(c) RETURN count(*)": [(30,)],
    "MATCH (a:person {name:'josh'})-[k*1..2]-(b) RETURN count(b)": [(7,)],
    "MATCH (a:person) WHERE a.age>100 RETURN sum(a.age)": [(0,)],
    "MATCH (a)-[:created]->(b)<-[:created]-(c) RETURN count(*)": [(6,)],
    "MATCH p=({name:'marko'})-[*]-() RETURN count(p)": [(13,)],
    "RETURN 7/2, -7/2, 7 % -3, 12 / 4 * 3 - 2 * 4, -3 ^ 2, 1/0.0": [(3, -3, 1, 1, 9.0, float("inf"))],
    "RETURN 3 IN [1,null,3], 4 IN [1,null,3], null IN [], null = null, true OR null, true XOR null":
        [(True, None, False, None, True, None)],
    "MATCH (n:X) RETURN count(*), sum(n.v), avg(n.v), min(n.v), collect(n.v)": [(0, 0, None, None, [])],
    "MATCH (a:person {name: 'marko'}), (b:software {name: 'ripple'}), p = shortestPath((a)-[*]-(b)) RETURN length(p)":
        [(2,)],
    "MATCH (a:person) RETURN a.name AS n ORDER BY a.age DESC SKIP 1 LIMIT 2": [("josh",), ("marko",)],
    "UNWIND range(1, 3) AS x WITH x WHERE x > 1 RETURN collect(x * 2) AS xs": [([4, 6],)],
    "MATCH (a:person) WHERE EXISTS { (a)-[:created]->(:software {name: 'lop'}) } RETURN collect(a.name) AS names":
        [(["marko", "josh", "peter"],)],
}


@pytest.mark.parametrize("text", RIGHT)
def test_answers_of_cypher_are_right(instance, text):
    assert cypher(instance, text) == RIGHT[text]


def test_elements_come_with_their_labels_and_properties(instance):
    [(a, r, b)] = cypher(instance, "MATCH (a {name: 'marko'})-[r:created]->(b) RETURN a, r, b")
    assert set(a.labels) == {"person"} and a["age"] == 29 and a["name"] == "marko"
    assert r.type == "created" and r["weight"] == 0.4 and r.start_node == a and r.end_node == b
    [(path,)] = cypher(instance, "MATCH p = ({name: 'vadas'})<-[:knows]-()-[:created]->() RETURN p")
    assert [node["name"] for node in path.nodes] == ["vadas", "marko", "lop"]


def test_parameters_are_used_everywhere(instance):
    assert cypher(instance, "MATCH (p:person {name: $name}) RETURN p.age + $more", name="josh", more=1) == [(33,)]
    assert cypher(instance, "MATCH (p:person) RETURN p.name ORDER BY p.age LIMIT $n", n=1) == [("vadas",)]


@pytest.mark.parametrize(("text", "code"), [
    ("MATCH (a) RETURN b", "Neo.ClientError.Statement.SyntaxError"),
    ("MATCH (a RETURN a", "Neo.ClientError.Statement.SyntaxError"),
    ("RETURN 1/0", "Neo.ClientError.Statement.ArithmeticError"),
    ("RETURN $missing", "Neo.ClientError.Statement.ParameterMissing"),
    ("CALL no.such.procedure()", "Neo.ClientError.Procedure.ProcedureNotFound"),
])
def test_mistakes_are_told_as_the_clients_own(instance, text, code):
    with pytest.raises(neo4j.exceptions.ClientError) as failed:
        cypher(instance, text)
    assert failed.value.code == code


def test_writing_is_rejected_in_words(instance):
    with pytest.raises(neo4j.exceptions.Neo4jError, match="CREATE"):
        cypher(instance, "CREATE (:person {name: 'x'})")
    assert cypher(instance, "MATCH (n) RETURN count(n)") == [(6,)]


def test_names_that_the_graph_does_not_have_match_nothing(instance):
    assert cypher(instance, "MATCH (n:nothing) RETURN n.what") == []


GREMLIN = {
    "g.V().count()": [6],
    "g.V().order().by('age').count()": [4],
    "g.V().fold().count(Scope.local)": [6],
    "g.V().values('age').fold(0, Operator.sum)": [123],
    "g.V().both().hasLabel('person').order().by('age', desc).dedup().values('name')": ["peter", "josh", "marko", "vadas"],
    "g.V().both().both().count()": [30],
    "g.V().has('name', 'marko').repeat(out()).until(outE().count().is(0)).values('name')":
        ["lop", "vadas", "ripple", "lop"],
    "g.V().repeat(out()).times(2).emit().path().count()": [8],
    "g.V().has('name', 'marko').as('a').as('b').select('a', 'b').by('name').by('age')": [{"a": "marko", "b": 29}],
    "g.V().groupCount().by(label)": [{"person": 4, "software": 2}],
    "g.V().hasLabel('software').valueMap('name').unfold().count()": [2],
}


@pytest.mark.parametrize("text", GREMLIN)
def test_answers_of_gremlin_are_right(instance, text):
    answer = instance.execute(text).all().result()
    key = repr if len(answer) > 1 and "order" not in text else None
    assert sorted(answer, key=key) == sorted(GREMLIN[text], key=key) if key else answer == GREMLIN[text]


def test_bytecode_is_answered_as_scripts_are(instance):
    g = instance.traversal_source()
    assert g.V().hasLabel("person").values("name").order().toList() == ["josh", "marko", "peter", "vadas"]
    assert g.V().has("name", "marko").out("knows").count().next() == 2
    assert g.V().has("age", P.gt(30)).count().next() == 2
    assert g.E().hasLabel("created").inV().dedup().values("name").toSet() == {"lop", "ripple"}


def test_bindings_are_used(instance):
    answer = instance.execute("g.V().has('name', who).values('age')", request_options={"bindings": {"who": "josh"}})
    assert answer.all().result() == [32]


@pytest.mark.parametrize(("text", "words"), [
    ("g.V().out(", "expected|end"), ("g.V().nonsense()", "nonsense"), ("g.addV('person')", "addV"),
    ("g.V().map{it.get()}", "steps"), ("g.V().explain()", "explain"), ("g.V().profile()", "profile"),
])
def test_mistakes_in_gremlin_are_told(instance, text, words):
    with pytest.raises(GremlinServerError, match=f"(?i){words}"):
        instance.execute(text).all().result()


def test_plans_are_shown_and_measured(instance):
    with driver(instance) as connection, connection.session() as session:
        text = "MATCH (p:person) RETURN p.name"
        explained = session.run("EXPLAIN " + text)
        assert list(explained) == [] and "rows" not in explained.consume().plan
        profiled = session.run("PROFILE " + text)
        assert len(list(profiled)) == 4
        assert profiled.consume().profile["rows"] == 4


def driver(instance):
    return neo4j.GraphDatabase.driver(instance.cypher_url[0], auth=("", ""))


def test_rows_stream_while_the_query_runs(instance):
    with driver(instance) as connection, connection.session(fetch_size=10) as session:
        rows = session.run("UNWIND range(1, 100000000) AS x RETURN x")
        assert [row["x"] for row, _ in zip(rows, range(25))] == list(range(1, 26))
    assert cypher(instance, "RETURN 1") == [(1,)]


def serving(coordinator):
    """The processes that serve graphs."""
    return [p for p in psutil.Process(coordinator.process.pid).children(True) if "graph-server" in processes.arguments(p)]


ENDLESS = "UNWIND range(1, 1000000) AS x UNWIND range(1, 1000000) AS y RETURN count(*)"
NOTEBOOK = """
import sys, neo4j
with neo4j.GraphDatabase.driver(sys.argv[1], auth=("", "")) as driver, driver.session() as session:
    print("begins", flush=True)
    session.run(sys.argv[2]).consume()
"""


def test_a_query_that_never_ends_ends_with_its_client(coordinator, instance):
    [server] = [p for p in serving(coordinator) if any(instance.cypher_url[0].endswith(f":{port}") for port in ports(p))]
    notebook = subprocess.Popen(
        [sys.executable, "-c", NOTEBOOK, instance.cypher_url[0], ENDLESS], stdout=subprocess.PIPE, text=True)
    assert notebook.stdout.readline() == "begins\n"
    wait_until(lambda: is_busy(server), 30, "the query runs")
    notebook.kill()
    notebook.wait()
    wait_until(lambda: not is_busy(server), 30, "the query no longer runs")


def ports(process):
    return {s.laddr.port for s in process.connections("tcp") if s.status == psutil.CONN_LISTEN}


def is_busy(process):
    before = sum(process.cpu_times()[:2])
    time.sleep(0.5)
    return sum(process.cpu_times()[:2]) - before > 0.1


def test_a_query_that_needs_too_much_memory_fails_alone(coordinator):
    session = graphscope.session(addr=coordinator.address)
    instance = session.interactive(modern(session), params={"query.memory.bytes": 1_000_000}, with_cypher=True)
    with pytest.raises(neo4j.exceptions.TransientError, match="1000000 bytes"):
        cypher(instance, "UNWIND range(1, 100000000) AS x RETURN collect(toString(x))")
    assert cypher(instance, "UNWIND range(1, 100000) AS x RETURN count(x)") == [(100000,)]
    instance.close()
    close(session)


def test_parameters_that_are_not_known_are_rejected_by_name(coordinator):
    session = graphscope.session(addr=coordinator.address)
    with pytest.raises(Exception, match="query.memory.byte'.*Do you mean query.memory.bytes"):
        session.interactive(modern(session), params={"query.memory.byte": 1})
    close(session)


def test_a_time_limit_ends_a_query(instance):
    with driver(instance) as connection, connection.session() as session:
        query = neo4j.Query(ENDLESS, timeout=1)
        begun = time.monotonic()
        with pytest.raises(neo4j.exceptions.ClientError) as failed:
            session.run(query).consume()
        assert failed.value.code == "Neo.ClientError.Transaction.TransactionTimedOut"
        assert time.monotonic() - begun < 20


def test_projected_graphs_show_what_they_have_alone(coordinator):
    session = graphscope.session(addr=coordinator.address)
    graph = modern(session).project(vertices={"person": ["name"]}, edges={"knows": []})
    instance = session.interactive(graph, with_cypher=True)
    assert cypher(instance, "MATCH (n) RETURN count(n), count(n.age)") == [(4, 0)]
    assert cypher(instance, "MATCH ()-[r]->() RETURN type(r), count(r), count(r.weight)") == [("knows", 2, 0)]
    instance.close()
    close(session)


def test_without_cypher_there_is_no_endpoint_for_it(coordinator):
    session = graphscope.session(addr=coordinator.address)
    instance = session.interactive(modern(session), with_cypher=False)
    assert instance.cypher_url == ["neo4j://cypher is disabled"]
    assert instance.execute("g.V().count()").all().result() == [6]
    instance.close()
    close(session)


def test_two_graphs_are_served_side_by_side_and_each_once(coordinator):
    session = graphscope.session(addr=coordinator.address)
    graphs = [modern(session), modern(session).project(vertices={"software": ["name"]}, edges={})]
    instances = [session.interactive(graph, with_cypher=True) for graph in graphs]
    assert [cypher(i, "MATCH (n) RETURN count(n)") for i in instances] == [[(6,)], [(2,)]]
    instances[0].close()
    assert cypher(instances[1], "MATCH (n) RETURN count(n)") == [(2,)]
    again = session.interactive(graphs[0], with_cypher=True)
    assert cypher(again, "MATCH (n) RETURN count(n)") == [(6,)]
    close(session)


def test_a_killed_server_ends_its_instance_alone(start):
    coordinator = start()
    session = graphscope.session(addr=coordinator.address)
    graph = modern(session)
    instance = session.interactive(graph, with_cypher=True)
    [server] = serving(coordinator)
    os.kill(server.pid, signal.SIGKILL)
    wait_until(lambda: not serving(coordinator), 10, "it is gone")
    with pytest.raises(Exception):
        instance.execute("g.V().count()").all().result()
    assert graph.schema.vertex_labels == ["person", "software"]
    instance.close()
    again = session.interactive(graph, with_cypher=True)
    assert cypher(again, "MATCH (n) RETURN count(n)") == [(6,)]
    close(session)
    assert not serving(coordinator)


def test_a_killed_coordinator_takes_its_servers_with_it(start):
    coordinator = start()
    session = graphscope.session(addr=coordinator.address)
    session.interactive(modern(session), with_cypher=True)
    [server] = serving(coordinator)
    session._closed = True
    coordinator.kill()
    wait_until(lambda: not processes.alive(server), 15, "the server ended, too")
