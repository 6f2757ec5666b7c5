import Foundation
import Glibc
import TestSupport
import Testing

@testable import StateStore

/// Hosts connected by a network that can be partitioned: network namespaces, each connected by a cable (veth) to a switch (a
/// bridge in a namespace of its own). A partition moves cables to another switch: packets are dropped silently.
final class EtcdNetwork: Sendable {
  let hosts: [String]
  private let label: String

  /// Whether this process may create namespaces: it needs root with CAP_NET_ADMIN and CAP_SYS_ADMIN.
  static let isPossible: Bool = {
    let name = "gs\(getpid())-try"
    defer { _ = try? runIP("netns del \(name)") }
    return (try? runIP("netns add \(name)")) != nil
  }()

  /// Creates the network; `remove` removes it.
  init(hosts: [String]) throws {
    self.hosts = hosts
    label = "gs\(getpid())x\(Int.random(in: 0..<10_000))"
    Self.removeForgotten()
    let hub = "\(label)-hub"
    do {
      try Self.runIP("netns add \(hub)")
      for bridge in ["main", "side"] {
        try Self.runIP("-n \(hub) link add \(bridge) type bridge")
        try Self.runIP("-n \(hub) link set \(bridge) up")
      }
      for host in hosts {
        try Self.runIP("netns add \(label)-\(host)")
        try Self.runIP("-n \(hub) link add to-\(host) type veth peer name eth0 netns \(label)-\(host)")
        try Self.runIP("-n \(label)-\(host) addr add \(address(host))/24 dev eth0")
        for link in ["lo", "eth0"] { try Self.runIP("-n \(label)-\(host) link set \(link) up") }
        try Self.runIP("-n \(hub) link set to-\(host) master main up")
      }
    } catch {
      remove()
      throw error
    }
  }

  deinit { remove() }

  func remove() {
    for host in hosts + ["hub"] { _ = try? Self.runIP("netns del \(label)-\(host)") }
  }

  func address(_ host: String) -> String { "10.77.0.\((hosts.firstIndex(of: host) ?? 0) + 1)" }

  /// The prefix of a command that is to run on a host.
  func launcher(_ host: String) -> [String] { [EtcdMember.find("ip") ?? "ip", "netns", "exec", "\(label)-\(host)"] }

  /// Separates some hosts from the others; they can still reach one another.
  func separate(_ cut: String...) throws {
    for host in cut { try Self.runIP("-n \(label)-hub link set to-\(host) master side") }
  }

  /// Connects all hosts again.
  func heal() throws {
    for host in hosts { try Self.runIP("-n \(label)-hub link set to-\(host) master main") }
  }

  /// Opens a store whose sockets are on a host: its thread is started from a thread that has moved there.
  func store(on host: String, _ configuration: EtcdConfiguration) async throws -> EtcdStateStore {
    let path = "/run/netns/\(label)-\(host)"
    let store: EtcdStateStore = try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(
          with: Result {
            try Self.moveThread(to: path)
            return try EtcdStateStore(configuration)
          })
      }
    }
    try await store.identify()
    return store
  }

  private static func moveThread(to path: String) throws {
    typealias SetNamespace = @convention(c) (Int32, Int32) -> Int32
    // The Glibc module omits setns.
    guard let symbol = dlsym(nil, "setns") else { throw DidNotHappen(description: "no setns") }
    let file = open(path, O_RDONLY | O_CLOEXEC)
    defer { close(file) }
    let anyNamespace: Int32 = 0
    guard unsafeBitCast(symbol, to: SetNamespace.self)(file, anyNamespace) == 0 else {
      throw DidNotHappen(description: "setns \(path): \(String(cString: strerror(errno)))")
    }
  }

  @discardableResult
  private static func runIP(_ arguments: String) throws -> String {
    try runToEnd(["ip"] + arguments.split(separator: " ").map { String($0) })
  }

  /// Removes what killed tests have left behind.
  private static func removeForgotten() {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? [] where name.hasPrefix("gs") {
      let digits = name.dropFirst(2).prefix { $0.isNumber }
      if let process = Int32(digits), name.contains("-"), Glibc.kill(process, 0) != 0 {
        _ = try? runIP("netns del \(name)")
      }
    }
  }
}

/// Three members of one etcd, on this host or on hosts of a network.
final class EtcdTrio: Sendable {
  private let members: Guarded<[EtcdMember]>
  var all: [EtcdMember] { members.value }
  var endpoints: [String] { all.map(\.endpoint) }

  init(_ folder: URL, network: EtcdNetwork? = nil) throws {
    var options = try ["m1", "m2", "m3"].map { name in
      var options = EtcdMember.Options()
      options.name = name
      options.host = network?.address(name) ?? "127.0.0.1"
      options.clientPort = try network == nil ? freePort() : 2379
      options.peerPort = try network == nil ? freePort() : 2380
      options.launcher = network?.launcher(name) ?? []
      options.election = 500
      return options
    }
    let cluster = options.map { "\($0.name)=http://\($0.host):\($0.peerPort)" }.joined(separator: ",")
    for index in options.indices { options[index].cluster = cluster }
    members = Guarded(try options.map { try EtcdMember($0, folder: folder) })
  }

  func kill() { for member in all { member.kill() } }

  /// Kills a member.
  func kill(_ index: Int) { all[index].kill() }

  /// Starts a killed member again.
  func restart(_ index: Int) throws {
    let member = try all[index].restarted()
    members.update { $0[index] = member }
  }

  /// Returns the index of the leading member, as reported to a store that reaches all of them.
  func leader(_ configuration: EtcdConfiguration, through make: (EtcdConfiguration) async throws -> EtcdStateStore)
    async throws -> Int
  {
    for index in all.indices {
      var one = configuration
      one.endpoints = [all[index].endpoint]
      let store = try await make(one)
      let status: Status = try await store.call("maintenance/status", EtcdEmpty())
      await store.close()
      if status.header.member_id == status.leader { return index }
    }
    throw DidNotHappen(description: "no member of etcd leads")
  }

  private struct Status: Decodable, Sendable {
    struct Header: Decodable, Sendable { var member_id: String }
    var header: Header
    var leader: String?
  }
}
