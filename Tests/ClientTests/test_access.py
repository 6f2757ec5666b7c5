"""Access control: who calls, and what he may do. The OWASP API Security Top 10 (2023) have a test each, by name."""

import contextlib
import http.client
import http.server
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time

import graphscope
import grpc
import pytest
from graphscope.proto import coordinator_service_pb2, message_pb2

import raw
from process import BINARY, wait_until
from test_session import LongStep

pytestmark = pytest.mark.ours("the reference coordinator knows nobody")

SESSION_RPCS = [
    ("CloseSession", lambda s: message_pb2.CloseSessionRequest(session_id=s)),
    ("AddLib", lambda s: message_pb2.AddLibRequest(session_id=s, gar=b"x")),
    ("CreateAnalyticalInstance", lambda s: message_pb2.CreateAnalyticalInstanceRequest(session_id=s)),
    ("CreateInteractiveInstance", lambda s: message_pb2.CreateInteractiveInstanceRequest(session_id=s, object_id=1)),
    ("CloseInteractiveInstance", lambda s: message_pb2.CloseInteractiveInstanceRequest(session_id=s, object_id=1)),
    ("CreateLearningInstance", lambda s: message_pb2.CreateLearningInstanceRequest(session_id=s, object_id=1)),
    ("CloseLearningInstance", lambda s: message_pb2.CloseLearningInstanceRequest(session_id=s, object_id=1)),
]


def gsc(*arguments, expect=0, environment=None):
    """Runs a command of the executable; returns what it prints."""
    done = subprocess.run(
        [BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=20,
        env={**os.environ, **(environment or {})},
    )
    assert done.returncode == expect, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout if expect == 0 else done.stderr


class Tokens:
    """A token file, changed by the commands."""

    def __init__(self, path):
        self.path = path

    def create(self, principal, tenant="default", role="user", *more):
        return gsc(
            "token", "create", "--file", self.path, "--principal", principal, "--tenant", tenant, "--role", role, *more
        ).strip()

    def revoke(self, token):
        gsc("token", "revoke", token.split("_")[1], "--file", self.path)


class Caller(raw.Client):
    """A client that shows a token with every call."""

    def __init__(self, address, token=None):
        super().__init__(address)
        if token:
            self.channel = grpc.intercept_channel(self.channel, Bearer(token))
            self.stub = type(self.stub)(self.channel)

    def call(self, method, request, timeout=10):
        return getattr(self.stub, method)(request, timeout=timeout)


class Bearer(
    grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor, grpc.StreamStreamClientInterceptor
):
    def __init__(self, token):
        self.metadata = [("authorization", f"Bearer {token}")]

    def intercept_unary_unary(self, continuation, details, request):
        return continuation(details._replace(metadata=self.metadata), request)

    intercept_unary_stream = intercept_stream_stream = intercept_unary_unary


def refused(call, code):
    """The words of a call's refusal."""
    with pytest.raises(grpc.RpcError) as error:
        call()
    assert error.value.code() == code, error.value
    return error.value.details()


@pytest.fixture
def tokens(tmp_path):
    return Tokens(tmp_path / "tokens")


@pytest.fixture
def people(tokens):
    """Tokens of somebody of each role, and of a user of another tenant."""
    return {
        "alice": tokens.create("alice", "a"),
        "vic": tokens.create("vic", "a", "viewer"),
        "bob": tokens.create("bob", "b"),
        "root": tokens.create("oncall", "default", "operator"),
    }


@pytest.fixture
def running(start, tokens, people):
    return start(["--port", "0", "--set", "admin_port=0", "--set", f"access.token_file={tokens.path}"])


@pytest.fixture
def dial(running):
    """Connects with a token."""
    with contextlib.ExitStack() as stack:
        yield lambda token=None, address=None: stack.enter_context(Caller(address or running.address, token))


def admin_port(running):
    wait_until(lambda: "serving operators" in running.log(), 10, "the admin endpoint's address is told")
    return int(re.search(r"serving operators.*127\.0\.0\.1:(\d+)", running.log()).group(1))


def ask(running, path, token=None, method="GET", headers=()):
    """Status and JSON of an answer of the admin endpoint."""
    connection = http.client.HTTPConnection("127.0.0.1", admin_port(running), timeout=10)
    all_headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **dict(headers)}
    connection.request(method, path, headers=all_headers)
    answer = connection.getresponse()
    body = answer.read().decode()
    connection.close()
    return answer.status, json.loads(body) if body.startswith("{") else body


