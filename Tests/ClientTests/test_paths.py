"""What a tenant may reach beyond its own sessions: files of the machine, places to write to, addresses, and where keys go."""

import http.client
import json
import os
import pathlib
import re
import shutil
import subprocess
import threading

import graphscope
import pandas as pd
import pytest
from graphscope.framework.errors import AnalyticalEngineInternalError, PermissionDeniedError
from graphscope.framework.loader import Loader

from process import BINARY, wait_until

pytestmark = pytest.mark.ours("the reference coordinator lets everybody read everything")

NATIVE = os.environ.get("GSC_NATIVE_PYTHON")
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


@pytest.fixture
def directories(tmp_path):
    """A directory of each of two tenants, and one of nobody's, each with a table."""
    made = {}
    for name in ["a", "b", "nobody"]:
        made[name] = tmp_path / f"data-{name}"
        made[name].mkdir()
        (made[name] / "v.csv").write_text("id,x\n1,10\n2,20\n")
    return made


@pytest.fixture
def tenants(start, directories, tmp_path):
    """A coordinator that two tenants use, and an address of each."""
    (tmp_path / "results-a").mkdir()
    access = tmp_path / "access.yaml"
    access.write_text(json.dumps({
        "listeners": [
            {"name": name, "address": "127.0.0.1:0", "tenant": name, "role": "user"} for name in ["a", "b", "c"]
        ],
        "tenants": [
            {"tenant": "a", "read": [str(directories["a"])], "write": [str(tmp_path / "results-a")]},
            {"tenant": "b", "read": [str(directories["b"])]},
        ],
    }))
    tokens = tmp_path / "tokens"
    subprocess.run(
        [BINARY, "token", "create", "--file", tokens, "--principal", "root", "--role", "operator"], check=True,
        capture_output=True,
    )
    engine = ["--engine", "graphscope"] if NATIVE else []
    environment = {"GSCOORDINATOR_GRAPHSCOPE_PYTHON": NATIVE} if NATIVE else {}
    running = start([
        "--port", "0", "--set", "admin_port=0", "--set", f"access.file={access}",
        "--set", f"access.token_file={tokens}", *engine,
    ], environment)
    addresses = running.ready_line.split("listening on ")[1].split(" and ")
    return running, dict(zip(["main", "a", "b", "c"], addresses))


def load(session, source, **options):
    graph = session.g().add_vertices(Loader(str(source), **options), "v")
    return sorted(graph.to_dataframe({"id": "v:v.id"}).id)


def refusal(session, source, **options):
    with pytest.raises(PermissionDeniedError) as error:
        load(session, source, **options)
    return str(error.value)


