import Engines
import FoundationEssentials
import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// A TCP port of this machine that nobody listens on now, and that was given to none of our processes before it.
///
/// Some seconds may pass until its process listens. The kernel gives ports of its range for outgoing connections to
/// whoever connects meanwhile, so that this one is from below that range where there is room.
/// - Throws: `EngineError` when there is none.
func freePort() throws(EngineError) -> UInt16 {
  for _ in 0..<1_000 {
    guard let candidate = PortChoice.shared.next() else { break }
    if let port = bound(to: candidate) { return port }
  }
  guard let port = bound(to: 0) else { throw noPort() }
  return port
}

/// The port to which a socket could be bound: the asked one, or any with 0; nil if it could not.
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

/// Goes around the ports below the kernel's own range, from a random one: two coordinators of a machine seldom meet.
private final class PortChoice: Sendable {
  static let shared = PortChoice()

  /// Below are the ports of well-known services.
  private static let lowest: UInt16 = 10_000
  private let count: UInt16
  private let position: Mutex<UInt16>

  private init() {
    let range = (try? String(contentsOfFile: "/proc/sys/net/ipv4/ip_local_port_range", encoding: .utf8)) ?? ""
    let first = range.split(whereSeparator: \.isWhitespace).first.flatMap { UInt16($0) } ?? 32_768
    count = first > Self.lowest ? first - Self.lowest : 0
    position = Mutex(count == 0 ? 0 : .random(in: 0..<count))
  }

  /// The next candidate; nil if all ports are the kernel's own.
  func next() -> UInt16? {
    guard count > 0 else { return nil }
    return position.withLock { position in
      position = (position + 1) % count
      return Self.lowest + position
    }
  }
}

/// Whether a TCP port of this machine can be had.
public func isPortFree() -> Bool { (try? freePort()) != nil }

private func noPort() -> EngineError {
  EngineError(
    .resourceExhausted, "no free TCP port was found: \(String(cString: strerror(errno)))",
    hint: "End processes that hold connections, or raise the limit of open files")
}

/// Whether a process listens on a Unix socket; true also when its queue is full.
func isListening(_ path: String) -> Bool {
  var address = sockaddr_un()
  address.sun_family = sa_family_t(AF_UNIX)
  let capacity = MemoryLayout.size(ofValue: address.sun_path)
  guard path.utf8.count < capacity else { return false }
  withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
  let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
  guard descriptor >= 0 else { return true }
  defer { close(descriptor) }
  let status = withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
    }
  }
  return status == 0 || errno == EAGAIN
}

/// Whether somebody takes TCP connections at an address, within two seconds.
func accepts(_ host: String, _ port: UInt16) async -> Bool {
  let channel = try? await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
    .connectTimeout(.seconds(2)).connect(host: host, port: Int(port)).get()
  try? await channel?.close()
  return channel != nil
}
