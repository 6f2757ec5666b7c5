/// The directory of a zip archive that holds one file, read without unpacking. The format: PKWARE's APPNOTE 6.3,
/// sections 4.3.12 (central directory) and 4.3.16 (its end).
struct LibraryArchive {
  /// The file's name, without any path.
  let fileName: String

  private static let endBytes = 22
  private static let entryBytes = 46

  /// Reads the directory.
  /// - Throws: `CoordinatorError.invalidArgument` when it is no zip archive or holds more or less than one file.
  init(_ bytes: UnsafeRawBufferPointer) throws(CoordinatorError) {
    let damaged = CoordinatorError(
      .invalidArgument, "the library is not a zip archive. Send a .gar or .jar packed with one file in it")
    guard bytes.count >= Self.endBytes, let end = Self.endOfDirectory(bytes) else { throw damaged }
    let entries = Int(bytes.loadUnaligned(fromByteOffset: end + 10, as: UInt16.self))
    guard entries == 1 else {
      throw CoordinatorError(.invalidArgument, "Expect only one resource in one gar, found \(entries)")
    }
    let start = Int(bytes.loadUnaligned(fromByteOffset: end + 16, as: UInt32.self))
    guard start + Self.entryBytes <= end,
      bytes.loadUnaligned(fromByteOffset: start, as: UInt32.self) == 0x0201_4b50
    else { throw damaged }
    let nameBytes = Int(bytes.loadUnaligned(fromByteOffset: start + 28, as: UInt16.self))
    guard start + Self.entryBytes + nameBytes <= end else { throw damaged }
    let name = bytes[(start + Self.entryBytes)..<(start + Self.entryBytes + nameBytes)]
    guard let text = String(validating: name, as: UTF8.self), !text.isEmpty, !text.contains("/"), !text.contains("\0"),
      text != "..", text != "."
    else {
      throw CoordinatorError(
        .invalidArgument, "the name of the file in the library archive is not a plain file name")
    }
    fileName = text
  }

  /// Offset of the end record; it may be followed by a comment of up to 65,535 bytes.
  private static func endOfDirectory(_ bytes: UnsafeRawBufferPointer) -> Int? {
    let lowest = max(0, bytes.count - endBytes - 65_535)
    return stride(from: bytes.count - endBytes, through: lowest, by: -1).first {
      bytes.loadUnaligned(fromByteOffset: $0, as: UInt32.self) == 0x0605_4b50
    }
  }
}
