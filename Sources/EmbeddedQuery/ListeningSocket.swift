import Engines
import Glibc
import Support

/// A listening socket of 127.0.0.1 that a process inherits. It stays open while this object exists, so that a process that takes
/// the place of another one serves the same port, and clients that connect meanwhile wait for it.
final class ListeningSocket: Sendable {
  /// The descriptor; processes inherit it only if they are told to.
  let descriptor: Int32
  /// The port.
  let port: UInt16

  /// Listens on a free port.
  /// - Throws: `EngineError` if the system gives no socket or port.
  init() throws(EngineError) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Self.failure() }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) == 0 && listen(descriptor, 1024) == 0 && getsockname(descriptor, $0, &size) == 0
      }
    }
    guard isBound else {
      let failure = Self.failure()
      close(descriptor)
      throw failure
    }
    self.descriptor = descriptor
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { close(descriptor) }

  private static func failure() -> EngineError {
    EngineError(
      .resourceExhausted, "cannot listen on a port for queries",
      evidence: SystemError("cannot open a socket of", "127.0.0.1").reason,
      hint: "Close interactive instances that are not needed, or raise the limit of open files")
  }
}