class TestTenants:
    def test_paths_are_allowed_by_list(self, tenants, directories, connect):
        _, addresses = tenants
        a, b, c = (connect(addr=addresses[name]) for name in "abc")
        for session, own in [(a, "a"), (b, "b")]:
            path = directories[own] / "v.csv"
            assert load(session, path) == load(session, f"file://{path}") == load(session, f"FILE://{path}") == [1, 2]
            other = directories["b" if own == "a" else "a"] / "v.csv"
            refusal(session, other)
        refusal(c, directories["a"] / "v.csv")
        frame = pd.DataFrame({"id": [1, 2], "x": [1.0, 2.0]})
        graph = c.g().add_vertices(frame, "v")
        assert sorted(graph.to_dataframe({"id": "v:v.id"}).id) == [1, 2]
        # What stands behind the path are options of the client's, whatever is in it.
        with pytest.raises(AnalyticalEngineInternalError):
            load(a, f"{directories['a']}/v.csv#delimiter=,&schema=/etc/passwd#{directories['nobody']}/v.csv")
        # What may be read and is not there is told as ever.
        with pytest.raises(AnalyticalEngineInternalError, match="nowhere.csv"):
            load(a, directories["a"] / "nowhere.csv")

    def test_one_refusal_whether_it_is_there_or_not(self, tenants, directories, connect, tmp_path):
        running, addresses = tenants
        session = connect(addr=addresses["a"])
        inside = directories["a"]
        secret = directories["nobody"] / "v.csv"
        os.symlink(secret, inside / "link.csv")
        os.symlink("../data-nobody/v.csv", inside / "climbing.csv")
        os.symlink("/nowhere/at/all", inside / "dangling.csv")
        os.symlink("/proc/self/root", inside / "root")
        os.link(tmp_path / "tokens", inside / "tokens.csv")
        words = set()
        for path in [
            secret, "/etc/shadow", "/etc/passwd", "/nowhere/at/all", "/proc/self/environ", "/proc/self/root/etc/passwd",
            f"/proc/{running.process.pid}/root{secret}", "file:////etc/passwd", f"{inside}/../data-nobody/v.csv",
            inside / "link.csv", inside / "climbing.csv", inside / "dangling.csv", inside / "root/etc/passwd",
            inside / "tokens.csv", tmp_path / "tokens", tmp_path / "access.yaml", running.log_path,
            f"{running.workspace}/state.db", f"{inside}2/v.csv", "data-a/v.csv", "~/.bashrc", "$HOME/.bashrc",
            "%2Fetc%2Fpasswd", f"{secret}#delimiter=,&header_row=True", f"{secret}#x", f"{secret}&filetype=CSV",
        ]:
            text = refusal(session, path)
            assert "root:" not in text
            words.add(text.replace(str(path), "PATH").replace(str(path)[:1024], "PATH"))
        assert len({re.sub(r"'[^']*'", "PATH", text) for text in words}) == 1, words

    def test_a_link_that_is_swapped_while_it_is_loaded(self, tenants, directories, connect):
        _, addresses = tenants
        session = connect(addr=addresses["a"])
        inside = directories["a"]
        (directories["nobody"] / "v.csv").write_text("id,x\n7,70\n8,80\n")
        path = inside / "swap.csv"
        stop = threading.Event()

        def swap():
            while not stop.is_set():
                shutil.copy(inside / "v.csv", inside / "next")
                os.rename(inside / "next", path)
                os.symlink(directories["nobody"] / "v.csv", inside / "next")
                os.rename(inside / "next", path)

        shutil.copy(inside / "v.csv", path)
        thread = threading.Thread(target=swap)
        thread.start()
        try:
            for _ in range(5 if NATIVE else 20):
                try:
                    assert load(session, path) == [1, 2]
                except (PermissionDeniedError, AnalyticalEngineInternalError) as error:
                    assert "nobody" not in str(error)
        finally:
            stop.set()
            thread.join()

    def test_no_address_and_no_socket_is_asked(self, tenants, connect):
        _, addresses = tenants
        session = connect(addr=addresses["a"])
        for source in [
            "http://169.254.169.254/latest/meta-data", "s3://bucket/x.csv", "hdfs://127.0.0.1:9000/x", "oss://b/x",
            "unix:///run/docker.sock", "s3://b/x::file:///etc/passwd",
        ]:
            with pytest.raises(Exception) as error:
                load(session, source, client_kwargs={"endpoint_url": "http://169.254.169.254"})
            assert type(error.value).__name__ in ("PermissionDeniedError", "UnimplementedError"), error.value


class TestWithoutAccessControl:
    def test_everything_is_read_but_what_is_ours(self, start, connect, tmp_path, directories):
        configuration = tmp_path / "gscoordinator.yaml"
        configuration.write_text("limits: {sessions: 100}\n")
        running = start(["--port", "0", "--config-file", str(configuration)])
        session = connect(addr=running.address)
        assert load(session, directories["nobody"] / "v.csv") == [1, 2]
        os.symlink(directories["a"] / "v.csv", tmp_path / "link.csv")
        assert load(session, tmp_path / "link.csv") == [1, 2]
        os.symlink(running.workspace, tmp_path / "w")
        graph = session.g().add_vertices(pd.DataFrame({"id": [1, 2]}), "v")
        assert graph.schema.vertex_labels == ["v"]
        columns = [str(path) for path in pathlib.Path(running.workspace, "sessions").rglob("*") if path.is_file()]
        logs = [str(path) for path in pathlib.Path(running.workspace, "logs").rglob("*") if path.is_file()]
        for path in [
            f"{running.workspace}/state.db", f"{tmp_path}/w/state.db", str(configuration), columns[0], logs[0],
            columns[0].replace(running.workspace, f"{tmp_path}/w/../{os.path.basename(running.workspace)}"),
        ]:
            assert "belongs to the coordinator" in refusal(session, path), path
        for path in ["/proc/self/environ", "/proc/self/status", str(tmp_path), "/dev/zero"]:
            with pytest.raises(AnalyticalEngineInternalError, match="regular file|directory"):
                load(session, path)


