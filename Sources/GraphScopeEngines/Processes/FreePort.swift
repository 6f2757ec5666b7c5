import Engines
import Glibc

/// A TCP port of this machine that nobody listens on now. Somebody else may take it before its process does: then that
/// process fails to start, and is started again on another one.
func freePort() throws(EngineError) -> UInt16 {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
  guard descriptor >= 0 else { throw noPort() }
  defer { close(descriptor) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  var size = socklen_t(MemoryLayout<sockaddr_in>.size)
  let isBound = withUnsafeMutablePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
    }
  }
  guard isBound else { throw noPort() }
  return UInt16(bigEndian: address.sin_port)
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
