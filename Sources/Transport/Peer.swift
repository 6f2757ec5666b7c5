import NIOCore

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The other end of a connection.
public enum Peer: Sendable, Hashable, CustomStringConvertible {
  /// A TCP peer; the host is the numeric address.
  case tcp(host: String, port: Int)
  /// A local process on a Unix socket, with its credentials as recorded by the kernel at connect.
  case unix(PeerCredentials?)

  /// `ipv4:host:port`, `ipv6:[host]:port` or `unix:uid=…,pid=…`, as in gRPC's naming document.
  public var description: String {
    switch self {
    case .tcp(let host, let port):
      host.utf8.contains(UInt8(ascii: ":")) ? "ipv6:[\(host)]:\(port)" : "ipv4:\(host):\(port)"
    case .unix(let credentials?): "unix:uid=\(credentials.uid),pid=\(credentials.pid)"
    case .unix(nil): "unix:"
    }
  }
}

/// The credentials of a process on a Unix socket; the layout is that of Linux's `struct ucred` (unix(7), SO_PEERCRED).
public struct PeerCredentials: Sendable, Hashable {
  /// Process id at the time of connect.
  public var pid: Int32 = 0
  /// Effective user id at the time of connect.
  public var uid: UInt32 = 0
  /// Effective group id at the time of connect.
  public var gid: UInt32 = 0
}

/// An address to listen on or to connect to.
public enum TransportAddress: Sendable, Hashable, CustomStringConvertible {
  /// A host name or numeric address, and a port; 0 selects any free port.
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
  /// Creates the peer for an address to which a client has connected.
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

extension Peer {
  /// The key by which connections are counted: the host of a TCP peer, or its 64-bit network for IPv6 (which one customer owns as
  /// a whole), or the user of a Unix socket.
  public var origin: String {
    switch self {
    case .tcp(let host, _): Self.network(host) ?? host
    case .unix(let credentials?): "uid \(credentials.uid)"
    case .unix(nil): "unix socket"
    }
  }

  /// Returns the 64-bit network of an IPv6 address; nil for other hosts and for IPv4-mapped addresses (RFC 4291, section
  /// 2.5.5.2).
  private static func network(_ host: String) -> String? {
    let text = String(host.prefix { $0 != "%" })
    var address = [UInt8](repeating: 0, count: 16)
    guard text.utf8.contains(UInt8(ascii: ":")), inet_pton(AF_INET6, text, &address) == 1 else { return nil }
    if address[..<10].allSatisfy({ $0 == 0 }), address[10] == 0xFF, address[11] == 0xFF {
      return address[12...].map { String($0) }.joined(separator: ".")
    }
    for index in 8..<16 { address[index] = 0 }
    var buffer = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_ntop(AF_INET6, &address, &buffer, socklen_t(buffer.count)) != nil else { return nil }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self) + "/64"
  }
}