class TestKeys:
    def test_a_key_in_an_address_is_nowhere(self, tenants, connect, tmp_path, directories):
        """Not in errors, logs, history, events, the state store, nor in answers to operators."""
        running, addresses = tenants
        session = connect(addr=addresses["a"])
        errors = []
        for source in [
            f"s3://AKIAEXAMPLE:{SECRET}@bucket/x.csv", f"oss://bucket/x.csv?access_key=AKIA&secret={SECRET}",
            f"hdfs://user:{SECRET}@host/x", f"/nowhere/?token={SECRET}", f"{directories['a']}/x?secret={SECRET}",
        ]:
            with pytest.raises(Exception) as error:
                load(session, source)
            errors.append(str(error.value))
        with pytest.raises(Exception) as error:
            load(session, "s3://bucket/x.csv", key="AKIAEXAMPLE", secret=SECRET, token=SECRET)
        errors.append(str(error.value))
        token = subprocess.run(
            [BINARY, "token", "create", "--file", tmp_path / "tokens", "--principal", "oncall", "--role", "operator"],
            check=True, capture_output=True, text=True,
        ).stdout.strip()
        wait_until(lambda: "serving operators" in running.log(), 10, "the admin endpoint's address is told")
        port = int(re.search(r"serving operators.*127\.0\.0\.1:(\d+)", running.log()).group(1))
        wait_until(lambda: ask(port, "/version", token)[0] == 200, 10, "the new token is known")
        answers = [
            ask(port, f"/control/v1/{path}", token)[1]
            for path in ["sessions", "steps", "history", "events", "audit", "logs", f"logs?session={session.session_id}"]
        ]
        assert all("AKIA" not in text and SECRET not in text for text in errors + answers)
        assert "failed" in answers[1]
        subprocess.run(
            [BINARY, "state", "backup", tmp_path / "backup.db", "--workspace", running.workspace], check=False,
            capture_output=True,
        )
        running.stop()
        for directory, _, files in os.walk(tmp_path):
            for name in files:
                content = pathlib.Path(directory, name).read_bytes()
                assert SECRET.encode() not in content and b"AKIAEXAMPLE" not in content, name


def ask(port, path, token):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    try:
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def ranks(session, path):
    graph = session.g(directed=True).add_vertices(Loader(str(path)), "v")
    edges = pd.DataFrame({"s": [1], "d": [2]})
    graph = graph.add_edges(edges, "e", src_label="v", dst_label="v")
    return graphscope.pagerank(graph.project(vertices={"v": []}, edges={"e": []})), graph


class TestResults:
    def test_results_are_written_where_they_may_be(self, tenants, directories, connect, tmp_path):
        running, addresses = tenants
        session = connect(addr=addresses["a"])
        result, graph = ranks(session, directories["a"] / "v.csv")
        columns = {"id": "v.id", "r": "r"}
        allowed = tmp_path / "results-a"
        result.output(f"file://{allowed}/new/out.csv", selector=columns)
        assert (allowed / "new/out.csv_0").read_text().count("\n") >= 2
        os.symlink(directories["b"], allowed / "away")
        before = (tmp_path / "tokens").read_bytes()
        for place in [
            directories["b"] / "out.csv", tmp_path / "tokens", allowed / "away/out.csv", f"{allowed}/../data-b/out.csv",
            directories["a"] / "out.csv", f"{running.workspace}/out.csv",
        ]:
            with pytest.raises(PermissionDeniedError, match="may write"):
                result.output(f"file://{place}", selector=columns)
        assert (tmp_path / "tokens").read_bytes() == before
        assert sorted(os.listdir(directories["b"])) == ["v.csv"]
        graph.save_to(str(allowed / "saved"))
        assert any(allowed.glob("saved/**/metadata.json" if NATIVE else "saved/graph/manifest"))
        with pytest.raises(PermissionDeniedError):
            graph.save_to(str(tmp_path / "elsewhere"))
        assert not (tmp_path / "elsewhere").exists()
        with pytest.raises(PermissionDeniedError):
            graphscope.Graph.load_from(str(allowed / "saved"), sess=session)
        shutil.copytree(allowed / "saved", directories["a"] / "saved")
        again = graphscope.Graph.load_from(str(directories["a"] / "saved"), sess=session)
        assert sorted(again.to_dataframe({"id": "v:v.id"}).id) == [1, 2]


@pytest.mark.skipif(not NATIVE, reason="needs GraphScope's engines: GSC_NATIVE_PYTHON")
class TestNative:
    def test_columnar_files_by_list(self, tenants, directories, connect):
        _, addresses = tenants
        session = connect(addr=addresses["a"])
        for name in ["a", "nobody"]:
            parts = directories[name] / "parts"
            parts.mkdir()
            for part in [1, 2]:
                pd.DataFrame({"id": [part], "x": [part * 10]}).to_parquet(parts / f"{part}.parquet")
        assert load(session, directories["a"] / "parts", filetype="PARQUET") == [1, 2]
        assert load(session, directories["a"] / "parts/1.parquet") == [1]
        refusal(session, directories["nobody"] / "parts/1.parquet")
        refusal(session, directories["nobody"] / "parts", filetype="PARQUET")

    def test_archives_and_own_code_need_more(self, tenants, directories, connect, tmp_path):
        _, addresses = tenants
        session = connect(addr=addresses["a"])
        _, graph = ranks(session, directories["a"] / "v.csv")
        with pytest.raises(PermissionDeniedError):
            graph.save_to(f"{tmp_path}/results-a/", format="graphar", graphar_graph_name="g")
        with pytest.raises(PermissionDeniedError):
            graphscope.Graph.load_from(f"graphar+file://{directories['a']}/g.graph.yaml", sess=session)
