import Glibc
import Support
import Synchronization

/// The directory in which a coordinator keeps its sessions' files, held by one process at a time.
///
/// It is locked through a file in it. The kernel releases the lock when the process ends, however it ends, which distinguishes a
/// live holder from a dead one.
public final class Workspace: Sendable {
  /// The directory.
  public let path: String
  /// Whether it is removed when the process ends, with all sessions.
  public let isTemporary: Bool
  /// The descriptor of the lock file; -1 while the directory is not locked.
  private let lockDescriptor: Atomic<Int32>

  /// Opens the directory `path`, creating it if necessary. Keeps the files of an earlier process.
  /// - Parameter isLocked: Whether to take the lock at once; otherwise, call `lock` before changing anything.
  /// - Throws: `CoordinatorError.inputOutput`, which names the holder if another process has the lock.
  public init(path: String, isLocked: Bool = true) throws(CoordinatorError) {
    try makeDirectory(path)
    self.path = path
    isTemporary = false
    lockDescriptor = Atomic(isLocked ? try Self.lock(path) : -1)
    for name in ["sessions", "children"] { try makeDirectory("\(path)/\(name)") }
  }

  /// Takes the lock, if it was not taken when the workspace was opened.
  /// - Throws: `CoordinatorError.inputOutput`, which names the holder if another process has the lock.
  public func lock() throws(CoordinatorError) {
    guard lockDescriptor.load(ordering: .acquiring) < 0 else { return }
    lockDescriptor.store(try Self.lock(path), ordering: .releasing)
  }

  /// The holder of the lock, as far as recorded in it.
  public var lockHolder: LockHolder? {
    let descriptor = open(path + "/lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return nil }
    defer { Glibc.close(descriptor) }
    return LockHolder(Self.readText(descriptor))
  }

  /// Creates a temporary workspace in `root`, which several coordinators of a user may share; `close` removes it. Removes those
  /// of dead processes.
  /// - Throws: `CoordinatorError.inputOutput`.
  public init(temporaryBelow root: String) throws(CoordinatorError) {
    try makeDirectory(root)
    try requireOwnDirectory(root)
    for name in try directoryEntries(root) {
      guard let stale = Self.tryLock(root + "/" + name) else { continue }
      try? removeTree(root + "/" + name)
      FileLock.release(stale)
    }
    path = "\(root)/\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    isTemporary = true
    try makeDirectory(path)
    lockDescriptor = Atomic(try Self.lock(path))
    for name in ["sessions", "children"] { try makeDirectory("\(path)/\(name)") }
  }

  deinit {
    let descriptor = lockDescriptor.load(ordering: .acquiring)
    if descriptor >= 0 { FileLock.release(descriptor) }
  }

  /// Creates the directory of a session; keeps an existing one.
  public func makeSessionDirectory(_ id: String) throws(CoordinatorError) -> String {
    let directory = sessionDirectory(id)
    try makeDirectory(directory)
    return directory
  }

  /// Removes the directory of a session and its contents.
  public func removeSessionDirectory(_ id: String) throws(CoordinatorError) { try removeTree(sessionDirectory(id)) }

  /// Returns the path of a session's directory, whether or not it exists.
  func sessionDirectory(_ id: String) -> String { "\(path)/sessions/\(id)" }

  /// Returns whether a session has a directory.
  /// - Throws: `CoordinatorError` if that cannot be determined.
  func hasSessionDirectory(_ id: String) throws(CoordinatorError) -> Bool {
    var info = stat()
    if lstat(sessionDirectory(id), &info) == 0 { return true }
    guard errno == ENOENT else { throw .system("cannot examine", sessionDirectory(id)) }
    return false
  }

  /// Returns the names of all sessions that have directories.
  func sessionNames() throws(CoordinatorError) -> [String] { try directoryEntries(path + "/sessions") }

  /// Removes the directory of a session if it contains no files.
  /// - Returns: Whether it was removed.
  func removeSessionDirectoryIfEmpty(_ id: String) -> Bool {
    guard (try? hasNoFile(sessionDirectory(id))) == true else { return false }
    return (try? removeTree(sessionDirectory(id))) != nil
  }

  private func hasNoFile(_ path: String) throws(CoordinatorError) -> Bool {
    var info = stat()
    guard lstat(path, &info) == 0, info.st_mode & S_IFMT == S_IFDIR else { return false }
    for name in try directoryEntries(path) where try !hasNoFile("\(path)/\(name)") { return false }
    return true
  }

  /// Removes a temporary workspace; does nothing otherwise.
  public func close() throws(CoordinatorError) {
    if isTemporary { try removeTree(path) }
  }

  private static func lock(_ directory: String) throws(CoordinatorError) -> Int32 {
    let file = directory + "/lock"
    while true {
      let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
      guard descriptor >= 0 else {
        // Another process, which removes workspaces of dead processes, removed the directory before it was locked.
        if errno == ENOENT {
          try makeDirectory(directory)
          continue
        }
        throw .system("cannot open", file)
      }
      guard FileLock.take(descriptor) else {
        let holder = readText(descriptor)
        Glibc.close(descriptor)
        throw CoordinatorError(
          .inputOutput,
          "the workspace '\(directory)' is in use by process \(holder.split(separator: " ").first ?? "?"). "
            + "Stop that process, or start this one with another --workspace")
      }
      var info = stat()
      guard fstat(descriptor, &info) == 0, info.st_nlink > 0 else {
        Glibc.close(descriptor)
        continue
      }
      _ = ftruncate(descriptor, 0)
      let text = Array(LockHolder.current.text.utf8)
      _ = pwrite(descriptor, text, text.count, 0)
      return descriptor
    }
  }

  /// Takes the lock of a directory whose holder is dead; returns nil if the holder is alive or there is no lock.
  private static func tryLock(_ directory: String) -> Int32? {
    let descriptor = open(directory + "/lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { return nil }
    guard FileLock.takeNow(descriptor) else {
      Glibc.close(descriptor)
      return nil
    }
    return descriptor
  }

  private static func readText(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 256)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }
}
