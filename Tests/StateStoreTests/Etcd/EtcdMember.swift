import Foundation
import Glibc
import HTTPClient
import TestSupport
import Testing

/// A real etcd for a test, started with its data in a folder of its own and ended by its process id.
final class EtcdMember: Sendable {
  struct Options: Sendable {
    var name = "default"
    var host = "127.0.0.1"
    /// 0 for a free port.
    var clientPort: UInt16 = 0
    var peerPort: UInt16 = 0
    /// `name=peer URL` of all members; only this one if empty.
    var cluster = ""
    /// The election timeout of etcd in milliseconds; the heartbeat is a tenth.
    var election = 100
    /// A prefix of the command, for example `ip netns exec name`.
    var launcher: [String] = []
    var arguments: [String] = []
    var scheme = "http"
  }

  let options: Options
  let folder: URL
  private let process: Process
  var endpoint: String { "\(options.scheme)://\(options.host):\(options.clientPort)" }
  var processID: Int32 { process.processIdentifier }

  /// Starts a member; `waitUntilReady` waits until it answers.
  init(_ options: Options = Options(), folder: URL) throws {
    var options = options
    if options.clientPort == 0 { options.clientPort = try freePort() }
    if options.peerPort == 0 { options.peerPort = try freePort() }
    self.options = options
    self.folder = folder
    process = try Self.launch(options, folder)
  }

  private static func launch(_ options: Options, _ folder: URL) throws -> Process {
    guard let etcd = find("etcd") else {
      throw DidNotHappen(description: "no etcd on this machine; install it: apt-get install etcd-server")
    }
    let client = "\(options.scheme)://\(options.host):\(options.clientPort)"
    let peer = "http://\(options.host):\(options.peerPort)"
    let command =
      options.launcher + [
        etcd, "--name", options.name, "--data-dir", folder.appending(path: options.name).path,
        "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
        "--initial-advertise-peer-urls", peer,
        "--initial-cluster", options.cluster.isEmpty ? "\(options.name)=\(peer)" : options.cluster,
        "--heartbeat-interval", "\(max(10, options.election / 10))", "--election-timeout", "\(options.election)",
        "--log-level", "error",
      ] + options.arguments
    let process = Process()
    process.executableURL = URL(filePath: command[0])
    process.arguments = Array(command.dropFirst())
    let log = folder.appending(path: "\(options.name).log").path
    try Data().write(to: URL(filePath: log))
    let output = FileHandle(forWritingAtPath: log)
    process.standardOutput = output
    process.standardError = output
    try process.run()
    return process
  }

  /// Starts the same member again after it was killed, on its data.
  func restarted() throws -> EtcdMember { try EtcdMember(options, folder: folder) }

  deinit { kill() }

  func kill() {
    guard process.isRunning else { return }
    Glibc.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }

  /// Waits until the member reports a leader.
  func waitUntilReady() async throws {
    let http = try HTTPClient()
    defer { http.close() }
    let request = HTTPRequest(
      "POST", "\(endpoint)/v3/kv/range", body: Array(#"{"key":"AA=="}"#.utf8), timeout: .seconds(2))
    do {
      try await within(.seconds(60), "etcd to answer at \(endpoint)") { [process] in
        while (try? await http.send(request))?.status != 200 {
          guard process.isRunning else { throw DidNotHappen(description: "etcd has ended") }
          try await Task.sleep(for: .milliseconds(20))
        }
      }
    } catch {
      throw DidNotHappen(description: "\(error); its log: \(log)")
    }
  }

  var log: String {
    (try? String(contentsOf: folder.appending(path: "\(options.name).log"), encoding: .utf8)) ?? "none"
  }

  static func find(_ name: String) -> String? {
    ["/usr/bin/", "/usr/local/bin/", "/usr/sbin/", "/sbin/", "/bin/"].map { $0 + name }.first {
      FileManager.default.isExecutableFile(atPath: $0)
    }
  }
}

/// Runs a body with a temporary folder.
func withTemporaryFolder<T>(_ body: (URL) async throws -> T) async throws -> T {
  let folder = FileManager.default.temporaryDirectory.appending(path: "etcd-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try await body(folder)
}

/// Runs a body with an etcd of one member.
func withEtcd<T>(_ options: EtcdMember.Options = .init(), _ body: (EtcdMember) async throws -> T) async throws -> T {
  try await withTemporaryFolder { folder in
    let member = try EtcdMember(options, folder: folder)
    defer { member.kill() }
    try await member.waitUntilReady()
    return try await body(member)
  }
}

/// Runs a command to its end.
@discardableResult
func runToEnd(_ command: [String]) throws -> String {
  guard let program = EtcdMember.find(command[0]) else {
    throw DidNotHappen(description: "no \(command[0]) on this machine; install iproute2, openssl and etcd-client")
  }
  let process = Process()
  let output = Pipe()
  process.executableURL = URL(filePath: program)
  process.arguments = Array(command.dropFirst())
  process.standardOutput = output
  process.standardError = output
  try process.run()
  let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
  process.waitUntilExit()
  guard process.terminationStatus == 0 else { throw DidNotHappen(description: "\(command): \(text)") }
  return text
}
