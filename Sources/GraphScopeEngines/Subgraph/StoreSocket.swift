import CPlatform
import Engines
import Glibc

/// Connects to the Unix socket of a session's object store.
enum StoreSocket {
  /// Connects to a store of the user who owns the socket's directory. Other stores are rejected, because a user who can write
  /// there may replace the socket by a link to another session's socket.
  /// - Returns: a socket, which the caller owns.
  /// - Throws: `EngineError` when no process listens, or one of another user does.
  static func connect(_ path: String) throws(EngineError) -> Int32 {
    let (descriptor, failure) = attempt(path)
    guard failure == 0 else {
      if descriptor >= 0 { close(descriptor) }
      throw EngineError(
        .engineFailure,
        "cannot connect to the session's object store at '\(path)': \(String(cString: platform_error_text(failure)))")
    }
    var directory = stat()
    guard lstat(String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)]), &directory) == 0,
      platform_peer_user(descriptor) == Int64(directory.st_uid)
    else {
      close(descriptor)
      throw EngineError(.engineFailure, "'\(path)' is not the socket of this session's object store")
    }
    return descriptor
  }

  /// Returns whether a process listens, even if its queue is full.
  static func isListening(_ path: String) -> Bool {
    let (descriptor, failure) = attempt(path)
    if descriptor >= 0 { close(descriptor) }
    return descriptor < 0 && failure != ENAMETOOLONG || failure == 0 || failure == EAGAIN
  }

  /// Returns a non-blocking socket, with 0 if it is connected or otherwise the errno; the descriptor is -1 if there is none.
  private static func attempt(_ path: String) -> (descriptor: Int32, failure: Int32) {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    guard path.utf8.count < MemoryLayout.size(ofValue: address.sun_path) else { return (-1, ENAMETOOLONG) }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let descriptor = socket(
      AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    guard descriptor >= 0 else { return (-1, errno) }
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    return (descriptor, status == 0 ? 0 : errno)
  }
}
