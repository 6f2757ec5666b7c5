import Glibc
import Workers

/// A text file that several threads read in pieces.
///
/// The file is read, not mapped: it belongs to the client, and if it were truncated while mapped, the process would die of SIGBUS
/// together with all its sessions. Reading pieces that fit the cache costs no more than the page faults would.
final class CSVFile: Sendable {
  /// The path as the client wrote it, for messages, which must not reveal what its variables expand to.
  let path: String
  /// The size in bytes when the file was opened.
  let byteCount: Int
  private let file: OpenedFile
  private var descriptor: Int32 { file.descriptor }

  /// Reads a file that is already open.
  init(_ file: OpenedFile) {
    self.file = file
    path = file.path
    byteCount = file.byteCount
  }

  /// Opens a regular file for reading.
  convenience init(path: String) throws(GraphStoreError) { self.init(try OpenedFile(path: path)) }

  /// Reads bytes from `offset` until the buffer is full. Throws if the file has become shorter.
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

  /// The error for a file that changed while it was read.
  var changed: GraphStoreError {
    GraphStoreError(
      .invalidData, "'\(path)' was changed while it was being read", hint: "Load it again when it is complete")
  }

  /// Returns the number, from 1, of the line that contains the byte at `offset`, given the number of the line at an earlier
  /// position. A line ends with LF, CR LF or CR.
  func lineNumber(
    at offset: Int, counting from: (offset: Int, line: Int) = (0, 1)
  ) throws(GraphStoreError) -> Int {
    let buffer = CSVBuffer()
    var (position, line) = from
    while position < offset {
      let end = min(offset, position + 1 << 20)
      // One more byte shows whether a carriage return at the end stands alone.
      let bytes = try buffer.load(position..<min(byteCount, end + 1), from: self).baseAddress!
      var lineEnds = 0
      for place in 0..<end - position {
        let isLoneReturn = bytes[place] == UInt8(ascii: "\r") && bytes[place + 1] != UInt8(ascii: "\n")
        lineEnds += bytes[place] == UInt8(ascii: "\n") || isLoneReturn ? 1 : 0
      }
      line += lineEnds
      position = end
    }
    return line
  }
}

/// Memory for one piece of a file at a time, followed by a line end. Used by one thread at a time.
final class CSVBuffer {
  private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private let storage: any StorageAccount
  private var reservation: StorageReservation?

  /// Creates an empty buffer whose memory is charged to `storage`.
  init(storage: any StorageAccount = UnboundedStorage()) { self.storage = storage }

  deinit { memory.deallocate() }

  /// Reads a range of the file. The byte after the last one is readable and is a line feed. Valid until the next call.
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