class TestOWASP:
    def test_api1_broken_object_level_authorization(self, running, dial, people):
        """No object of another tenant can be used or seen, and the refusal does not tell that it exists."""
        owner, other = dial(people["alice"]), dial(people["bob"])
        theirs = owner.connect().session_id
        nobodys = "session_" + "0" * (len(theirs) - len("session_"))
        for method, request in SESSION_RPCS:
            told = refused(lambda: other.call(method, request(theirs)), grpc.StatusCode.INVALID_ARGUMENT)
            same = refused(lambda: other.call(method, request(nobodys)), grpc.StatusCode.INVALID_ARGUMENT)
            assert told.replace(theirs, nobodys) == same
        refused(lambda: other.run(theirs, []), grpc.StatusCode.INVALID_ARGUMENT)
        logs = other.stub.FetchLogs(message_pb2.FetchLogsRequest(session_id=theirs), timeout=10)
        refused(lambda: next(logs), grpc.StatusCode.INVALID_ARGUMENT)
        for path, method in [("sessions/{}", "GET"), ("sessions/{}", "DELETE"), ("instances/{}/analytical", "GET")]:
            hidden = ask(running, "/control/v1/" + path.format(theirs), people["bob"], method)
            nothing = ask(running, "/control/v1/" + path.format(nobodys), people["bob"], method)
            assert hidden[0] == 404
            assert json.dumps(hidden[1]).replace(theirs, nobodys) == json.dumps(nothing[1])
        for path in ["sessions", "history", "events", "audit", "diff?from=0", f"logs?session={theirs}"]:
            status, body = ask(running, "/control/v1/" + path, people["bob"])
            assert status == 200 and theirs not in json.dumps(body), path
            assert "alice" not in json.dumps(body), path
        # Another principal of the same tenant sees it, and cannot use it.
        assert theirs in json.dumps(ask(running, "/control/v1/sessions", people["vic"])[1])
        assert ask(running, f"/control/v1/sessions/{theirs}", people["vic"], "DELETE")[0] == 403
        owner.close(theirs)

    def test_api2_broken_authentication(self, running, dial, tokens, people):
        """Only a valid token opens; guesses become too many; nothing of a secret is kept anywhere."""
        expired = tokens.create("late", "a", "user", "--expires", "1s")
        refused(lambda: dial().heartbeat(), grpc.StatusCode.UNAUTHENTICATED)
        assert ask(running, "/control/v1/sessions")[0] == 401
        right = people["alice"]
        wrong = [right[:-1] + ("0" if right[-1] != "0" else "1"), right.upper(), "gsc_", "x" * 4000]
        words = {refused(lambda: dial(token).heartbeat(), grpc.StatusCode.UNAUTHENTICATED) for token in wrong}
        wait_until(lambda: ask(running, "/version", expired)[0] == 401, 10, "the token has expired")
        status, body = ask(running, "/version", wrong[0])
        assert status == 401 and words == {f"{body['message']}. {body['hint']}"}
        assert ask(running, "/version", headers=[("Authorization", "Basic YTpi")])[0] == 401
        for _ in range(10):
            status, body = ask(running, "/version", wrong[0])
        assert status == 429
        told = refused(lambda: dial(wrong[0]).heartbeat(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        assert body["message"] in told
        dial(right).heartbeat()
        assert ask(running, "/version", right)[0] == 200
        secrets = [token.split("_")[2] for token in [*people.values(), expired]]
        running.stop()
        for directory, _, files in os.walk(os.path.dirname(running.workspace)):
            for name in files:
                with open(os.path.join(directory, name), "rb") as file:
                    content = file.read()
                assert not any(secret.encode() in content for secret in secrets), name

    def test_api3_broken_object_property_level_authorization(self, running, dial, people):
        """A caller cannot set whose an object is, nor see more of it than it shows to all of its tenant."""
        client = dial(people["alice"])
        session_id = client.connect().session_id
        for query in ["tenant=b", "owner=oncall&tenant=default", "workers=2&tenant=b", "workers=2"]:
            assert ask(running, f"/control/v1/sessions/{session_id}?{query}", people["alice"], "PATCH")[0] in (400, 403)
        assert ask(running, f"/control/v1/sessions/{session_id}?tenant=b", people["alice"])[0] == 400
        _, seen = ask(running, f"/control/v1/sessions/{session_id}", people["vic"])
        assert (seen["owner"], seen["tenant"]) == ("alice", "a")
        assert seen == ask(running, f"/control/v1/sessions/{session_id}", people["root"])[1]
        # What a caller says of himself in metadata counts for nothing.
        forged = [("authorization", f"Bearer {people['bob']}"), ("x-tenant", "a"), ("x-principal", "alice")]
        with raw.Client(running.address) as other:
            refused(
                lambda: other.stub.CloseSession(
                    message_pb2.CloseSessionRequest(session_id=session_id), metadata=forged, timeout=10
                ),
                grpc.StatusCode.INVALID_ARGUMENT,
            )

    def test_api4_unrestricted_resource_consumption(self, running, dial, people):
        """Strangers cost nothing, however much they send; one caller cannot have all streams."""
        chunk = b"x" * (64 << 20)
        stranger = dial()
        before = resident_bytes(running)
        for _ in range(4):
            refused(
                lambda: stranger.call("AddLib", message_pb2.AddLibRequest(session_id="s", gar=chunk), timeout=30),
                grpc.StatusCode.UNAUTHENTICATED,
            )
        assert resident_bytes(running) - before < len(chunk)
        open_streams = []
        try:
            for _ in range(8):
                connection = http.client.HTTPConnection("127.0.0.1", admin_port(running), timeout=10)
                connection.request(
                    "GET", "/control/v1/events?follow=true", headers={"Authorization": f"Bearer {people['vic']}"}
                )
                open_streams.append(connection.getresponse())
                assert open_streams[-1].status == 200
            assert ask(running, "/control/v1/events?follow=true", people["vic"])[0] == 429
        finally:
            for stream in open_streams:
                stream.close()

    def test_api5_broken_function_level_authorization(self, running, dial, people):
        """What a role may not do is refused by every way to it."""
        viewer = dial(people["vic"])
        viewer.heartbeat()
        refused(lambda: viewer.connect(), grpc.StatusCode.PERMISSION_DENIED)
        for method, request in SESSION_RPCS:
            refused(lambda: viewer.call(method, request("s")), grpc.StatusCode.PERMISSION_DENIED)
        refused(lambda: viewer.run("s", []), grpc.StatusCode.PERMISSION_DENIED)
        for method, path in [
            ("POST", "/control/v1/reload"), ("GET", "/metrics"), ("GET", "/control/v1/logs"), ("GET", "/control/v1/logs?child=x"),
            ("PATCH", "/control/v1/sessions/x?workers=1"), ("DELETE", "/control/v1/instances/x"), ("PUT", "/control/v1/sessions/x"),
        ]:
            for who in ["vic", "alice"]:
                assert ask(running, path, people[who], method)[0] == 403, (who, method, path)
            assert ask(running, path, people["root"], method)[0] not in (401, 403), (method, path)

    def test_api6_unrestricted_access_to_sensitive_business_flows(self, start, tokens, people):
        """To open sessions is bounded by tenant: strangers who may, use up their own small quota and nobody else's."""
        running = start([
            "--port", "0", "--set", f"access.token_file={tokens.path}", "--set", "access.anonymous=tenant",
        ])
        with Caller(running.address) as stranger, Caller(running.address, people["alice"]) as user:
            opened = []
            with pytest.raises(grpc.RpcError) as error:
                for _ in range(200):
                    opened.append(stranger.stub.ConnectSession(
                        message_pb2.ConnectSessionRequest(
                            dangling_timeout_seconds=60, version=raw.__version__, reconnect=False
                        ), timeout=5,
                    ).session_id)
            assert error.value.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED)
            assert 0 < len(opened) < 100
            assert user.connect().session_id

    def test_api7_server_side_request_forgery(self, running, dial, people):
        """Data is read from files: no address that a client names is asked for anything."""
        with socket.create_server(("127.0.0.1", 0)) as target:
            target.settimeout(0.1)
            address = "127.0.0.1:%d" % target.getsockname()[1]
            client = dial(people["alice"])
            session_id = client.connect().session_id
            for source in [f"http://{address}/latest/meta-data", f"https://{address}/", f"hdfs://{address}/x",
                           f"s3://{address}/x", f"vineyard://{address}/x"]:
                head, _ = client.run(session_id, raw.load_ops(source))
                assert head.code != 0, source
            with pytest.raises(TimeoutError):
                target.accept()

    def test_api8_security_misconfiguration(self, tokens, people, tmp_path):
        """What is not secure does not start, and says why."""
        at = ["--workspace", tmp_path / "w", "--port", "0"]
        known = ["--set", f"access.token_file={tokens.path}"]
        assert "loopback" in gsc("serve", *at, "--host", "0.0.0.0", expect=1)
        assert "access.allow_plaintext" in gsc("serve", *at, *known, "--host", "0.0.0.0", expect=1)
        access = tmp_path / "access.yaml"
        access.write_text("netwrks: []\n")
        assert "'networks'" in gsc("serve", *at, "--set", f"access.file={access}", expect=1)
        access.write_text("anonymous: {role: operator}\n")
        assert "operators" in gsc("serve", *at, "--set", f"access.file={access}", expect=1)
        os.chmod(tokens.path, 0o644)
        assert "chmod 0600" in gsc("serve", *at, *known, expect=1)
        os.chmod(tokens.path, 0o600)
        assert not any(token in gsc("config", *known) for token in people.values())

    def test_api9_improper_inventory_management(self, running, dial, people):
        """What nobody has listed is shut: old, debugging and undocumented paths and methods."""
        for path in ["/", "/debug", "/api", "/api/v0/sessions", "/api/v2/sessions", "/control/v1/config", "/metrics/x",
                     "/healthz/../control/v1/sessions", "/%61pi/v1/sessions", "//control/v1/sessions"]:
            assert ask(running, path)[0] in (400, 401), path
            assert ask(running, path, people["alice"])[0] in (200, 400, 403, 404), path
        with grpc.insecure_channel(running.address) as channel:
            for path in ["/grpc.channelz.v1.Channelz/GetServers", "/gs.rpc.CoordinatorService/Debug"]:
                call = channel.unary_unary(path, lambda b: b, lambda b: b)
                refused(lambda: call(b"", timeout=10), grpc.StatusCode.UNIMPLEMENTED)
            for version in ["v1", "v1alpha"]:
                path = f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo"
                call = channel.stream_stream(path, lambda b: b, lambda b: b)
                refused(lambda: next(call(iter([b""]), timeout=10)), grpc.StatusCode.UNAUTHENTICATED)

    def test_api10_unsafe_consumption_of_apis(self, tmp_path):
        """What etcd answers is not trusted either: the coordinator says that it is unusable, and nothing breaks."""

        class Liar(http.server.BaseHTTPRequestHandler):
            answers = [b"<html>", b"{", b'{"header":{"revision":"x"},"kvs":[{"key":"!","value":7}]}', b"[" * 100_000]
            count = 0

            def do_POST(self):
                body = self.answers[Liar.count % len(self.answers)]
                Liar.count += 1
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar) as liar:
            threading.Thread(target=liar.serve_forever, daemon=True).start()
            process = subprocess.Popen(
                [BINARY, "--port", "0", "--workspace", tmp_path / "w", "--set", "state=etcd", "--set",
                 f"etcd.endpoints=http://127.0.0.1:{liar.server_address[1]}"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )
            try:
                wait_until(lambda: Liar.count > 0, 20, "etcd is asked")
                try:
                    _, errors = process.communicate(timeout=20)
                    assert process.returncode > 0 and "etcd" in errors
                except subprocess.TimeoutExpired:
                    pass  # It keeps asking, and stands by.
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGTERM)
                    assert process.wait(20) >= 0
                liar.shutdown()


