import CPlatform
import Glibc
import Workers

/// A file mapped into memory. Writable while it is being built, read-only after it was opened or sealed.
///
/// Space is reserved when the file is created, so that a full disk is an error then, and not a SIGBUS later.
public final class MappedFile: @unchecked Sendable {
  // @unchecked: the address of the mapping never changes. Only the builder that created the file writes to it, before the file is
  // shared, and its workers write to disjoint ranges.

  /// The path at which the file was created or opened. The file may have been renamed since; the mapping stays valid.
  public let path: String
  /// The mapped bytes; empty for an empty file. Valid as long as this object exists.
  public let bytes: UnsafeMutableRawBufferPointer

  /// The reservation for the file; nil for a file that is charged elsewhere or not at all.
  let reservation: StorageReservation?

  private init(path: String, bytes: UnsafeMutableRawBufferPointer, _ reservation: StorageReservation?) {
    self.path = path
    self.bytes = bytes
    self.reservation = reservation
  }

  deinit {
    if let base = bytes.baseAddress { munmap(base, bytes.count) }
  }

  /// Creates a file of `byteCount` zero bytes, charged to `storage`, and maps it for writing.
  /// - Throws: `GraphStoreError` if the file exists, or when there is no room for it.
  public static func create(
    path: String, byteCount: Int, storage: any StorageAccount = UnboundedStorage()
  ) throws(GraphStoreError) -> MappedFile {
    let reservation = try storage.reserve(byteCount, as: .mappedFile)
    let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .system("cannot create", path) }
    defer { close(descriptor) }
    guard byteCount > 0 else { return MappedFile(path: path, bytes: .init(start: nil, count: 0), reservation) }
    let failure = posix_fallocate(descriptor, 0, off_t(byteCount))
    guard failure == 0 else {
      unlink(path)
      throw .system("cannot reserve \(byteCount) bytes for", path, errno: failure)
    }
    return try map(
      descriptor, path: path, byteCount: byteCount, protection: PROT_READ | PROT_WRITE, reservation)
  }

  /// Maps an existing file for reading. The mapping holds the reservation for the file, if there is one.
  public static func open(
    path: String, reservation: StorageReservation? = nil
  ) throws(GraphStoreError) -> MappedFile {
    // Without O_NONBLOCK, opening a pipe would block; it is rejected below instead.
    let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .system("cannot open", path) }
    defer { close(descriptor) }
    var info = stat()
    guard fstat(descriptor, &info) == 0 else { throw .system("cannot examine", path) }
    guard info.st_mode & S_IFMT == S_IFREG else {
      throw GraphStoreError(.invalidArgument, "'\(path)' is not a regular file")
    }
    guard info.st_size > 0 else { return MappedFile(path: path, bytes: .init(start: nil, count: 0), reservation) }
    return try map(descriptor, path: path, byteCount: Int(info.st_size), protection: PROT_READ, reservation)
  }

  private static func map(
    _ descriptor: Int32, path: String, byteCount: Int, protection: Int32, _ reservation: StorageReservation?
  ) throws(GraphStoreError) -> MappedFile {
    guard let base = mmap(nil, byteCount, protection, MAP_SHARED, descriptor, 0), base != MAP_FAILED else {
      throw .system("cannot map", path)
    }
    return MappedFile(path: path, bytes: .init(start: base, count: byteCount), reservation)
  }

  /// Maps a file as `open` does, and reads it completely at once.
  /// - Throws: The errors of `open`; `inputOutput` when the device cannot read the file.
  public static func openWhole(path: String) throws(GraphStoreError) -> MappedFile {
    let file = try open(path: path)
    try bringIn(UnsafeRawBufferPointer(file.bytes), of: path)
    return file
  }

  /// Loads the pages of a mapping into memory. Bytes that the device cannot read cause an error here, if the kernel supports it
  /// (Linux 5.14); accessed without this call, such a page ends the process with SIGBUS.
  static func bringIn(_ bytes: UnsafeRawBufferPointer, of path: String) throws(GraphStoreError) {
    guard let base = bytes.baseAddress else { return }
    let start = UnsafeMutableRawPointer(mutating: base) - Int(bitPattern: base) % Int(getpagesize())
    while madvise(start, base + bytes.count - UnsafeRawPointer(start), populateForReading) != 0 {
      switch errno {
      case EINTR: continue
      case EFAULT, EHWPOISON: throw .system("cannot read", path, errno: EIO)
      default: return
      }
    }
  }

  /// MADV_POPULATE_READ of <linux/mman.h>, which older headers lack.
  private static let populateForReading: Int32 = 22

  /// Makes the mapping read-only, so that a stray write is a crash instead of a damaged graph.
  func protect() throws(GraphStoreError) {
    guard let base = bytes.baseAddress else { return }
    guard mprotect(base, bytes.count, PROT_READ) == 0 else { throw .system("cannot protect the mapping of", path) }
  }

  /// Returns the bytes as values of a fixed-width type, without a remainder that does not fill a value.
  public func values<T: BitwiseCopyable>(as type: T.Type) -> UnsafeBufferPointer<T> {
    UnsafeBufferPointer(mutableValues(as: type))
  }

  /// Returns the bytes as writable values. Only for the builder of a file made with `create`.
  public func mutableValues<T: BitwiseCopyable>(as type: T.Type) -> UnsafeMutableBufferPointer<T> {
    guard let base = bytes.baseAddress else { return .init(start: nil, count: 0) }
    let count = bytes.count / MemoryLayout<T>.stride
    return .init(start: base.bindMemory(to: type, capacity: count), count: count)
  }
}

extension GraphStoreError {
  /// Returns the error for a failed system call on a path, with the text of errno and the remedy, if one is known.
  public static func system(_ action: String, _ path: String, errno code: Int32 = Glibc.errno) -> GraphStoreError {
    let reason = String(cString: platform_error_text(code))
    switch code {
    case ENOENT:
      return GraphStoreError(
        .notFound, "\(action) '\(path)'", evidence: reason,
        hint: pathRemedy(path))
    case ENOSPC, EDQUOT:
      return GraphStoreError(
        .inputOutput, "\(action) '\(path)'", evidence: reason,
        hint: "Free space there, or start the coordinator with another --workspace")
    default:
      return GraphStoreError(.inputOutput, "\(action) '\(path)'", evidence: reason)
    }
  }

  /// Returns the remedy for a path that does not exist.
  private static func pathRemedy(_ path: String) -> String {
    if path.utf8.contains(where: { "*?[".utf8.contains($0) }) {
      return "Patterns such as *.csv are not expanded: specify each file, and add them one after the other"
    }
    let place = TableReader.expandPath(path)
    guard !place.hasPrefix("/"), let directory = getcwd(nil, 0) else {
      return "The path is looked up on the coordinator's machine; check it there"
    }
    defer { free(directory) }
    return "A relative path is looked up on the coordinator's machine, below the directory in which it was started, "
      + "'\(String(cString: directory))'; specify an absolute path"
  }
}
