import Glibc

/// The file of a Unix socket that only its owner may connect to, unless it is told otherwise.
///
/// The socket is bound beside its place and moved there when its mode is set, so that nobody else can connect in
/// between, and a file that a dead process left behind is replaced in one step. Two processes that start at the same
/// moment are told apart by the lock of the workspace, not here.
struct UnixSocketFile {
  /// The place.
  let path: String
  /// Where it is bound.
  let bindPath: String

  /// - Throws: `AdminError` when the path is too long, is something else than a socket, or somebody listens there.
  init(_ path: String) throws(AdminError) {
    self.path = path
    let directory = path.lastIndex(of: "/").map { path[...$0] } ?? ""
    bindPath = directory + ".s" + String(UInt32.random(in: 0...UInt32.max), radix: 36)
    guard path.utf8.count <= AdminAddress.maximumPathBytes, bindPath.utf8.count <= AdminAddress.maximumPathBytes else {
      throw AdminError(
        .invalidArgument, "the path of the Unix socket '\(path)' is longer than \(AdminAddress.maximumPathBytes) bytes",
        hint: "Use a workspace with a shorter path")
    }
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else {
      throw AdminError(.conflict, "'\(path)' exists and is not a socket", hint: "Move it away, or use another path")
    }
    guard !Self.isServed(path) else {
      throw AdminError(
        .conflict, "another process listens on '\(path)'", hint: "Stop it, or use another workspace or path")
    }
  }

  /// Puts the bound socket into its place and returns what `remove` needs.
  func place(mode: mode_t = 0o600) throws(AdminError) -> Placed {
    guard chmod(bindPath, mode) == 0, rename(bindPath, path) == 0 else {
      let reason = String(cString: strerror(errno))
      unlink(bindPath)
      throw AdminError(.unavailable, "cannot make the Unix socket '\(path)': \(reason)", hint: "Check its directory")
    }
    var status = stat()
    lstat(path, &status)
    return Placed(path: path, device: status.st_dev, inode: status.st_ino)
  }

  /// A socket in its place.
  struct Placed {
    let path: String
    let device: dev_t
    let inode: ino_t

    /// Removes the file, if it is still the one that was placed.
    func remove() {
      var status = stat()
      guard lstat(path, &status) == 0, status.st_dev == device, status.st_ino == inode else { return }
      unlink(path)
    }
  }

  /// Whether somebody accepts connections there. A full queue of them counts: its owner lives.
  private static func isServed(_ path: String) -> Bool {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return true }
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
