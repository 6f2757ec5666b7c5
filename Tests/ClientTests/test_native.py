"""The unmodified client on GraphScope's own engines.

Needs the environment that `scripts/make-native-venv.sh` makes; GSC_NATIVE_PYTHON names another one. Without it every test
here is skipped, with the reason; scripts/test.sh makes it, so that there nothing is. The tests share one coordinator, which
is started with `--engine graphscope`.
"""

import concurrent.futures
import os
import pathlib
import signal
import zipfile

import graphscope
import graphscope.nx
import numpy as np
import pandas as pd
import pyarrow
import pyarrow.orc
import pytest
from graphscope.framework.app import AppAssets, load_app
from graphscope.framework.errors import AnalyticalEngineInternalError, InvalidArgumentError
from graphscope.framework.loader import Loader

import generated
import processes
from conftest import REFERENCE, SHARED, close
from object_store import ObjectStore
from process import REPOSITORY, Coordinator, wait_until

PYTHON = os.environ.get("GSC_NATIVE_PYTHON", os.path.join(REPOSITORY, ".venv-native"))

pytestmark = [
    pytest.mark.skipif(bool(REFERENCE), reason="starts coordinators of its own"),
    pytest.mark.skipif(
        not list(pathlib.Path(PYTHON).glob("lib/python3*/site-packages/graphscope.runtime/bin/grape_engine")),
        reason=f"GraphScope's engines are not installed in {PYTHON}: run scripts/make-native-venv.sh",
    ),
    pytest.mark.timeout(600),
]

PROGRAMS = {"vineyardd", "grape_engine", "mpirun", "orted", "gaia_executor", "java"}


def start_native(directory, *arguments):
    return Coordinator(
        directory, ["--port", "0", "--engine", "graphscope", "--set", f"graphscope.python={PYTHON}", *arguments]
    )


@pytest.fixture(scope="module")
def native(tmp_path_factory):
    running = start_native(tmp_path_factory.mktemp("native"))
    yield running
    exit_code, _ = running.stop()
    assert exit_code == 0, running.log()[-4000:]
    assert running.session_files() == []


@pytest.fixture(scope="module")
def gstest(request, tmp_path_factory):
    """The public test data where it is at hand, else what stands in for it: nothing here is skipped for want of data."""
    if (SHARED / "data" / "gstest.tar.xz").exists():
        return request.getfixturevalue("gstest")
    root = tmp_path_factory.mktemp("generated")
    generated.write(root)
    return root


@pytest.fixture
def open_session(native):
    opened = []

    def open_session(coordinator=native):
        opened.append(graphscope.session(addr=coordinator.address))
        return opened[-1]

    yield open_session
    for session in opened:
        close(session)


def engines(coordinator):
    """The engine processes below a coordinator, by their programs' names."""
    found = {}
    for child in processes.below(coordinator):
        if (program := processes.name(child)) in PROGRAMS:
            found.setdefault(program, []).append(child)
    return found


def p2p(session, gstest, directed=False):
    return (
        session.g(directed=directed)
        .add_vertices(str(gstest / "property" / "p2p-31_property_v_0"), "person")
        .add_edges(str(gstest / "property" / "p2p-31_property_e_0"), "knows", src_label="person", dst_label="person")
    )


def simple(graph):
    return graph.project(vertices={"person": []}, edges={"knows": ["dist"]})


def column(context):
    frame = context.to_dataframe({"id": "v.id", "r": "r"})
    return frame.set_index("id").r.sort_index()


def test_shortest_paths_are_the_known_ones(open_session, gstest):
    distances = column(graphscope.sssp(simple(p2p(open_session(), gstest)), src=6))
    truth = pd.read_csv(gstest / "property" / "ldbc" / "p2p-31-SSSP", sep=" ", header=None, index_col=0)[1]
    reached = distances[distances < 1e300]
    assert len(distances) == 62586
    np.testing.assert_allclose(reached, truth.replace(np.inf, np.nan).dropna().sort_index().loc[reached.index])


