import Dispatch
import Engines

/// How GraphScope's engines on several hosts are reached.
public struct HostReach: Sendable, Equatable {
  /// The program that runs commands on other hosts, and its first arguments; a host and a command are added.
  public var remoteShell: [String]
  /// The network over which the hosts speak, `10.1.2.0/24`; nil for the one on the way to them.
  public var network: String?

  /// A program that asks for nothing and does not wait for hosts that are not there.
  public static let ssh = ["ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]

  /// A way to other hosts.
  public init(remoteShell: [String] = HostReach.ssh, network: String? = nil) {
    self.remoteShell = remoteShell
    self.network = network
  }

  /// Whether a text is a name or an IPv4 address of a host, as ssh and MPI can be given it.
  public static func isHost(_ text: String) -> Bool { WorkerHosts.isName(text) }

  /// Whether a text names a network.
  public static func isNetwork(_ text: String) -> Bool { IPv4Network(text) != nil }
}

/// The addresses by which the hosts of a session find each other.
struct HostNetwork: Sendable, Equatable {
  /// This host's, as the others see it.
  let own: IPv4Address
  /// What MPI is to keep to; nil to let it choose.
  let network: IPv4Network?
  /// Those of the other hosts.
  let others: [String: IPv4Address]

  /// Looks for the addresses, on a thread that may wait for names.
  /// - Throws: `EngineError` when a host has none or there is no way to it.
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
          hint: "Name it as this machine resolves it, in /etc/hosts or by DNS")
      }
      others[host] = address
    }
    return try chosen(
      others, reach.network, interfaces: HostInterface.all(),
      own: hosts.first.flatMap { others[$0] }.flatMap(HostInterface.ownAddress))
  }

  /// The network of hosts that were looked up.
  /// - Parameter own: this host's address on the way to them.
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
        .engineFailure, "there is no way to the hosts \(others.keys.sorted().joined(separator: ", "))",
        hint: "Look at the routes of this machine, or set graphscope.network")
    }
    let network = interfaces.first { $0.address == own }?.network
    // Behind a router MPI finds its way by itself.
    let isCommon = network.map { network in others.values.allSatisfy { network.contains($0) } } ?? false
    return HostNetwork(own: own, network: isCommon ? network : nil, others: others)
  }
}
