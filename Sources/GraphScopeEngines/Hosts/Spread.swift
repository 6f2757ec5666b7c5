import Engines
import Glibc
import Synchronization

/// What the processes of a session have beside the usual when its workers are on several hosts, or on another one: a store
/// on each, which share what they know through an etcd of the session's own.
struct Spread: Sendable {
  let network: HostNetwork
  /// Where the etcd listens, on this host's address in the network and on loopback.
  let metadataPort: UInt16
  /// The agent of the user's keys, if there is one: children get few of our variables.
  let keyAgent: String?

  /// Where the stores find the etcd.
  private var metadata: String { "http://\(network.own):\(metadataPort)" }

  /// What a store is started with.
  var storeArguments: [String] { ["--meta", "etcd", "--etcd_endpoint", metadata] }

  /// The etcd. A graph's metadata are written in one transaction of thousands of keys.
  func etcd(_ executable: String, directory: String, peerPort: UInt16) -> ChildProgram {
    let peer = "http://127.0.0.1:\(peerPort)"
    return ChildProgram(
      name: Self.etcd, executable: executable,
      arguments: [
        "--name", "session", "--data-dir", directory + "/etcd", "--listen-client-urls",
        "http://127.0.0.1:\(metadataPort),\(metadata)", "--advertise-client-urls", metadata, "--listen-peer-urls", peer,
        "--initial-advertise-peer-urls", peer, "--initial-cluster", "session=\(peer)", "--max-txn-ops", "102400",
        "--max-request-bytes", "\(64 << 20)", "--log-level", "error",
      ], directory: directory, readiness: .port(metadataPort))
  }

  static let etcd = "etcd"
  /// Where ssh finds the agent of the user's keys.
  static let keyAgentVariable = "SSH_AUTH_SOCK"

  /// Arguments of a job of MPI's on several hosts.
  /// - Parameter variables: those that processes on other hosts get, too.
  func mpiArguments(mpi: String, directory: String, _ variables: [String]) -> [String] {
    // These are passed on by MPI itself, or are not for others.
    let own = variables.filter {
      !$0.hasPrefix("OMPI_") && !["PATH", "OPAL_PREFIX", Self.keyAgentVariable].contains($0)
    }
    return ["--prefix", mpi, "-wdir", directory] + own.flatMap { ["-x", $0] }
  }

  /// Variables of MPI's on several hosts.
  var mpiVariables: [String: String] {
    // A host that is cut off is noticed within half a minute.
    var variables = [
      "OMPI_MCA_oob_tcp_keepalive_time": "10", "OMPI_MCA_oob_tcp_keepalive_intvl": "5",
      "OMPI_MCA_oob_tcp_keepalive_probes": "3",
    ]
    if let network = network.network {
      variables["OMPI_MCA_btl_tcp_if_include"] = "\(network)"
      variables["OMPI_MCA_oob_tcp_if_include"] = "\(network)"
    }
    return variables
  }
}

extension EngineCommands {
  /// The etcd of a session on several hosts.
  /// - Throws: `EngineError` when it is not installed.
  func etcd(_ spread: Spread) throws(EngineError) -> ChildProgram {
    guard let etcd = installation.etcd else {
      throw EngineError(
        .unimplemented, "etcd, which sessions on several hosts need, is not installed",
        hint: "Run: apt-get install etcd-server")
    }
    return spread.etcd(etcd, directory: shared, peerPort: try freePort())
  }

  /// The object store of another host. It may be started when all before it serve: stores that join at the same moment
  /// take each other's place and end.
  /// - Throws: `EngineError` when it is not installed.
  func store(on host: String, name: String) throws(EngineError) -> ChildProgram {
    let job = try mpi(try WorkerHosts([host]), [try vineyardd()] + storeArguments)
    let serves = Heard("Vineyard will listen on")
    return ChildProgram(
      name: name, executable: job.executable, arguments: job.arguments,
      environment: environment.merging(job.environment) { $1 }, directory: directory,
      readiness: .probe { serves.isSo }, onLine: { serves.hear($0) })
  }
}

extension EngineCommands {
  /// Refuses what needs all of a graph in this host's store.
  /// - Parameter what: what is done with it, a sentence in the passive.
  /// - Throws: `EngineError.unimplemented` when other hosts have parts of it.
  func requireOneStore(_ what: String) throws(EngineError) {
    guard spread != nil else { return }
    throw EngineError(
      .unimplemented,
      "\(what) on the coordinator's host alone, and this session's workers are on "
        + hosts.all.map(\.name).joined(separator: ", "),
      hint: "Open a session on one host: in the cluster file, give it the selector {host: localhost}")
  }
}

/// Whether a process has said something.
private final class Heard: Sendable {
  private let words: String
  private let heard = Mutex(false)

  init(_ words: String) { self.words = words }

  var isSo: Bool { heard.withLock { $0 } }

  func hear(_ line: String) {
    if line.contains(words) { heard.withLock { $0 = true } }
  }
}