def test_two_workers_give_what_one_gives(tmp_path, open_session, gstest):
    one = column(graphscope.sssp(simple(p2p(open_session(), gstest)), src=6))
    coordinator = start_native(tmp_path, "--set", "workers=2")
    try:
        session = open_session(coordinator)
        assert session.info["num_workers"] == 2
        two = column(graphscope.sssp(simple(p2p(session, gstest)), src=6))
        assert engines(coordinator)["mpirun"]
    finally:
        coordinator.stop()
    np.testing.assert_array_equal(one, two)
    assert not [name for name in os.listdir("/dev/shm") if name.startswith(f"gscoordinator-{coordinator.process.pid}-")]


def test_frames_strings_and_mutable_graphs(open_session):
    session = open_session()
    vertices = pd.DataFrame({"id": ["a", "b"], "x": [1, 2]})
    edges = pd.DataFrame({"s": ["a"], "d": ["b"], "w": [1.5]})
    graph = session.g(oid_type="string").add_vertices(vertices, "p")
    graph = graph.add_edges(edges, "e", src_label="p", dst_label="p")
    frame = graph.to_dataframe({"id": "v:p.id", "x": "v:p.x"})
    assert dict(zip(frame.id, frame.x)) == {"a": 1, "b": 2}
    mutable = session.nx().DiGraph()
    mutable.add_edges_from([(1, 2, {"w": 3}), (2, 3, {"w": 1.5})])
    mutable.add_node(7, colour="red")
    assert dict(mutable.nodes(data=True))[7] == {"colour": "red"}
    assert mutable.number_of_edges() == 2 and 7 in mutable and 8 not in mutable


def test_compiled_graph_types_go_with_ready_made_ones(open_session, gstest):
    session = open_session()
    assert len(column(graphscope.sssp(simple(p2p(session, gstest)), src=6))) == 62586  # ready-made
    vertices = pd.DataFrame({"id": [1, 2, 3], "x": [0.5, 1.5, 2.5]})
    edges = pd.DataFrame({"s": [1, 2], "d": [2, 3], "w": [4, 5]})
    graph = session.g().add_vertices(vertices, "point").add_edges(edges, "line", src_label="point", dst_label="point")
    # No library for vertices with doubles comes along: it is compiled here, and shares the map of vertices with the others.
    graph = graph.project(vertices={"point": ["x"]}, edges={"line": ["w"]})
    assert column(graphscope.sssp(graph, src=1)).to_dict() == {1: 0, 2: 4, 3: 9}


def test_parquet_and_orc_files(open_session, tmp_path):
    vertices = pd.DataFrame({"name": ["x", "y"], "id": [1, 2], "age": [30, 40]})
    vertices.to_parquet(tmp_path / "v.parquet")
    pyarrow.orc.write_table(pyarrow.table({"s": [1, 2], "d": [2, 1], "w": [1.5, 2.5]}), str(tmp_path / "e.orc"))
    session = open_session()
    graph = session.g().add_vertices(Loader(str(tmp_path / "v.parquet")), "person", [("age", "int")], "id")
    graph = graph.add_edges(
        Loader(str(tmp_path / "e.orc")), "knows", ["w"], src_label="person", dst_label="person", src_field="s", dst_field="d"
    )
    assert [p.name for p in graph.schema.get_vertex_properties("person")] == ["age", "id"]
    frame = graph.to_dataframe({"id": "v:person.id", "age": "v:person.age"})
    assert dict(zip(frame.id, frame.age)) == {1: 30, 2: 40}
    with pytest.raises(AnalyticalEngineInternalError, match="missing.parquet"):
        session.g().add_vertices(Loader(str(tmp_path / "missing.parquet")), "person")