def resident_bytes(running):
    with open(f"/proc/{running.process.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


RPCS = list(coordinator_service_pb2.DESCRIPTOR.services_by_name["CoordinatorService"].methods)
# What a role may do beyond the one before it. Kinds stand for all paths below them.
ROLES = ["nobody", "viewer", "user", "operator"]
KINDS = ["sessions", "steps", "graphs", "results", "instances", "children", "tenants", "hosts"]
PATHS = [
    *((method, f"/control/v1/{kind}{below}", "viewer" if method == "GET" else "operator")
      for kind in KINDS for below in ("", "/x") for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
      if (method, below) != ("DELETE", "/x") or kind not in ("sessions", "steps")),
    ("DELETE", "/control/v1/sessions/x", "user"), ("DELETE", "/control/v1/steps/x", "user"),
    *(("GET", f"/control/v1/{path}", "viewer") for path in ("objects", "history", "diff?from=0", "events", "audit")),
    *((method, f"/control/v1/{path}", "operator") for path in ("objects", "history", "diff", "events", "audit", "logs")
      for method in ("POST", "DELETE")),
    ("GET", "/version", "viewer"), ("GET", "/control/v1/logs?session=x", "viewer"),
    ("GET", "/control/v1/logs", "operator"), ("GET", "/control/v1/logs?child=x", "operator"),
    ("POST", "/control/v1/reload", "operator"), ("GET", "/metrics", "operator"), ("GET", "/", "operator"),
]


class TestRoles:
    """Who may do what, as a whole table, and in the same words by both ways."""

    UNKNOWN = "the caller cannot be identified"
    ARTICLES = {"viewer": "a viewer", "user": "a user", "operator": "an operator"}

    def words(self, action, needed, role):
        return (
            f"{action} requires the role {needed}, but the caller is {self.ARTICLES[role]}. "
            "Ask an operator for a token with that role"
        )

    @pytest.fixture
    def callers(self, people):
        return {"nobody": None, "viewer": people["vic"], "user": people["alice"], "operator": people["root"]}

    def test_every_rpc(self, running, dial, callers):
        """All methods of the service as the client defines it: new ones are tested with it."""
        assert len(RPCS) >= 12
        for role, token in callers.items():
            channel = dial(token).channel
            for rpc in RPCS:
                path = f"/gs.rpc.CoordinatorService/{rpc.name}"
                make = channel.stream_stream if rpc.client_streaming else (
                    channel.unary_stream if rpc.server_streaming else channel.unary_unary
                )
                # A message that no method takes: whoever may call is told so, or is served.
                call = make(path, lambda message: message, lambda message: message)
                code, words = grpc.StatusCode.OK, ""
                try:
                    answer = call(iter([b""]) if rpc.client_streaming else b"", timeout=20)
                    if rpc.server_streaming:
                        next(iter(answer), None)
                        answer.cancel()
                except grpc.RpcError as error:
                    code, words = error.code(), error.details()
                case = (rpc.name, role, code, words)
                if role == "nobody":
                    assert code == grpc.StatusCode.UNAUTHENTICATED and words.startswith(self.UNKNOWN), case
                elif role == "viewer" and rpc.name != "HeartBeat":
                    assert code == grpc.StatusCode.PERMISSION_DENIED, case
                    assert words == self.words(rpc.name, "user", role), case
                else:
                    assert code not in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED), case

    def test_every_path(self, running, callers):
        for role, token in callers.items():
            for method, path, needed in PATHS:
                status, body = ask(running, path, token, method)
                case = (method, path, role, status, body)
                if role == "nobody":
                    assert status == 401 and body["message"] == self.UNKNOWN, case
                elif ROLES.index(role) < ROLES.index(needed):
                    action = f"{method} {path.split('?')[0]}"
                    assert status == 403 and f"{body['message']}. {body['hint']}" == self.words(action, needed, role), case
                else:
                    assert status not in (401, 403), case


