import NIOCore

/// Who is at the other end of a connection.
public enum Peer: Sendable, Hashable, CustomStringConvertible {
  /// A TCP peer; the host is the numeric address.
  case tcp(host: String, port: Int)
  /// A process of this machine on a Unix socket; credentials as the kernel recorded them at connect.
  case unix(PeerCredentials?)

  /// `ipv4:host:port`, `ipv6:[host]:port` or `unix:uid=…,pid=…`: the forms of gRPC's naming document.
  public var description: String {
    switch self {
    case .tcp(let host, let port):
      host.utf8.contains(UInt8(ascii: ":")) ? "ipv6:[\(host)]:\(port)" : "ipv4:\(host):\(port)"
    case .unix(let credentials?): "unix:uid=\(credentials.uid),pid=\(credentials.pid)"
    case .unix(nil): "unix:"
    }
  }
}

/// The process behind a Unix socket; the layout is Linux's `struct ucred` (unix(7), SO_PEERCRED).
public struct PeerCredentials: Sendable, Hashable {
  /// Process id at the time of connect.
  public var pid: Int32 = 0
  /// Effective user id at the time of connect.
  public var uid: UInt32 = 0
  /// Effective group id at the time of connect.
  public var gid: UInt32 = 0
}

/// Where a server listens or a client connects to.
public enum TransportAddress: Sendable, Hashable, CustomStringConvertible {
  /// A host name or numeric address, and a port (0: any free one).
  case tcp(host: String, port: Int)
  /// The path of a Unix socket.
  case unix(path: String)

  /// `host:port` or `unix:path`.
  public var description: String {
    switch self {
    case .tcp(let host, let port): host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }
}

extension Peer {
  /// The peer behind an address that we have connected to.
  init(_ address: TransportAddress) {
    switch address {
    case .tcp(let host, let port): self = .tcp(host: host, port: port)
    case .unix: self = .unix(nil)
    }
  }

  init(_ address: SocketAddress?, credentials: PeerCredentials?) {
    if let host = address?.ipAddress, let port = address?.port {
      self = .tcp(host: host, port: port)
    } else {
      self = .unix(credentials)
    }
  }
}
