import Cluster
import Glibc
import Synchronization

/// The directory in which a coordinator keeps its sessions' files, held by one process at a time.
///
/// A lock on a file in it, which the kernel drops when the process ends however it ends, tells a live holder from a
/// dead one.
public final class Workspace: Sendable {
  /// The directory.
  public let path: String
  /// Whether it goes when the process ends, with all sessions.
  public let isTemporary: Bool
  /// The descriptor of the lock's file; -1 while the directory is not locked.
  private let lockDescriptor: Atomic<Int32>

  /// Opens the directory `path`, making it if need be. What an earlier process left there stays.
  /// - Parameter isLocked: whether to take the lock at once; otherwise call `lock` before anything is changed.
  /// - Throws: `CoordinatorError.inputOutput`, naming the holder when another process has it.
  public init(path: String, isLocked: Bool = true) throws(CoordinatorError) {
    try makeDirectory(path)
    self.path = path
    isTemporary = false
    lockDescriptor = Atomic(isLocked ? try Self.lock(path) : -1)
    for name in ["sessions", "children"] { try makeDirectory("\(path)/\(name)") }
  }

  /// Takes the lock, if that was not done when the workspace was opened.
  /// - Throws: `CoordinatorError.inputOutput`, naming the holder when another process has it.
  public func lock() throws(CoordinatorError) {
    guard lockDescriptor.load(ordering: .acquiring) < 0 else { return }
    lockDescriptor.store(try Self.lock(path), ordering: .releasing)
  }

  /// Makes a directory of our own below `root`, which several coordinators of a user may share; it is removed by
  /// `close`. Those of processes that died are removed now.
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

  /// Makes the directory of a session; one that is there is kept.
  public func makeSessionDirectory(_ id: String) throws(CoordinatorError) -> String {
    let directory = "\(path)/sessions/\(id)"
    try makeDirectory(directory)
    return directory
  }

  /// Removes the directory of a session with everything in it.
  public func removeSessionDirectory(_ id: String) throws(CoordinatorError) { try removeTree("\(path)/sessions/\(id)") }

  /// Removes the directories of all sessions but these.
  public func removeSessionDirectories(except sessions: Set<String>) throws(CoordinatorError) {
    for name in try directoryEntries(path + "/sessions") where !sessions.contains(name) {
      try removeSessionDirectory(name)
    }
  }

  /// Removes a temporary workspace; another one is left as it is.
  public func close() throws(CoordinatorError) {
    if isTemporary { try removeTree(path) }
  }

  private static func lock(_ directory: String) throws(CoordinatorError) -> Int32 {
    let file = directory + "/lock"
    while true {
      let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
      guard descriptor >= 0 else {
        // Whoever removes what dead processes left took the directory for such a one before it was locked.
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
          "the workspace '\(directory)' is in use by process \(holder.isEmpty ? "?" : holder). "
            + "Stop that process or give this one another --workspace")
      }
      var info = stat()
      guard fstat(descriptor, &info) == 0, info.st_nlink > 0 else {
        Glibc.close(descriptor)
        continue
      }
      _ = ftruncate(descriptor, 0)
      let text = Array("\(getpid())".utf8)
      _ = pwrite(descriptor, text, text.count, 0)
      return descriptor
    }
  }

  /// The lock of a directory whose holder is dead; nil when the holder lives or there is no lock.
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
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }
}
