import Glibc

/// The file of a Unix socket. Only its owner may connect, unless another mode is specified.
///
/// The socket is bound under a temporary name and renamed when its mode is set. Therefore no other user can connect in between,
/// and a file that a dead process left behind is replaced atomically. Two processes that start at the same time are excluded by
/// the lock of the workspace, not here.
struct UnixSocketFile {
  /// The path of the socket.
  let path: String
  /// The temporary path under which it is bound.
  let bindPath: String

  /// - Throws: `RequestError` when the path is too long, when a file that is not a socket exists there, or when another process
  ///   listens there.
  init(_ path: String) throws(RequestError) {
    self.path = path
    let directory = path.lastIndex(of: "/").map { path[...$0] } ?? ""
    bindPath = directory + ".s" + String(UInt32.random(in: 0...UInt32.max), radix: 36)
    guard path.utf8.count <= HTTPAddress.maximumPathBytes, bindPath.utf8.count <= HTTPAddress.maximumPathBytes else {
      throw RequestError(
        .invalidArgument, "the path of the Unix socket '\(path)' is longer than \(HTTPAddress.maximumPathBytes) bytes",
        hint: "Use a workspace with a shorter path")
    }
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw RequestError(.conflict, "'\(path)' exists and is not a socket", hint: "Move it away, or use another path")
    }
    guard try !Self.isServed(path) else {
      throw RequestError(
        .conflict, "another process listens on '\(path)'", hint: "Stop it, or use another workspace or path")
    }
  }

  /// Renames the bound socket to its path, and returns a value that can remove it.
  func place(mode: mode_t = 0o600) throws(RequestError) -> Placed {
    guard chmod(bindPath, mode) == 0, rename(bindPath, path) == 0 else {
      let reason = String(cString: strerror(errno))
      unlink(bindPath)
      throw RequestError(
        .unavailable, "cannot create the Unix socket '\(path)': \(reason)",
        hint: "Check that its directory exists and is writable")
    }
    var status = stat()
    lstat(path, &status)
    return Placed(path: path, device: status.st_dev, inode: status.st_ino)
  }

  /// A socket at its path.
  struct Placed {
    let path: String
    let device: dev_t
    let inode: ino_t

    /// Removes the file if it is still the same one.
    func remove() {
      var status = stat()
      guard lstat(path, &status) == 0, status.st_dev == device, status.st_ino == inode else { return }
      unlink(path)
    }
  }

  /// Returns whether a process accepts connections on the socket. A full queue of connections counts, because its owner is
  /// alive.
  private static func isServed(_ path: String) throws(RequestError) -> Bool {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else {
      throw RequestError(
        .unavailable, "cannot determine whether a process listens on '\(path)': \(String(cString: strerror(errno)))",
        hint: "Raise the number of files that this process may have open (ulimit -n, LimitNOFILE= of a service)")
    }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    return result == 0 || errno != ECONNREFUSED
  }
}
