import CPlatform
import Engines
import FoundationEssentials
import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// Returns a TCP port of this machine on which no process listens, and which was not returned before.
///
/// Its process may take some seconds until it listens. Meanwhile, the kernel uses ports of its ephemeral range for outgoing
/// connections, so the returned port is below that range if possible.
/// - Throws: `EngineError` when no port is available.
func freePort() throws(EngineError) -> UInt16 {
  for _ in 0..<1_000 {
    guard let candidate = PortChoice.shared.next() else { break }
    if let port = bound(to: candidate) { return port }
  }
  guard let port = bound(to: 0) else { throw noPort() }
  return port
}

/// Binds a socket to a port, or to any port if it is 0. Returns the port; nil if that failed.
private func bound(to port: UInt16) -> UInt16? {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  var size = socklen_t(MemoryLayout<sockaddr_in>.size)
  let isBound = withUnsafeMutablePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
    }
  }
  return isBound ? UInt16(bigEndian: address.sin_port) : nil
}

/// Cycles through the ports below the kernel's ephemeral range from a random start, so that two coordinators on a machine rarely
/// choose the same one.
private final class PortChoice: Sendable {
  static let shared = PortChoice()

  /// Lower ports belong to well-known services.
  private static let lowest: UInt16 = 10_000
  private let count: UInt16
  private let position: Mutex<UInt16>

  private init() {
    let range = (try? String(contentsOfFile: "/proc/sys/net/ipv4/ip_local_port_range", encoding: .utf8)) ?? ""
    let first = range.split(whereSeparator: \.isWhitespace).first.flatMap { UInt16($0) } ?? 32_768
    count = first > Self.lowest ? first - Self.lowest : 0
    position = Mutex(count == 0 ? 0 : .random(in: 0..<count))
  }

  /// Returns the next candidate; nil if the kernel's range covers all ports.
  func next() -> UInt16? {
    guard count > 0 else { return nil }
    return position.withLock { position in
      position = (position + 1) % count
      return Self.lowest + position
    }
  }
}

/// Returns whether a TCP port of this machine is available.
public func isPortFree() -> Bool { (try? freePort()) != nil }

private func noPort() -> EngineError {
  EngineError(
    .resourceExhausted, "no free TCP port was found: \(String(cString: platform_error_text(errno)))",
    hint: "End processes that hold connections, or raise the limit of open files")
}

/// Returns whether a process accepts TCP connections at an address within two seconds.
func accepts(_ host: String, _ port: UInt16) async -> Bool {
  let channel = try? await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
    .connectTimeout(.seconds(2)).connect(host: host, port: Int(port)).get()
  try? await channel?.close()
  return channel != nil
}
