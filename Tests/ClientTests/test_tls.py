"""TLS and client certificates on both TCP endpoints, as grpcio, Python's ssl and our own commands see them."""

import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import urllib.error
import urllib.request

import grpc
import pytest
from graphscope.proto import message_pb2

from process import BINARY, wait_until
from raw import Client, load_ops

pytestmark = [
    pytest.mark.ours("the reference coordinator has no TLS"),
    pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl"),
]

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


class Authority:
    """A certificate authority in a directory, and the certificates that it has issued."""

    def __init__(self, directory, name="authority"):
        self.directory = directory
        directory.mkdir()
        self.openssl("req", "-x509", *NEW_KEY, "-keyout", "ca.key", "-out", "ca.pem", "-subj", f"/CN={name}")
        self.certificate = self["ca.pem"]

    def __getitem__(self, file):
        return str(self.directory / file)

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, cwd=self.directory, capture_output=True)

    def issue(self, name, days=30):
        self.openssl("req", *NEW_KEY, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (self.directory / "ext").write_text(f"subjectAltName=DNS:localhost,IP:127.0.0.1,URI:spiffe://here/{name}")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                     "-extfile", "ext", "-days", str(days), "-out", f"{name}.pem")

    def credentials(self, name=None):
        """What grpcio needs to trust this authority and to show a certificate."""
        read = lambda file: (self.directory / file).read_bytes()
        return grpc.ssl_channel_credentials(
            read("ca.pem"), name and read(f"{name}.key"), name and read(f"{name}.pem")
        )

    def context(self, name=None):
        """The same for Python's ssl."""
        context = ssl.create_default_context(cafile=self.certificate)
        if name:
            context.load_cert_chain(self[f"{name}.pem"], self[f"{name}.key"])
        return context


@pytest.fixture
def authority(tmp_path):
    made = Authority(tmp_path / "authority")
    for name in ("server", "alice"):
        made.issue(name)
    return made


def arguments(authority, clients=None, **settings):
    settings = {"certificate_file": authority["server.pem"], "key_file": authority["server.key"], **settings}
    if clients:
        settings["client_ca_file"] = clients.certificate
    return ["--port", "0", "--set", "admin_port=0"] + [
        word for key, value in settings.items() for word in ("--set", f"tls.{key}={value}")
    ]


def admin_address(running):
    wait_until(lambda: "serving operators" in running.log(), 10, "the admin endpoint")
    return re.search(r"serving operators at=.*?(127\.0\.0\.1:\d+)", running.log()).group(1)


def logged(running, text):
    wait_until(lambda: text in running.log(), 10, text)


def test_a_session_over_tls(start, authority, csv):
    running = start(arguments(authority))
    with Client(running.address, authority.credentials()) as client:
        session = client.connect().session_id
        head, _ = client.run(session, load_ops(csv("e.csv", "src,dst\n1,2\n2,3\n")))
        assert head.code == 0, head.error_msg
        client.close(session)
    with Client(running.address) as plain, pytest.raises(grpc.RpcError) as caught:
        plain.heartbeat()
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    logged(running, "the peer sent something other than TLS")


def test_client_certificates_over_grpc(start, authority, tmp_path):
    stranger = Authority(tmp_path / "stranger", "stranger")
    stranger.issue("mallory")
    shutil.copy(authority.certificate, stranger.certificate)
    running = start(arguments(authority, clients=authority))
    with Client(running.address, authority.credentials("alice")) as client:
        client.heartbeat()
    for credentials, reason in [
        (authority.credentials(), "the peer presented no certificate, but one is required"),
        (stranger.credentials("mallory"), "the peer's certificate 'mallory', issued by 'stranger'"),
    ]:
        with Client(running.address, credentials) as client, pytest.raises(grpc.RpcError) as caught:
            client.heartbeat()
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
        logged(running, reason)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_resumed_until_the_files_are_read_again(start, authority, version):
    running = start(arguments(authority, clients=authority))
    context = authority.context("alice")
    context.minimum_version = context.maximum_version = version
    context.set_alpn_protocols(["h2"])

    def connect(session=None):
        """Whether the session was resumed, and the one that the server offers."""
        plain = socket.create_connection(("127.0.0.1", running.port), timeout=60)
        with context.wrap_socket(plain, server_hostname="localhost", session=session) as secure:
            secure.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
            # TLS 1.3 offers sessions behind the handshake, before the server's first frame.
            assert secure.recv(9)[3] == 4
            return secure.session_reused, secure.session

    reused, session = connect()
    assert not reused
    assert connect(session)[0]
    before = running.log().count("TLS uses a new certificate")
    os.utime(authority["server.pem"])
    wait_until(lambda: running.log().count("TLS uses a new certificate") > before, 60, "the files are read again")
    assert not connect(session)[0]