def test_tables_in_an_object_store(native, open_session):
    objects = {
        "graphs/v.csv": b"name|id|age\nx|007|30\ny|1|40\n",
        "graphs/e/part-0": b"007,1,1.5\n",
        "graphs/e/part-1": b"1,007,2.5\n",
        "graphs/e/_SUCCESS": b"",
    }
    with ObjectStore(objects) as store:
        place = {"key": "user", "secret": "not-to-be-seen", "client_kwargs": {"endpoint_url": store.url}}
        session = open_session()
        graph = session.g(oid_type="string")
        graph = graph.add_vertices(Loader("s3://graphs/v.csv", delimiter="|", **place), "person", [("age", "int")], "id")
        graph = graph.add_edges(
            Loader("s3://graphs/e", header_row=False, **place), "knows", [("f2", "double")],
            src_label="person", dst_label="person", src_field=0, dst_field=1,
        )
        frame = graph.to_dataframe({"id": "v:person.id", "age": "v:person.age"})
        assert dict(zip(frame.id, frame.age)) == {"007": 30, "1": 40}
        assert "f2" in [property.name for property in graph.schema.get_edge_properties("knows")]
        with pytest.raises(AnalyticalEngineInternalError, match="s3://graphs/missing"):
            session.g().add_vertices(Loader("s3://graphs/missing", **place), "person")
        assert store.keys == {"user"}
    for directory, _, names in os.walk(native.workspace):
        for name in names:
            path = os.path.join(directory, name)
            assert os.path.islink(path) or not os.path.isfile(path) or b"not-to-be-seen" not in open(path, "rb").read()
    assert "not-to-be-seen" not in native.log()


def test_rows_of_another_type_are_refused_before_the_engine_sees_them(native, open_session):
    session = open_session()
    vertices = pd.DataFrame({"id": [1, 2], "age": [30, 40]})
    graph = session.g(directed=True).add_vertices(vertices, "person")
    before = {engine.pid for engine in engines(native)["grape_engine"]}
    with pytest.raises(InvalidArgumentError, match="column 'age' is of type string"):
        graph.add_vertices(pd.DataFrame({"id": [3], "age": ["old"]}), "person")
    # The engine lives: what fits is added.
    assert {engine.pid for engine in engines(native)["grape_engine"]} == before
    more = graph.add_vertices(pd.DataFrame({"id": [3], "age": [50]}), "person")
    assert sorted(more.to_dataframe({"age": "v:person.age"})["age"]) == [30, 40, 50]


def test_what_the_engine_refuses_is_the_users_exception(open_session):
    session = open_session()
    with pytest.raises(AnalyticalEngineInternalError, match="/nonexistent"):
        session.g().add_vertices("/nonexistent", "person")
    with pytest.raises(KeyError, match="Algorithm does not exist"):
        graph = session.g().add_vertices(pd.DataFrame({"id": [1]}), "person")
        graph = graph.add_edges(pd.DataFrame({"s": [1], "d": [1]}), "knows", src_label="person", dst_label="person")
        AppAssets(algo="no such algorithm", context="vertex_data")(graph._project_to_simple())


def test_a_compile_error_in_a_users_algorithm_names_the_line(open_session, gstest, tmp_path):
    archive = tmp_path / "broken.gar"
    with zipfile.ZipFile(archive, "w") as gar:
        gar.writestr(
            ".gs_conf.yaml",
            "app:\n  - algo: broken\n    type: cpp_pie\n    class_name: gs::Broken\n    src: broken.h\n"
            "    context_type: vertex_data\n    compatible_graph:\n      - gs::ArrowProjectedFragment\n",
        )
        gar.writestr("broken.h", "#pragma once\nthis is no C++;\n")
    graph = simple(p2p(open_session(), gstest))
    with pytest.raises(Exception, match=r"broken\.h:2:1: error"):
        load_app(algo="broken", gar=str(archive))(graph._project_to_simple())


