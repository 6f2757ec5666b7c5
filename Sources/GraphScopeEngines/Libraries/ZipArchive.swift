import CZlib
import Engines

/// Reads zip archives that users send (PKWARE's APPNOTE 6.3: 4.3.7 local headers, 4.3.12 central directory, 4.3.16 its
/// end). Stored and deflated entries; no encryption, no archives over 4 GiB.
struct ZipArchive {
  /// A file in the archive.
  struct Entry {
    /// Its path, with `/` between the parts and none of them `..`.
    let path: String
    fileprivate let method: UInt16
    fileprivate let compressedBytes: Int
    /// Its bytes when it is unpacked.
    let byteCount: Int
    fileprivate let headerOffset: Int
  }

  /// The files, without directories.
  let entries: [Entry]
  private let bytes: [UInt8]

  private static let maximumEntries = 10_000
  /// Bytes of all files together.
  private static let maximumBytes = 256 << 20

  /// Reads the directory.
  /// - Throws: `EngineError.invalidArgument` when it is damaged, or holds what must not be unpacked.
  init(_ bytes: [UInt8]) throws(EngineError) {
    self.bytes = bytes
    let lowest = max(0, bytes.count - 22 - 65_535)
    guard bytes.count >= 22,
      let end = stride(from: bytes.count - 22, through: lowest, by: -1).first(where: {
        Self.u32(bytes, $0) == 0x0605_4b50
      })
    else { throw Self.damaged("it has no directory") }
    let count = Int(Self.u16(bytes, end + 10))
    guard count <= Self.maximumEntries else { throw Self.damaged("it has \(count) entries") }
    var entries: [Entry] = []
    var offset = Int(Self.u32(bytes, end + 16))
    var total = 0
    for _ in 0..<count {
      guard offset + 46 <= end, Self.u32(bytes, offset) == 0x0201_4b50 else { throw Self.damaged("its directory ends") }
      let nameBytes = Int(Self.u16(bytes, offset + 28))
      let rest = Int(Self.u16(bytes, offset + 30)) + Int(Self.u16(bytes, offset + 32))
      guard offset + 46 + nameBytes <= end,
        let path = String(validating: bytes[(offset + 46)..<(offset + 46 + nameBytes)], as: UTF8.self)
      else { throw Self.damaged("a name cannot be read") }
      let entry = Entry(
        path: path, method: Self.u16(bytes, offset + 10), compressedBytes: Int(Self.u32(bytes, offset + 20)),
        byteCount: Int(Self.u32(bytes, offset + 24)), headerOffset: Int(Self.u32(bytes, offset + 42)))
      offset += 46 + nameBytes + rest
      guard !path.hasSuffix("/") else { continue }
      guard Self.isSafe(path) else { throw Self.damaged("it names a file outside of itself: '\(path.prefix(100))'") }
      total += entry.byteCount
      guard total <= Self.maximumBytes else { throw Self.damaged("it unpacks to more than \(Self.maximumBytes) bytes") }
      entries.append(entry)
    }
    self.entries = entries
  }

  /// The bytes of a file by its path; nil when there is none.
  func contents(of path: String) throws(EngineError) -> [UInt8]? {
    guard let entry = entries.first(where: { $0.path == path }) else { return nil }
    return try contents(of: entry)
  }

  /// The bytes of a file.
  func contents(of entry: Entry) throws(EngineError) -> [UInt8] {
    let header = entry.headerOffset
    guard header + 30 <= bytes.count, Self.u32(bytes, header) == 0x0403_4b50 else { throw Self.damaged("a header") }
    let start = header + 30 + Int(Self.u16(bytes, header + 26)) + Int(Self.u16(bytes, header + 28))
    guard start + entry.compressedBytes <= bytes.count else { throw Self.damaged("'\(entry.path)' is cut off") }
    let packed = bytes[start..<start + entry.compressedBytes]
    switch entry.method {
    case 0: return Array(packed)
    case 8: return try inflate(packed, to: entry.byteCount, entry.path)
    default: throw Self.damaged("'\(entry.path)' is packed by method \(entry.method)")
    }
  }

  private func inflate(_ packed: ArraySlice<UInt8>, to count: Int, _ path: String) throws(EngineError) -> [UInt8] {
    var output = [UInt8](repeating: 0, count: count)
    var input = Array(packed)
    var stream = z_stream()
    guard czlib_inflate_raw_init(&stream) == Z_OK else { throw Self.damaged("zlib refuses") }
    defer { inflateEnd(&stream) }
    let inputCount = input.count
    let status = input.withUnsafeMutableBufferPointer { source in
      output.withUnsafeMutableBufferPointer { target in
        stream.next_in = source.baseAddress
        stream.avail_in = UInt32(inputCount)
        stream.next_out = target.baseAddress
        stream.avail_out = UInt32(count)
        return CZlib.inflate(&stream, Z_FINISH)
      }
    }
    guard status == Z_STREAM_END, stream.avail_out == 0 else { throw Self.damaged("'\(path)' cannot be unpacked") }
    return output
  }

  private static func isSafe(_ path: String) -> Bool {
    !path.hasPrefix("/") && !path.contains("\\") && !path.utf8.contains(0)
      && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
        !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.count <= 255
      }
  }

  private static func u16(_ bytes: [UInt8], _ offset: Int) -> UInt16 {
    UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8
  }

  private static func u32(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    UInt32(u16(bytes, offset)) | UInt32(u16(bytes, offset + 2)) << 16
  }

  private static func damaged(_ why: String) -> EngineError {
    EngineError(
      .invalidArgument, "the application's archive cannot be read: \(why)", hint: "Send a .gar, a zip archive")
  }
}