def test_operators_over_https(start, authority):
    running = start(arguments(authority, clients=authority))
    address = admin_address(running)
    with urllib.request.urlopen(f"https://{address}/healthz", context=authority.context("alice")) as answer:
        assert answer.read() == b"ok\n"

    def get(*options, address=f"https://{address}"):
        return subprocess.run(
            [BINARY, "get", "sessions", "-o", "json", "--address", address, *options], capture_output=True, text=True
        )

    own = ["--certificate", authority["alice.pem"], "--key", authority["alice.key"]]
    assert json.loads(get("--ca-file", authority.certificate, *own).stdout)["items"] == []
    without = get("--ca-file", authority.certificate)
    assert without.returncode != 0 and "certificate required" in without.stderr
    assert "TLS with a server failed" in get(*own).stderr  # an authority that the system does not know
    assert "use --address https://" in get(address=address).stderr
    assert "require --address https://" in get(*own, address=address).stderr
    # The socket in the workspace belongs to whoever owns the coordinator, and has no TLS.
    socket_only = subprocess.run(
        [BINARY, "get", "sessions", "--workspace", running.workspace], capture_output=True, text=True
    )
    assert socket_only.returncode == 0


def test_a_resumed_connection_is_served(start, authority):
    """TLS 1.2 with a session ticket: no certificate is sent again, and none is asked for."""
    running = start(arguments(authority, clients=authority))
    host, port = admin_address(running).split(":")
    context = authority.context("alice")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    session = None
    for expected in (False, True):
        connection = socket.create_connection((host, int(port)))
        with context.wrap_socket(connection, server_hostname=host, session=session) as s:
            assert s.session_reused == expected
            s.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert s.recv(100).startswith(b"HTTP/1.1 200")
            session = s.session


def test_a_renewed_certificate_is_shown_without_a_restart(start, authority):
    running = start(arguments(authority))
    host, port = running.address.split(":")
    context = authority.context()
    context.set_alpn_protocols(["h2"])

    def shown():
        with context.wrap_socket(socket.create_connection((host, int(port))), server_hostname=host) as s:
            assert s.selected_alpn_protocol() == "h2"
            return dict(pair for part in s.getpeercert()["subject"] for pair in part)["commonName"]

    with Client(running.address, authority.credentials()) as client:
        session = client.connect().session_id
        logs = client.stub.FetchLogs(message_pb2.FetchLogsRequest(session_id=session))
        assert shown() == "server"
        for file in ("pem", "key"):
            os.replace(authority[f"alice.{file}"], authority[f"server.{file}"])
        logged(running, "TLS uses a new certificate")
        assert shown() == "alice"
        assert logs.is_active()
        client.heartbeat()
        client.close(session)


@pytest.mark.parametrize(
    "change, reason",
    [
        (dict(key_file="alice.key"), "does not match the certificate 'server'"),
        (dict(certificate_file="missing.pem"), "missing.pem' (No such file or directory)"),
        (dict(certificate_file="late.pem", key_file="late.key"), "late.pem' expired on 20"),
        (dict(minimum_version="1.1"), "tls.minimum_version is '1.1' (flag), but must be 1.2 or 1.3"),
        (dict(client_certificates="some"), "'some' (flag), but must be required or optional"),
        (dict(key_file=""), "TLS also needs the key of the certificate. Set tls.key_file"),
        (dict(certificate_file=""), "tls.key_file is set (flag), but TLS needs tls.certificate_file"),
    ],
)
def test_what_cannot_be_used_is_said_at_the_start(authority, tmp_path, change, reason):
    authority.issue("late", days=-1)
    files = {key: authority[value] if "." in value and value != "1.1" else value for key, value in change.items()}
    ended = subprocess.run(
        [BINARY, *arguments(authority, **files), "--workspace", str(tmp_path / "workspace")],
        capture_output=True, text=True, timeout=20,
    )
    assert ended.returncode != 0
    assert reason in ended.stderr


def fingerprint(authority, name):
    """The SHA-256 of a certificate, as openssl prints it."""
    line = subprocess.run(
        ["openssl", "x509", "-in", authority[f"{name}.pem"], "-noout", "-fingerprint", "-sha256"],
        check=True, capture_output=True, text=True,
    ).stdout
    return line.strip().split("=")[1]


