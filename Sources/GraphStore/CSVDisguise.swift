/// Recognizes files that are not delimited text, so that the error names the actual format.
enum CSVDisguise {
  /// The number of bytes of the first line in which a zero proves that the file is not text. Texts may contain zeros further
  /// down.
  private static let head = 512

  /// Throws `invalidData` when the first bytes of a file are those of another format.
  static func check(_ bytes: UnsafeBufferPointer<UInt8>, of file: CSVFile) throws(GraphStoreError) {
    let remedy: String
    let kind: String
    if let (name, command) = compression(bytes) {
      kind = "compressed (\(name))"
      remedy = "Unpack it first, such as with \(command), and load the result"
    } else if let encoding = encoding(bytes) {
      kind = "a text in \(encoding)"
      remedy = "Convert it to UTF-8, such as with iconv -f \(encoding) -t UTF-8"
    } else if let format = try format(bytes, file) {
      kind = "a file in the format \(format)"
      remedy =
        "Read it in Python, such as with pandas, and load the data frame, or write it as CSV"
        + (["Parquet", "ORC"].contains(format)
          ? "; or use a coordinator that was started with --engine graphscope, and name the format: "
            + "Loader(path, filetype=\"\(format.lowercased())\")" : "")
    } else if bytes.prefix(head).prefix(while: { $0 != 0x0A && $0 != 0x0D }).contains(0) {
      kind = "a binary file"
      remedy = "Specify a delimited text file in UTF-8"
    } else {
      return
    }
    throw GraphStoreError(
      .invalidData, "'\(file.path)' is not delimited text, but \(kind)",
      evidence: "it begins with \(hexadecimal(bytes))",
      hint: remedy)
  }

  private static func compression(_ bytes: UnsafeBufferPointer<UInt8>) -> (name: String, command: String)? {
    if bytes.starts(with: [0x1F, 0x8B]) { return ("gzip", "gunzip -k") }
    if bytes.starts(with: Array("BZh".utf8)), bytes.dropFirst(4).starts(with: [0x31, 0x41, 0x59, 0x26, 0x53, 0x59]) {
      return ("bzip2", "bunzip2 -k")
    }
    if bytes.starts(with: [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0]) { return ("xz", "unxz -k") }
    if bytes.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) { return ("zstd", "unzstd") }
    if bytes.starts(with: [0x04, 0x22, 0x4D, 0x18]) { return ("lz4", "unlz4") }
    if bytes.starts(with: [0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]) { return ("7z", "7z x") }
    if bytes.starts(with: [0x50, 0x4B, 3, 4]) { return ("zip (also used by Excel's .xlsx)", "unzip") }
    return nil
  }

  /// Recognizes UTF-16 and UTF-32 by their byte order marks or, for ASCII text without one, by the positions of the zeros.
  private static func encoding(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
    if bytes.starts(with: [0xFF, 0xFE, 0, 0]) || bytes.starts(with: [0, 0, 0xFE, 0xFF]) { return "UTF-32" }
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) { return "UTF-16" }
    let start = bytes.prefix(16)
    guard start.count >= 4, start.count % 2 == 0 else { return nil }
    let zeros = start.indices.filter { start[$0] == 0 }
    guard zeros.count == start.count / 2 else { return nil }
    if zeros.allSatisfy({ $0 % 2 == 1 }) { return "UTF-16LE" }
    return zeros.allSatisfy { $0 % 2 == 0 } ? "UTF-16BE" : nil
  }

  private static func format(
    _ bytes: UnsafeBufferPointer<UInt8>, _ file: CSVFile
  ) throws(GraphStoreError) -> String? {
    if bytes.starts(with: Array("ARROW1\0".utf8)) { return "Arrow (Feather)" }
    if bytes.starts(with: [0x89] + Array("HDF".utf8)) { return "HDF5" }
    if bytes.starts(with: Array("SQLite format 3\0".utf8)) { return "SQLite" }
    // These formats begin with letters, as a text may; they also end with the same letters.
    let isParquet = bytes.starts(with: Array("PAR1".utf8))
    guard isParquet || bytes.starts(with: Array("ORC".utf8)), file.byteCount >= 12 else { return nil }
    let buffer = CSVBuffer()
    let end = try buffer.load(file.byteCount - 4..<file.byteCount, from: file)
    if isParquet { return end.elementsEqual("PAR1".utf8) ? "Parquet" : nil }
    return end.starts(with: Array("ORC".utf8)) ? "ORC" : nil
  }

  private static func hexadecimal(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
    bytes.prefix(4).map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined(separator: " ")
  }
}
