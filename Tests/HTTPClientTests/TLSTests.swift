import Foundation
import Testing
import Turns

@testable import HTTPClient

@Suite("TLS", .takesTurns, .timeLimit(.minutes(5)))
struct TLSTests {
  /// Creates certificates of an authority, a server and a client, and serves one page with them. Prints the port as its first
  /// line, and ends when its input ends.
  private static let script = """
    import http.server, ssl, subprocess, sys, threading
    folder = sys.argv[1]
    def openssl(*arguments): subprocess.run(["openssl", *arguments], check=True, cwd=folder, capture_output=True)
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority")
    for name in ["server", "client"]:
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", name + ".key", "-out", name + ".csr", "-subj", "/CN=" + name)
        open(folder + "/" + name + ".ext", "w").write("subjectAltName=IP:127.0.0.1")
        openssl("x509", "-req", "-in", name + ".csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-extfile", name + ".ext", "-out", name + ".pem")
    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name = dict(pair for part in self.connection.getpeercert()["subject"] for pair in part)["commonName"]
            self.send_response(200); self.send_header("Content-Length", str(len(name))); self.end_headers()
            self.wfile.write(name.encode())
        def log_message(self, *arguments): pass
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder + "/server.pem", folder + "/server.key")
    context.load_verify_locations(folder + "/ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    class Server(http.server.ThreadingHTTPServer):
        def get_request(self):
            connection, address = super().get_request()
            return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address
        def handle_error(self, *arguments): pass
    server = Server(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    sys.stdin.read()
    """

  private static let hasOpenSSL = ["/usr/bin/openssl", "/usr/local/bin/openssl"].contains {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  @Test(
    "trusts the configured authority, presents its certificate, and otherwise fails",
    .enabled(if: hasOpenSSL, "needs openssl and python3"))
  func certificates() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "tls-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let process = Process()
    let (input, output) = (Pipe(), Pipe())
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", "-c", Self.script, folder.path]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
    defer { process.terminate() }
    let port = String(decoding: output.fileHandleForReading.availableData, as: UTF8.self).filter(\.isNumber)
    let request = HTTPRequest("GET", "https://127.0.0.1:\(port)/")

    var configuration = HTTPClientConfiguration()
    #expect(await failure { try await HTTPClient(configuration).send(request) }?.code == .tls)
    configuration.tls.authorityFile = folder.appending(path: "ca.pem").path
    configuration.tls.certificateFile = folder.appending(path: "client.pem").path
    configuration.tls.keyFile = folder.appending(path: "client.key").path
    let response = try await HTTPClient(configuration).send(request)
    #expect(String(decoding: response.body, as: UTF8.self) == "client")
    configuration.tls.authorityFile = folder.appending(path: "missing.pem").path
    #expect(await failure { try await HTTPClient(configuration).send(request) }?.code == .tls)
  }
}
