import Glibc
import GraphStore
import Synchronization

/// Puts the data that arrives with a step into a file of the session, so that memory stays small however much a client
/// sends. The file is removed with the last reference to the spool.
public final class Spool: Sendable {
  /// Where the data is.
  public let path: String
  /// Bytes that were announced; never more are taken.
  public let announcedBytes: Int
  private let descriptor: Int32
  private let written = Mutex(0)
  private let isKept = Atomic<Bool>(false)
  /// What its bytes count for.
  private let storage: SessionStorage?

  /// Makes an empty file for at most `announcedBytes` bytes.
  init(path: String, announcedBytes: Int, storage: SessionStorage? = nil) throws(CoordinatorError) {
    self.storage = storage
    descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .system("cannot create", path) }
    self.path = path
    self.announcedBytes = announcedBytes
  }

  /// Takes over a file that is there.
  init(opening path: String, storage: SessionStorage? = nil) throws(CoordinatorError) {
    self.storage = storage
    descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
    guard descriptor >= 0 else { throw .system("cannot open", path) }
    self.path = path
    announcedBytes = Int(lseek(descriptor, 0, SEEK_END))
    let bytes = announcedBytes
    written.withLock { $0 = bytes }
    storage?.countDisk(bytes)
  }

  deinit {
    Glibc.close(descriptor)
    if !isKept.load(ordering: .relaxed) { unlink(path) }
    storage?.giveBackDisk(byteCount)
  }

  /// From now on the file stays, for the next process.
  func keep() { isKept.store(true, ordering: .relaxed) }

  /// Bytes taken so far.
  public var byteCount: Int { written.withLock { $0 } }

  /// Appends bytes. Blocks while the disk is busy: call it where that is allowed.
  /// - Throws: `CoordinatorError` when more comes than was announced, or the disk refuses.
  public func append(_ bytes: UnsafeRawBufferPointer) throws(CoordinatorError) {
    let start = byteCount
    guard bytes.count <= announcedBytes - start else {
      throw CoordinatorError(
        .protocolViolation, "more data arrived than the \(announcedBytes) bytes that were announced for it")
    }
    do throws(StorageRefusal) { try storage?.takeDisk(bytes.count) } catch {
      throw CoordinatorError(.limitReached, "the data that came with a step is not taken: \(error)")
    }
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
  }
}