class TestTokens:
    def test_a_token_that_is_revoked_in_the_middle_of_a_step(self, running, dial, tokens, people, monkeypatch):
        """Its calls end, its step is cancelled, its session stays, and another token of the same principal goes on."""
        first, second = people["alice"], tokens.create("alice", "a")
        plain = grpc.insecure_channel
        with monkeypatch.context() as patch:
            # The client cannot send a token by itself.
            patch.setattr(
                grpc, "insecure_channel", lambda *a, **o: grpc.intercept_channel(plain(*a, **o), Bearer(first))
            )
            session = graphscope.session(addr=running.address)
        step = LongStep(session)
        session_id = session.session_id
        logs = dial(first).stub.FetchLogs(message_pb2.FetchLogsRequest(session_id=session_id), timeout=60)
        other = dial(second)

        def phases(token):
            return [s["status"]["phase"] for s in ask(running, "/control/v1/steps", token)[1]["items"]]

        # By the time that the revocation was noticed, the second token was, too.
        wait_until(lambda: "running" in phases(first), 20, "the step has begun")
        revoked = time.monotonic()
        tokens.revoke(first)
        refused(lambda: list(logs), grpc.StatusCode.UNAUTHENTICATED)
        step.thread.join(10)
        # Within a second; a busy machine may take longer to notice.
        assert not step.thread.is_alive() and time.monotonic() - revoked < 10
        assert "not valid" in str(step.outcome)
        refused(lambda: dial(first).heartbeat(), grpc.StatusCode.UNAUTHENTICATED)
        wait_until(lambda: "cancelled" in phases(second), 10, "the step is cancelled")
        request = message_pb2.CreateAnalyticalInstanceRequest(session_id=session_id)
        assert other.call("CreateAnalyticalInstance", request).instance_id == session_id
        other.close(session_id)
        session._heartbeat_sending_thread = None

    def test_the_commands_show_no_secret_and_work_without_a_coordinator(self, tokens, tmp_path):
        token = tokens.create("alice", "a", "user", "--expires", "30d")
        listed = gsc("token", "list", "--file", tokens.path)
        assert token.split("_")[1] in listed and "valid" in listed and token.split("_")[2] not in listed
        assert stat.S_IMODE(os.stat(tokens.path).st_mode) == 0o600
        tokens.revoke(token)
        assert "revoked" in gsc("token", "list", "--file", tokens.path)
        environment = {"GSCOORDINATOR_ACCESS_TOKEN_FILE": str(tokens.path)}
        assert "revoked" in gsc("token", "list", environment=environment)
        assert "no token" in gsc("token", "revoke", "0" * 12, "--file", tokens.path, expect=1)

    def test_operators_show_theirs_from_a_file_or_the_environment(self, running, people, tmp_path):
        at = ["--address", f"127.0.0.1:{admin_port(running)}"]
        assert "UNAUTHENTICATED" in gsc("get", "sessions", *at, expect=1)
        assert "No sessions" in gsc("get", "sessions", *at, environment={"GSCOORDINATOR_TOKEN": people["vic"]})
        file = tmp_path / "token"
        file.write_text(people["root"] + "\n")
        assert "open" not in gsc("get", "sessions", *at, "--token-file", file)
        # The socket in the workspace is its owner's and root's, without a token.
        assert "No sessions" in gsc("get", "sessions", "--workspace", running.workspace)

    def test_the_trail_tells_who_did_it_and_how_he_was_recognised(self, running, dial, people):
        client = dial(people["alice"])
        session_id = client.connect().session_id
        client.close(session_id)
        refused(lambda: dial(people["vic"]).connect(), grpc.StatusCode.PERMISSION_DENIED)
        trail = gsc("logs", "--audit", "--workspace", running.workspace)
        by = f"alice (user of a, by token {people['alice'].split('_')[1]}, from host 127.0.0.1)"
        assert f"{by}: connect to session/{session_id}" in trail
        assert f"{by}: close session/{session_id}" in trail
        assert "vic (viewer of a" in trail and "denied ConnectSession" in trail


