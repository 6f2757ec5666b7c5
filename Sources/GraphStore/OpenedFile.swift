import CPlatform
import Glibc

/// A regular file that is open for reading, with the path that its user gave. Read it through the descriptor: the path may refer
/// to another file by now.
public final class OpenedFile: Sendable {
  /// The path as the client wrote it, for messages, which must not reveal what its variables expand to.
  public let path: String
  /// The size in bytes when the file was opened.
  public let byteCount: Int
  /// The file descriptor. Open as long as this object exists.
  public let descriptor: Int32

  /// Opens a path; see `TableReader.expandPath`.
  /// - Throws: `GraphStoreError` when it cannot be opened or is not a regular file.
  public convenience init(path: String) throws(GraphStoreError) {
    guard !path.utf8.contains(0) else {
      throw GraphStoreError(.invalidArgument, "a path contains a zero byte", evidence: "'\(path)'")
    }
    let descriptor = open(TableReader.expandPath(path), Self.flags)
    guard descriptor >= 0 else { throw .system("cannot open", path) }
    try self.init(taking: descriptor, path: path)
  }

  /// The flags for opening files. Without O_NONBLOCK, opening a named pipe would block until a process writes to it.
  public static let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY

  /// Takes ownership of a descriptor and closes it with this object.
  /// - Throws: `GraphStoreError` when it does not refer to a regular file; the descriptor is then closed.
  public init(taking descriptor: Int32, path: String) throws(GraphStoreError) {
    (self.descriptor, self.path) = (descriptor, path)
    var info = stat()
    let failed = fstat(descriptor, &info) != 0
    byteCount = Int(info.st_size)
    guard !failed else { throw .system("cannot examine", path) }
    guard info.st_mode & S_IFMT == S_IFREG, platform_is_kernels(descriptor) == 0 else {
      let isDirectory = info.st_mode & S_IFMT == S_IFDIR
      throw GraphStoreError(
        .invalidArgument, "'\(path)' is \(isDirectory ? "a directory" : "not a regular file")",
        hint: "Specify a delimited text file")
    }
  }

  deinit { close(descriptor) }
}