class TestIdentity:
    """Who a client's certificate says that it is."""

    @pytest.fixture
    def people(self, authority):
        for name in ("bob", "vic", "unknown"):
            authority.issue(name)
        authority.issue("late", days=-1)
        return authority

    @pytest.fixture
    def running(self, start, people, tmp_path):
        access = tmp_path / "access.yaml"
        access.write_text(
            "certificates:\n"
            f'  - {{fingerprint: "{fingerprint(people, "alice")}", principal: alice, tenant: a, role: user}}\n'
            "  - {common_name: bob, principal: bob, tenant: b, role: user}\n"
            "  - {san: spiffe://here/vic, principal: vic, tenant: a, role: viewer}\n"
            # Good for whoever has these names, if only an authority that is trusted here had vouched for them.
            "  - {common_name: late, tenant: a, role: user}\n"
            "  - {common_name: mallory, tenant: a, role: user}\n"
        )
        return start([*arguments(people, clients=people), "--set", f"access.file={access}"])

    @staticmethod
    def refused(call):
        with pytest.raises(grpc.RpcError) as error:
            call()
        return error.value.code(), error.value.details()

    def test_a_certificate_is_confined_to_its_tenant_and_role(self, running, people):
        with (
            Client(running.address, people.credentials("alice")) as alice,
            Client(running.address, people.credentials("bob")) as bob,
            Client(running.address, people.credentials("vic")) as vic,
        ):
            hers, his = alice.connect().session_id, bob.connect().session_id
            shown = subprocess.run(
                [BINARY, "get", "sessions", "-o", "json", "--workspace", running.workspace],
                check=True, capture_output=True, text=True,
            )
            assert {(s["name"], s["owner"], s["tenant"]) for s in json.loads(shown.stdout)["items"]} == {
                (hers, "alice", "a"), (his, "bob", "b"),
            }
            assert self.refused(lambda: bob.close(hers))[0] == grpc.StatusCode.INVALID_ARGUMENT
            assert self.refused(lambda: vic.connect())[0] == grpc.StatusCode.PERMISSION_DENIED
            vic.heartbeat()
            alice.close(hers)
            bob.close(his)

        def ask(name, path):
            url = f"https://{admin_address(running)}/control/v1/{path}"
            with urllib.request.urlopen(url, context=people.context(name)) as answer:
                return json.loads(answer.read())

        assert "alice" in json.dumps(ask("alice", "audit"))
        assert "alice" not in json.dumps(ask("bob", "audit"))

    def test_a_certificate_that_is_nobodys_is_refused_and_the_trail_says_whose_it_was(self, running, people):
        with Client(running.address, people.credentials("unknown")) as client:
            code, words = self.refused(client.heartbeat)
        assert code == grpc.StatusCode.UNAUTHENTICATED
        with pytest.raises(urllib.error.HTTPError) as error:
            url = f"https://{admin_address(running)}/control/v1/sessions"
            urllib.request.urlopen(url, context=people.context("unknown"))
        body = json.loads(error.value.read())
        assert error.value.code == 401 and words == f"{body['message']}. {body['hint']}"
        trail = subprocess.run(
            [BINARY, "logs", "--audit", "--workspace", running.workspace], check=True, capture_output=True, text=True
        ).stdout
        digits = fingerprint(people, "unknown").replace(":", "").lower()
        assert (
            f"denied call: the caller cannot be identified; it presented the certificate unknown with the fingerprint {digits}"
            in trail
        )

    def test_names_count_only_if_a_trusted_authority_vouches_for_them_now(self, running, people, tmp_path):
        stranger = Authority(tmp_path / "stranger", "stranger")
        stranger.issue("mallory")
        stranger.issue("bob")
        shutil.copy(people.certificate, stranger.certificate)
        for credentials, reason in [
            (stranger.credentials("mallory"), "the peer's certificate 'mallory', issued by 'stranger'"),
            (stranger.credentials("bob"), "the peer's certificate 'bob', issued by 'stranger'"),
            (people.credentials("late"), "the peer's certificate 'late' expired on 20"),
            (people.credentials(), "the peer presented no certificate, but one is required"),
        ]:
            with Client(running.address, credentials) as client:
                assert self.refused(client.heartbeat)[0] == grpc.StatusCode.UNAVAILABLE
            logged(running, reason)
