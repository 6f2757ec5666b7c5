import Glibc

/// A text file that is read in pieces by several threads.
///
/// It is read and not mapped: it belongs to the user, and if it were cut short while it is mapped, the process would
/// die of SIGBUS with all its sessions. Reading pieces that fit the cache costs no more than the page faults would.
final class CSVFile: Sendable {
  /// The path as the user wrote it, for messages: what variables expand to is nobody's business.
  let path: String
  /// Size in bytes when the file was opened.
  let byteCount: Int
  private let descriptor: Int32

  /// Opens a regular file for reading.
  init(path: String) throws(GraphStoreError) {
    guard !path.utf8.contains(0) else {
      throw GraphStoreError(.invalidArgument, "a path holds a zero byte", evidence: "'\(path)'")
    }
    self.path = path
    // Without O_NONBLOCK, a named pipe would block here until somebody writes into it.
    descriptor = open(TableReader.expandPath(path), O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .system("cannot open", path) }
    var info = stat()
    let failed = fstat(descriptor, &info) != 0
    byteCount = Int(info.st_size)
    guard !failed else { throw .system("cannot examine", path) }
    guard info.st_mode & S_IFMT == S_IFREG else {
      let isDirectory = info.st_mode & S_IFMT == S_IFDIR
      throw GraphStoreError(
        .invalidArgument, "'\(path)' is \(isDirectory ? "a directory" : "not a regular file")",
        hint: "Name one delimited text file")
    }
  }

  deinit { close(descriptor) }

  /// Reads bytes from `offset` on until the buffer is full. Throws if the file has become shorter.
  func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws(GraphStoreError) {
    var done = 0
    while done < buffer.count {
      let count = pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(offset + done))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .system("cannot read", path) }
      guard count > 0 else { throw changed }
      done += count
    }
  }

  /// The error of a file that is not what it was a moment ago.
  var changed: GraphStoreError {
    GraphStoreError(
      .invalidData, "'\(path)' was changed while it was being read", hint: "Load it again when it is complete")
  }

  /// The number of the line in which the byte at `offset` lies, from 1. A line ends with LF, CR LF or CR.
  func lineNumber(at offset: Int) throws(GraphStoreError) -> Int {
    let buffer = CSVBuffer()
    var line = 1
    var previous: UInt8 = 0
    var position = 0
    while position < offset {
      let bytes = try buffer.load(position..<min(offset, position + 1 << 20), from: self)
      for byte in bytes {
        if byte == UInt8(ascii: "\r") || (byte == UInt8(ascii: "\n") && previous != UInt8(ascii: "\r")) { line += 1 }
        previous = byte
      }
      position += bytes.count
    }
    return line
  }
}

/// Memory for one piece of a file at a time, with a line end behind it. Used by one thread at a time.
final class CSVBuffer {
  private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private let storage: any StorageAccount
  private var reservation: StorageReservation?

  /// Memory that counts for `storage`.
  init(storage: any StorageAccount = UnboundedStorage()) { self.storage = storage }

  deinit { memory.deallocate() }

  /// Reads a range of the file. The byte after the last one can be read and is a line feed. Valid until the next call.
  func load(_ range: Range<Int>, from file: CSVFile) throws(GraphStoreError) -> UnsafeBufferPointer<UInt8> {
    if memory.count <= range.count {
      memory.deallocate()
      memory = .init(start: nil, count: 0)
      reservation = nil
      let size = range.count + range.count / 8 + 1
      reservation = try storage.reserve(size, as: .memory)
      memory = .allocate(byteCount: size, alignment: 64)
    }
    try file.read(at: range.lowerBound, into: .init(rebasing: memory[..<range.count]))
    memory[range.count] = UInt8(ascii: "\n")
    return UnsafeBufferPointer(
      rebasing: UnsafeRawBufferPointer(memory).assumingMemoryBound(to: UInt8.self)[..<range.count])
  }
}