class TestUnmodifiedClients:
    """The Python client cannot send a token: it is known by the way it comes."""

    @pytest.fixture
    def access(self, tmp_path):
        path = tmp_path / "access.yaml"

        def write(text):
            path.write_text(text)
            return ["--port", "0", "--set", f"access.file={path}"]

        return write

    @staticmethod
    def addresses(running):
        return [a for a in running.ready_line.split("listening on ")[1].split(" and ")]

    def test_two_listeners_bound_to_two_tenants(self, start, access, connect):
        running = start(access(
            'listeners:\n'
            '  - {name: a, address: "127.0.0.1:0", tenant: a, role: user}\n'
            '  - {name: b, address: "127.0.0.1:0", tenant: b, role: user}\n'
            '  - {name: look, address: "127.0.0.1:0", tenant: a, role: viewer}\n'
        ))
        main, a, b, look = self.addresses(running)
        first, second = connect(addr=a), connect(addr=b)
        sessions = json.loads(gsc("get", "sessions", "-o", "json", "--workspace", running.workspace))["items"]
        assert {s["name"]: s["tenant"] for s in sessions} == {first.session_id: "a", second.session_id: "b"}
        with raw.Client(b) as other:
            refused(lambda: other.close(first.session_id), grpc.StatusCode.INVALID_ARGUMENT)
            # A live session is never taken; one that its client left is.
            own = other.connect(reconnect=True).session_id
            assert own not in {first.session_id, second.session_id}
        with raw.Client(b) as other:
            assert other.connect(reconnect=True).session_id == own
        with raw.Client(main) as stranger:
            refused(lambda: stranger.connect(), grpc.StatusCode.UNAUTHENTICATED)
        with raw.Client(look) as viewer:
            refused(lambda: viewer.connect(), grpc.StatusCode.PERMISSION_DENIED)

    def test_two_networks(self, start, access):
        running = start(access(
            "networks:\n"
            "  - {network: 127.0.0.0/8, tenant: many, role: viewer}\n"
            "  - {network: 127.0.0.2/32, principal: two, tenant: b, role: user}\n"
            "  - {network: 127.0.0.1/32, principal: one, tenant: a, role: user}\n"
        ))
        with raw.Client(running.address) as client:
            client.connect()
        from_two = proxied(running.port, "127.0.0.2")
        from_three = proxied(running.port, "127.0.0.3")
        with raw.Client(from_two) as client:
            client.connect()
        with raw.Client(from_three) as client:
            refused(lambda: client.connect(), grpc.StatusCode.PERMISSION_DENIED)
        sessions = json.loads(gsc("get", "sessions", "-o", "json", "--workspace", running.workspace))["items"]
        assert {(s["owner"], s["tenant"]) for s in sessions} == {("one", "a"), ("two", "b")}

    @pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="needs root, to be two users")
    def test_two_users_of_one_socket(self, start, access, tmp_path):
        directory = tmp_path / "socket"
        directory.mkdir(mode=0o755)
        for parent in directory.parents:
            if str(parent).startswith("/tmp/"):
                os.chmod(parent, os.stat(parent).st_mode | 0o011)
        path = directory / "gs.sock"
        running = start([
            *access("users:\n  - {user: 65534, principal: nobody, tenant: n, role: user}\n"), "--socket", str(path),
        ])
        script = (
            "import sys; sys.path.insert(0, sys.argv[1]); import raw\n"
            "with raw.Client(sys.argv[2]) as client: print(client.connect().session_id)\n"
        )
        command = [sys.executable, "-c", script, os.path.dirname(__file__), f"unix:{path}"]
        as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
        as_other = ["setpriv", "--reuid=65533", "--regid=65533", "--clear-groups"]
        environment = {**os.environ, "HOME": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"}
        probe = subprocess.run(
            [*as_nobody, *command[:2], "import grpc, graphscope.proto"], capture_output=True, text=True, env=environment
        )
        if probe.returncode:
            pytest.skip("another user cannot use this Python: " + probe.stderr[-200:])

        def run(prefix):
            return subprocess.run([*prefix, *command], capture_output=True, text=True, timeout=60, env=environment)

        root, nobody, other = run([]), run(as_nobody), run(as_other)
        assert root.returncode == 0 and nobody.returncode == 0, root.stderr + nobody.stderr
        assert other.returncode != 0 and "UNAUTHENTICATED" in other.stderr
        sessions = json.loads(gsc("get", "sessions", "-o", "json", "--workspace", running.workspace))["items"]
        assert {(s["name"], s["owner"], s["tenant"]) for s in sessions} == {
            (root.stdout.strip(), "uid 0", "default"), (nobody.stdout.strip(), "nobody", "n"),
        }


def proxied(port, source):
    """An address whose connections come to the port from another address of this machine."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(a, b):
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                b.sendall(data)
        with contextlib.suppress(OSError):
            b.shutdown(socket.SHUT_WR)

    def serve():
        while True:
            taken, _ = listener.accept()
            out = socket.create_connection(("127.0.0.1", port), source_address=(source, 0))
            threading.Thread(target=pump, args=(taken, out), daemon=True).start()
            threading.Thread(target=pump, args=(out, taken), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return "127.0.0.1:%d" % listener.getsockname()[1]
