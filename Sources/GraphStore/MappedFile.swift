import Glibc

/// A file mapped into memory. Writable while it is being built, read-only once it was opened or sealed.
///
/// Space is reserved when the file is made, so that a full disk is an error here and never a SIGBUS later.
public final class MappedFile: @unchecked Sendable {
  // @unchecked: the mapping's address never changes; bytes are written only by the one builder that made the file,
  // before the file is shared, and by its workers in disjoint ranges.

  /// Where the file was made or opened. It may have been renamed since; the mapping stays valid.
  public let path: String
  /// The mapped bytes; empty for an empty file. Valid as long as this object lives.
  public let bytes: UnsafeMutableRawBufferPointer

  /// What the file was taken for; nil for one that counts elsewhere, or for nobody.
  let reservation: StorageReservation?

  private init(path: String, bytes: UnsafeMutableRawBufferPointer, _ reservation: StorageReservation?) {
    self.path = path
    self.bytes = bytes
    self.reservation = reservation
  }

  deinit {
    if let base = bytes.baseAddress { munmap(base, bytes.count) }
  }

  /// Makes a file of `byteCount` zero bytes, which are taken from `storage`, and maps it for writing. An existing file
  /// is an error.
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

  /// Maps an existing file for reading; the mapping holds what the file was taken for, if that is known.
  public static func open(
    path: String, reservation: StorageReservation? = nil
  ) throws(GraphStoreError) -> MappedFile {
    // Without O_NONBLOCK a pipe would be waited for, instead of refused below.
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

  /// Ends writing: from now on the mapping is read-only, and a stray write is a crash instead of a damaged graph.
  func protect() throws(GraphStoreError) {
    guard let base = bytes.baseAddress else { return }
    guard mprotect(base, bytes.count, PROT_READ) == 0 else { throw .system("cannot protect the mapping of", path) }
  }

  /// The bytes as values of a fixed-width type; a remainder that does not fill a value is left out.
  public func values<T: BitwiseCopyable>(as type: T.Type) -> UnsafeBufferPointer<T> {
    UnsafeBufferPointer(mutableValues(as: type))
  }

  /// The bytes as writable values; only for the builder of a file made with `create`.
  public func mutableValues<T: BitwiseCopyable>(as type: T.Type) -> UnsafeMutableBufferPointer<T> {
    guard let base = bytes.baseAddress else { return .init(start: nil, count: 0) }
    let count = bytes.count / MemoryLayout<T>.stride
    return .init(start: base.bindMemory(to: type, capacity: count), count: count)
  }
}

extension GraphStoreError {
  /// The error of a failed system call on a path, with errno's text and, where it is known, the remedy.
  static func system(_ action: String, _ path: String, errno code: Int32 = Glibc.errno) -> GraphStoreError {
    let reason = String(cString: strerror(code))
    switch code {
    case ENOENT:
      return GraphStoreError(
        .notFound, "\(action) '\(path)'", evidence: reason,
        hint: "The path is looked up on the coordinator's machine; check it there")
    case ENOSPC, EDQUOT:
      return GraphStoreError(
        .inputOutput, "\(action) '\(path)'", evidence: reason,
        hint: "Free space there or give the coordinator another --workspace")
    default:
      return GraphStoreError(.inputOutput, "\(action) '\(path)'", evidence: reason)
    }
  }
}
