import Engines
import Glibc
import Synchronization

/// A placement on several hosts, or on another one, which a remote shell reaches: a store on each host, which exchange metadata
/// through an etcd of the session's own.
struct Spread: Placement {
  let network: HostNetwork
  /// The port of etcd, on this host's address in the network and on loopback.
  let metadataPort: UInt16
  /// The socket of the ssh agent, if there is one: children inherit few environment variables.
  let keyAgent: String?
  /// The program that runs commands on other hosts, and its first arguments.
  var remoteShell = HostReach.ssh

  func address(of host: String) -> String { "\(network.others[host] ?? network.own)" }

  func engineAddress(on host: String) -> String { network.others[host]?.description ?? "127.0.0.1" }

  func publicName(of host: String) -> String { address(of: host) }

  /// The URL of etcd for the stores.
  private var metadata: String { "http://\(network.own):\(metadataPort)" }

  /// The arguments of a store that connect it to etcd.
  var storeArguments: [String] { ["--meta", "etcd", "--etcd_endpoint", metadata] }

  /// Returns the etcd process. It accepts large transactions, because a graph's metadata are written in one of thousands of keys.
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
  /// The environment variable with the socket of the ssh agent.
  static let keyAgentVariable = "SSH_AUTH_SOCK"

  /// Returns the arguments of an MPI job on several hosts.
  /// - Parameter variables: The environment variables to pass to processes on other hosts.
  func mpiArguments(mpi: String, directory: String, _ variables: [String]) -> [String] {
    // MPI passes these on itself, or they are meant for this host only.
    let own = variables.filter {
      !$0.hasPrefix("OMPI_") && !["PATH", "OPAL_PREFIX", Self.keyAgentVariable].contains($0)
    }
    return ["--prefix", mpi, "-wdir", directory] + own.flatMap { ["-x", $0] }
  }

  var needsMPI: Bool { true }

  func stores(_ commands: EngineCommands) throws(EngineError) -> [(program: ChildProgram, what: String)] {
    var stores = [(program: try commands.etcd(self), what: "the session's etcd")]
    if commands.hosts.includeOwn { stores.append((try commands.store(), "the session's object store")) }
    for (index, host) in commands.hosts.others.enumerated() {
      let store = try commands.store(on: host, name: "\(EngineCommands.store)-\(index + 1)")
      stores.append((store, "the session's object store on \(host)"))
    }
    return stores
  }

  func environment(shared: String) -> [String: String] {
    // The only directory of the session that exists on every host.
    var variables = ["TMPDIR": shared, "OMPI_MCA_orte_tmpdir_base": shared]
    variables[Self.keyAgentVariable] = keyAgent
    return variables
  }

  func readiness(_ readiness: ChildProgram.Readiness, on host: String) -> ChildProgram.Readiness {
    guard case .port(let port) = readiness else { return readiness }
    return .probe { [address = address(of: host)] in await accepts(address, port) }
  }

  func commonDirectory(_ commands: EngineCommands) -> String { commands.shared }

  func claim(_ directory: String) throws { try SharedDirectories.claim(directory) }

  func requireOneStore(_ what: String, _ hosts: WorkerHosts) throws(EngineError) {
    throw EngineError(
      .unimplemented,
      "\(what) on the coordinator's host only, but this session's workers are on "
        + hosts.all.map(\.name).joined(separator: ", "),
      hint: "Open a session on one host: in the cluster file, give it the selector {host: localhost}")
  }

  /// The environment variables of MPI on several hosts.
  var mpiVariables: [String: String] {
    // Detects a host that is cut off within half a minute.
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
  /// Returns the etcd process of a session on several hosts.
  /// - Throws: `EngineError` when etcd is not installed.
  func etcd(_ spread: Spread) throws(EngineError) -> ChildProgram {
    guard let etcd = installation.etcd else {
      throw EngineError(
        .unimplemented, "etcd, which sessions on several hosts need, is not installed",
        hint: "Run: apt-get install etcd-server")
    }
    return spread.etcd(etcd, directory: shared, peerPort: try freePort())
  }

  /// Returns the object store process of another host. Start it when all previous stores are ready: stores that join at the same
  /// moment take the same place and end.
  /// - Throws: `EngineError` when the store is not installed.
  func store(on host: String, name: String) throws(EngineError) -> ChildProgram {
    let job = try mpi(try WorkerHosts([host]), [try vineyardd()] + storeArguments)
    let serves = Heard("Vineyard will listen on")
    return ChildProgram(
      name: name, executable: job.executable, arguments: job.arguments,
      environment: environment.merging(job.environment) { $1 }, directory: directory,
      readiness: .probe { serves.isSo }, onLine: { serves.hear($0) })
  }
}

/// Records whether a process has written a certain text.
private final class Heard: Sendable {
  private let words: String
  private let heard = Mutex(false)

  init(_ words: String) { self.words = words }

  var isSo: Bool { heard.withLock { $0 } }

  func hear(_ line: String) {
    if line.contains(words) { heard.withLock { $0 = true } }
  }
}
