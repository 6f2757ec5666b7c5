import Glibc
import Synchronization
import Workers

/// Writes data that arrives with a step to a file of the session, so that memory usage stays small whatever a client sends. The
/// file is temporary: it is removed with the last reference to the spool, unless it is kept.
public final class Spool: Sendable {
  /// The path of the file.
  public let path: String
  /// The announced number of bytes; more are rejected.
  public let announcedBytes: Int
  /// -1 once all data has arrived; readers open the file themselves.
  private let descriptor: Mutex<Int32>
  private let written = Mutex(0)
  private let isKept: Atomic<Bool>
  /// The account that its bytes are charged to.
  private let storage: SessionStorage?

  /// Creates an empty file for at most `announcedBytes` bytes.
  init(path: String, announcedBytes: Int, storage: SessionStorage? = nil) throws(CoordinatorError) {
    self.storage = storage
    isKept = Atomic(false)
    let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .system("cannot create", path) }
    self.descriptor = Mutex(descriptor)
    self.path = path
    self.announcedBytes = announcedBytes
  }

  /// Opens a file kept by an earlier process, which is not removed.
  init(opening path: String, storage: SessionStorage? = nil) throws(CoordinatorError) {
    self.storage = storage
    isKept = Atomic(true)
    var info = stat()
    guard lstat(path, &info) == 0 else { throw .system("cannot open", path) }
    guard info.st_mode & S_IFMT == S_IFREG else { throw .system("cannot open", path, errno: EINVAL) }
    descriptor = Mutex(-1)
    self.path = path
    announcedBytes = Int(info.st_size)
    let bytes = announcedBytes
    written.withLock { $0 = bytes }
    storage?.countDisk(bytes)
  }

  deinit {
    seal()
    if !isKept.load(ordering: .relaxed) { unlink(path) }
    storage?.giveBackDisk(byteCount)
  }

  private func seal() {
    descriptor.withLock { descriptor in
      if descriptor >= 0 { Glibc.close(descriptor) }
      descriptor = -1
    }
  }

  /// Reads the data directly from the mapped file.
  /// - Throws: `CoordinatorError`, or an error of `body`.
  public func read<R>(_ body: (UnsafeRawBufferPointer) throws -> R) throws -> R {
    let count = byteCount
    guard count > 0 else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { throw CoordinatorError.system("cannot open", path) }
    let memory = mmap(nil, count, PROT_READ, MAP_PRIVATE, file, 0)
    let code = errno
    Glibc.close(file)
    guard let memory, memory != MAP_FAILED else { throw CoordinatorError.system("cannot map", path, errno: code) }
    defer { munmap(memory, count) }
    return try body(UnsafeRawBufferPointer(start: memory, count: count))
  }

  /// Keeps the file until its session is closed.
  func keep() { isKept.store(true, ordering: .relaxed) }

  /// The number of bytes received so far.
  public var byteCount: Int { written.withLock { $0 } }

  /// Appends bytes. May block on the disk: call it only where that is allowed.
  /// - Throws: `CoordinatorError` if there are more bytes than announced, or if writing fails.
  public func append(_ bytes: UnsafeRawBufferPointer) throws(CoordinatorError) {
    let start = byteCount
    guard bytes.count <= announcedBytes - start else {
      throw CoordinatorError(
        .protocolViolation, "more data arrived than the \(announcedBytes) bytes announced")
    }
    do throws(StorageRefusal) { try storage?.takeDisk(bytes.count) } catch {
      throw CoordinatorError(.limitReached, "the data of a step was rejected: \(error)")
    }
    let descriptor = descriptor.withLock { $0 }
    var done = 0
    while done < bytes.count {
      let count = pwrite(descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(start + done))
      if count < 0 {
        if errno == EINTR { continue }
        storage?.giveBackDisk(bytes.count)
        throw .system("cannot write", path)
      }
      done += count
    }
    written.withLock { $0 = start + done }
    if start + done == announcedBytes { seal() }
  }
}
