/// An address on which an HTTP server listens.
public enum HTTPAddress: Sendable, Hashable, CustomStringConvertible {
  /// A host and a port; 0 for any free port.
  case tcp(host: String, port: Int)
  /// The path of a Unix socket.
  case unix(path: String)

  /// Longest path of a Unix socket, in bytes, that SwiftNIO can bind on all systems; Linux alone allows 107.
  public static let maximumPathBytes = 103

  /// The address as `host:port` or `unix:path`.
  public var description: String {
    switch self {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }

  /// Whether a browser on this machine can send requests to the address.
  var isTCP: Bool { if case .tcp = self { true } else { false } }
}

/// Who can reach an HTTP server, before callers are identified.
public struct HTTPExposure: Sendable {
  /// Whether it listens on other than loopback addresses.
  public var takesAnyHost: Bool
  /// Whether other users of the machine may connect to its Unix socket.
  public var isSocketShared: Bool

  /// Makes an exposure; by default only this machine over TCP, and the process's own user over the socket.
  public init(takesAnyHost: Bool = false, isSocketShared: Bool = false) {
    self.takesAnyHost = takesAnyHost
    self.isSocketShared = isSocketShared
  }
}