@pytest.mark.parametrize("victim, words", [("grape_engine", "analytical engine"), ("vineyardd", "object store")])
def test_a_killed_engine_fails_its_own_session_only_and_leaves_nothing(native, open_session, gstest, victim, words):
    before = {name: len(found) for name, found in engines(native).items()}
    shared = set(os.listdir("/dev/shm"))
    other = open_session()
    bystander = p2p(other, gstest)
    others = {process.pid for found in engines(native).values() for process in found}
    session = open_session()
    graph = simple(p2p(session, gstest))
    mine = [process for process in engines(native)[victim] if process.pid not in others]
    assert len(mine) == 1
    mine[0].send_signal(signal.SIGKILL)
    with pytest.raises(AnalyticalEngineInternalError, match=f"{words}.*SIGKILL"):
        graphscope.sssp(graph, src=6)
    assert len(column(graphscope.sssp(simple(bystander), src=6))) == 62586
    close(session)
    close(other)
    wait_until(
        lambda: {name: len(found) for name, found in engines(native).items()} == before, 10, "processes are gone")
    assert set(os.listdir("/dev/shm")) == shared


def test_a_killed_coordinator_takes_its_engines_with_it(tmp_path, open_session):
    coordinator = start_native(tmp_path)
    session = graphscope.session(addr=coordinator.address)
    children = [process for found in engines(coordinator).values() for process in found]
    assert children
    coordinator.kill()
    wait_until(lambda: not any(map(processes.alive, children)), 10, "all ended")
    session._closed = True


def test_gremlin_and_cypher(native, open_session, gstest):
    folder = gstest / "modern_graph"
    session = open_session()
    table = lambda name: Loader(str(folder / name), delimiter="|")
    graph = session.g().add_vertices(table("person.csv"), "person").add_vertices(table("software.csv"), "software")
    graph = graph.add_edges(table("knows.csv"), "knows", src_label="person", dst_label="person")
    graph = graph.add_edges(table("created.csv"), "created", src_label="person", dst_label="software")
    instance = session.interactive(graph, with_cypher=True)
    assert instance.execute("g.V().count()").all().result() == [6]
    assert instance.execute("MATCH (n) RETURN COUNT(n) AS n", lang="cypher").records[0]["n"] == 6
    instance.close()
    wait_until(lambda: not {"java", "gaia_executor"} & engines(native).keys(), 20, "front end and executor are gone")


def test_two_coordinators_that_open_instances_at_once_do_not_collide(native, tmp_path, open_session, gstest):
    other = start_native(tmp_path)
    try:
        sessions = [open_session(coordinator) for coordinator in (native, other)]
        graphs = [p2p(session, gstest) for session in sessions]
        with concurrent.futures.ThreadPoolExecutor() as pool:
            instances = list(pool.map(lambda session, graph: session.interactive(graph), sessions, graphs))
        assert [instance.execute("g.V().count()").all().result() for instance in instances] == [[62586]] * 2
    finally:
        other.stop()


@pytest.mark.parametrize("kind", ["parquet", "orc"])
def test_graphs_are_archived_as_graphar_and_loaded_again(open_session, tmp_path, kind):
    session = open_session()
    vertices, edges = pd.DataFrame({"id": [1, 2, 5], "x": [10, 20, 50]}), pd.DataFrame({"s": [1, 5], "d": [2, 1], "w": [1.5, 2.0]})
    graph = session.g().add_vertices(vertices, "p").add_edges(edges, "e", src_label="p", dst_label="p")
    place = graph.save_to(f"{tmp_path}/", format="graphar", graphar_graph_name="g", graphar_file_type=kind)
    assert place["URI"] == f"graphar+file://{tmp_path}/g.graph.yaml"
    again = graphscope.Graph.load_from(place["URI"], sess=session)
    assert again.schema.to_dict() == graph.schema.to_dict()
    assert sorted(again.to_dataframe({"x": "v:p.x"}).x) == [10, 20, 50]
    with pytest.raises(AnalyticalEngineInternalError, match="nowhere"):
        graphscope.Graph.load_from(f"graphar+file://{tmp_path}/nowhere.graph.yaml", sess=session)
