import Access
import CPlatform
import Glibc
import Support

/// The coordinator's own files, which sessions must not access: workspaces with state, logs and sessions, tokens, certificates,
/// keys, configuration. They are recognized by device and inode rather than by name, since a name may be a link to them.
public struct OwnFiles: Sendable {
  /// The directories, which include everything in them.
  public var directories: [String]
  /// The individual files. They are looked up on each use, because editors and the coordinator's own commands replace them.
  public var files: [String]

  /// The path prefix of shared memory and sockets of the sessions on this machine.
  private static let shared = "/dev/shm/gscoordinator-"
  /// The maximum depth of directories to search.
  private static let depth = 64

  /// Creates a set of files; those that do not exist are ignored.
  public init(directories: [String] = [], files: [String] = []) {
    (self.directories, self.files) = (directories, files)
  }

  /// The identity of a file, independent of its name.
  struct Identity: Hashable {
    let device: UInt64
    let number: UInt64

    init(_ info: stat) { (device, number) = (UInt64(info.st_dev), UInt64(info.st_ino)) }

    init?(path: String) {
      var info = stat()
      guard stat(path, &info) == 0 else { return nil }
      self.init(info)
    }
  }

  /// Returns whether an open file or directory is one of these files or lies in one of the directories. Also returns true if that
  /// cannot be determined.
  func include(_ descriptor: Int32) -> Bool {
    var info = stat()
    guard fstat(descriptor, &info) == 0, let path = Self.path(of: descriptor) else { return true }
    if info.st_nlink == 0 && info.st_mode & S_IFMT != S_IFDIR { return true }
    let identity = Identity(info)
    if files.contains(where: { Identity(path: $0) == identity }) { return true }
    if path.hasPrefix(Self.shared) { return true }
    let roots = Set(directories.compactMap { Identity(path: $0) })
    guard !roots.isEmpty else { return false }
    if Self.ancestors(of: path).contains(where: { roots.contains($0) }) { return true }
    // Another name of it may be in one of these directories.
    guard info.st_mode & S_IFMT == S_IFREG, info.st_nlink > 1 else { return false }
    return directories.contains { Self.hold(identity, in: $0, depth: Self.depth) }
  }

  /// Returns the current path of an open file according to the kernel, without links.
  private static func path(of descriptor: Int32) -> String? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = buffer.withUnsafeMutableBytes { bytes in
      readlink("/proc/self/fd/\(descriptor)", bytes.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count)
    }
    guard count > 0, count < buffer.count, buffer[0] == UInt8(ascii: "/") else { return nil }
    return String(validating: buffer[..<count], as: UTF8.self) ?? nil
  }

  /// Returns the identities of a path and of all directories that it lies in.
  private static func ancestors(of path: String) -> [Identity] {
    var found: [Identity] = []
    var parts = path.pathParts
    while !parts.isEmpty {
      if let identity = Identity(path: AllowedPlace.path(parts)) { found.append(identity) }
      parts.removeLast()
    }
    if let root = Identity(path: "/") { found.append(root) }
    return found
  }

  private static func hold(_ identity: Identity, in directory: String, depth: Int) -> Bool {
    guard depth > 0, let names = try? directoryEntries(directory) else { return false }
    for name in names {
      let path = directory + "/" + name
      var info = stat()
      guard lstat(path, &info) == 0, UInt64(info.st_dev) == identity.device else { continue }
      if UInt64(info.st_ino) == identity.number { return true }
      if info.st_mode & S_IFMT == S_IFDIR, hold(identity, in: path, depth: depth - 1) { return true }
    }
    return false
  }
}
