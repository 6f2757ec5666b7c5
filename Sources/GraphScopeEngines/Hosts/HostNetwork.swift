import Dispatch
import Engines

/// How to reach the hosts of GraphScope's engines.
public struct HostReach: Sendable, Equatable {
  /// The program that runs commands on other hosts, and its first arguments; a host and a command are appended.
  public var remoteShell: [String]
  /// The network through which the hosts communicate, such as `10.1.2.0/24`; nil for the network on the route to them.
  public var network: String?

  /// An ssh that never prompts, and gives up on an unreachable host after 10 seconds.
  public static let ssh = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]

  /// Creates a description of how to reach other hosts.
  public init(remoteShell: [String] = HostReach.ssh, network: String? = nil) {
    self.remoteShell = remoteShell
    self.network = network
  }

  /// Returns whether a text is a host name or an IPv4 address that is safe to pass to ssh and MPI.
  public static func isHost(_ text: String) -> Bool { WorkerHosts.isName(text) }

  /// Returns whether a text is an IPv4 network, such as `10.1.2.0/24`.
  public static func isNetwork(_ text: String) -> Bool { IPv4Network(text) != nil }
}

/// The addresses through which the hosts of a session communicate.
struct HostNetwork: Sendable, Equatable {
  /// The address of this host, as seen by the others.
  let own: IPv4Address
  /// The network that MPI must use; nil to let it choose.
  let network: IPv4Network?
  /// The addresses of the other hosts, by name.
  let others: [String: IPv4Address]

  /// Looks up the addresses, on a thread that may wait for name resolution.
  /// - Throws: `EngineError` when a host has no address, or there is no route to it.
  static func toward(_ hosts: [String], _ reach: HostReach) async throws -> HostNetwork {
    try await withCheckedThrowingContinuation { continuation in
      DispatchQueue.global().async { continuation.resume(with: Result { try found(hosts, reach) }) }
    }
  }

  private static func found(_ hosts: [String], _ reach: HostReach) throws -> HostNetwork {
    var others: [String: IPv4Address] = [:]
    for host in hosts {
      guard let address = IPv4Address.lookUp(host) else {
        throw EngineError(
          .engineFailure, "the host '\(host)' of the session has no IPv4 address",
          hint: "Use a name that this machine can resolve, through /etc/hosts or DNS")
      }
      others[host] = address
    }
    return try chosen(
      others, reach.network, interfaces: HostInterface.all(),
      own: hosts.first.flatMap { others[$0] }.flatMap(HostInterface.ownAddress))
  }

  /// Chooses the network for hosts that were looked up.
  /// - Parameter own: The address of this host on the route to them.
  static func chosen(
    _ others: [String: IPv4Address], _ wanted: String?, interfaces: [HostInterface], own: IPv4Address?
  ) throws(EngineError) -> HostNetwork {
    if let wanted, let network = IPv4Network(wanted) {
      guard let interface = interfaces.first(where: { network.contains($0.address) }) else {
        throw EngineError(
          .engineFailure, "this host has no address in the network \(wanted) (graphscope.network)",
          evidence: interfaces.map { "\($0.address)" }.joined(separator: ", "))
      }
      return HostNetwork(own: interface.address, network: network, others: others)
    }
    guard let own else {
      throw EngineError(
        .engineFailure, "there is no route to the hosts \(others.keys.sorted().joined(separator: ", "))",
        hint: "Check the routes of this machine, or set graphscope.network")
    }
    let network = interfaces.first { $0.address == own }?.network
    // Across a router, MPI chooses the network itself.
    let isCommon = network.map { network in others.values.allSatisfy { network.contains($0) } } ?? false
    return HostNetwork(own: own, network: isCommon ? network : nil, others: others)
  }
}
