import Engines
import Glibc
import Transport

/// Where sampling servers listen. The client's library can send neither a token nor anything else that identifies it, and it does
/// not use TLS, so a server listens where its session's client came from, and accepts only that host or user (decision 10).
public struct LearningListening: Sendable {
  /// The address on which the coordinator listens for other hosts; nil to serve clients on this host only.
  private let remoteHost: String?
  /// The maximum length of the path of a Unix socket (unix(7)), in bytes.
  static let maximumPathBytes = 103

  /// Creates the rules.
  /// - Parameter remoteHost: the address to listen on for clients on other hosts, who may then be overheard; nil if there must
  ///   be none.
  public init(remoteHost: String? = nil) { self.remoteHost = remoteHost }

  /// A place to listen, and who may connect.
  struct Place: Sendable, Equatable {
    var address: TransportAddress
    /// Whether a directory was made for the socket.
    var directory: String?
    var route: ClientRoute

    /// Returns whether a peer may use the server.
    func accepts(_ peer: Peer) -> Bool {
      switch (route, peer) {
      case (.network(let host), .tcp(let other, _)): LearningListening.plain(host) == LearningListening.plain(other)
      case (.socket(let user?), .unix(let credentials?)): user == credentials.uid
      default: false
      }
    }
  }

  /// Returns the place for a client.
  /// - Parameter directory: a directory of the session's own.
  /// - Throws: `EngineError` if the client cannot be served.
  func place(for route: ClientRoute, name: String, directory: String) throws(EngineError) -> Place {
    switch route {
    case .network(let host):
      if let loopback = Self.loopback(host) {
        return Place(address: .tcp(host: loopback, port: 0), route: route)
      }
      guard let remoteHost else {
        throw EngineError(
          .permissionDenied, "the learning client is on another host, \(host), and cannot encrypt what it sends",
          hint: "Run it on this host, or, if the network is trusted, set host to an address of this host and "
            + "access.allow_plaintext: true")
      }
      return Place(address: .tcp(host: remoteHost, port: 0), route: route)
    case .socket(nil):
      throw EngineError(.permissionDenied, "the user behind the Unix socket is not known", hint: "Connect over TCP")
    case .socket(let user?):
      let path = directory + "/" + name
      if user == geteuid(), path.utf8.count <= Self.maximumPathBytes {
        return Place(address: .unix(path: path), route: route)
      }
      let own = try Self.makeDirectory()
      return Place(address: .unix(path: own + "/" + name), directory: own, route: route)
    }
  }

  /// Makes a directory that other users can pass through.
  private static func makeDirectory() throws(EngineError) -> String {
    var template = Array("/tmp/gscoordinator-learning-XXXXXX".utf8CString)
    guard let path = mkdtemp(&template).map({ String(cString: $0) }), chmod(path, 0o711) == 0 else {
      throw EngineError(
        .engineFailure, "cannot make a directory below /tmp", evidence: String(cString: strerror(errno)))
    }
    return path
  }

  /// Returns the loopback address through which a host on this machine came; nil for other hosts.
  private static func loopback(_ host: String) -> String? {
    let host = plain(host)
    if host == "::1" { return host }
    return host.hasPrefix("127.") ? "127.0.0.1" : nil
  }

  /// Returns an IPv4 address that was mapped to IPv6 as such.
  static func plain(_ host: String) -> String {
    let mapped = "::ffff:"
    return host.hasPrefix(mapped) && host.contains(".") ? String(host.dropFirst(mapped.count)) : host
  }
}
