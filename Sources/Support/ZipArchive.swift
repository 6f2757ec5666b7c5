import CZlib

/// Reads a zip archive from a client (PKWARE's APPNOTE 6.3: 4.3.7 local headers, 4.3.12 central directory, 4.3.16 end of the
/// central directory). Supports stored and deflated entries, but neither encryption nor archives over 4 GiB.
public struct ZipArchive {
  /// A file in the archive.
  public struct Entry: Sendable {
    /// The path, with `/` between its components, none of which is `..`.
    public let path: String
    fileprivate let method: UInt16
    fileprivate let compressedBytes: Int
    /// The uncompressed size in bytes.
    public let byteCount: Int
    fileprivate let headerOffset: Int
  }

  /// The files, without directories.
  public let entries: [Entry]
  /// The number of entries, including directories.
  public let entryCount: Int
  private let bytes: [UInt8]

  private static let maximumEntries = 10_000
  /// The maximum size of all files together, uncompressed, in bytes.
  private static let maximumBytes = 256 << 20
  /// The highest ratio of deflate: a match of 258 bytes takes at least two bits (RFC 1951, 3.2.5).
  private static let highestRatio = 1032

  /// Reads the central directory.
  /// - Throws: `ZipError` when the archive is damaged or contains entries that must not be unpacked.
  public init(_ bytes: [UInt8]) throws(ZipError) {
    self.bytes = bytes
    let lowest = max(0, bytes.count - 22 - 65_535)
    guard bytes.count >= 22,
      let end = stride(from: bytes.count - 22, through: lowest, by: -1).first(where: {
        Self.u32(bytes, $0) == 0x0605_4b50
      })
    else { throw Self.damaged("it has no central directory") }
    let count = Int(Self.u16(bytes, end + 10))
    guard count <= Self.maximumEntries else {
      throw Self.damaged("it has \(count) entries; the limit is \(Self.maximumEntries)")
    }
    var entries: [Entry] = []
    var offset = Int(Self.u32(bytes, end + 16))
    var total = 0
    for _ in 0..<count {
      guard offset + 46 <= end, Self.u32(bytes, offset) == 0x0201_4b50 else {
        throw Self.damaged(
          "its central directory is truncated")
      }
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
      guard Self.isSafe(path) else {
        throw Self.damaged(
          "it contains a path outside the archive: '\(path.prefix(100))'")
      }
      total += entry.byteCount
      guard total <= Self.maximumBytes else {
        throw Self.damaged("its contents exceed \(Self.maximumBytes) bytes when unpacked")
      }
      entries.append(entry)
    }
    self.entries = entries
    entryCount = count
  }

  /// Returns the bytes of the file at a path; nil when there is none.
  /// - Throws: `ZipError` when the file cannot be unpacked.
  public func contents(of path: String) throws(ZipError) -> [UInt8]? {
    guard let entry = entries.first(where: { $0.path == path }) else { return nil }
    return try contents(of: entry)
  }

  /// Returns the bytes of a file.
  /// - Throws: `ZipError` when the file cannot be unpacked.
  public func contents(of entry: Entry) throws(ZipError) -> [UInt8] {
    let header = entry.headerOffset
    guard header + 30 <= bytes.count, Self.u32(bytes, header) == 0x0403_4b50 else {
      throw Self.damaged("the header of '\(entry.path)' is invalid")
    }
    let start = header + 30 + Int(Self.u16(bytes, header + 26)) + Int(Self.u16(bytes, header + 28))
    guard start + entry.compressedBytes <= bytes.count else { throw Self.damaged("'\(entry.path)' is truncated") }
    let packed = bytes[start..<start + entry.compressedBytes]
    switch entry.method {
    case 0:
      guard packed.count == entry.byteCount else {
        throw Self.damaged("'\(entry.path)' states another size than it has")
      }
      return Array(packed)
    case 8:
      // Memory is reserved for the stated size.
      guard entry.byteCount / Self.highestRatio <= packed.count else {
        throw Self.damaged("'\(entry.path)' states a size that its \(packed.count) bytes cannot have when unpacked")
      }
      return try inflate(packed, to: entry.byteCount, entry.path)
    default: throw Self.damaged("'\(entry.path)' uses the unsupported compression method \(entry.method)")
    }
  }

  private func inflate(_ packed: ArraySlice<UInt8>, to count: Int, _ path: String) throws(ZipError) -> [UInt8] {
    var output = [UInt8](repeating: 0, count: count)
    var input = Array(packed)
    var stream = z_stream()
    guard czlib_inflate_raw_init(&stream) == Z_OK else { throw Self.damaged("zlib cannot be initialized") }
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
    !path.holdsByte(of: "\\\0")
      && path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy {
        !$0.isEmpty && !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8) && $0.count <= 255
      }
  }

  private static func u16(_ bytes: [UInt8], _ offset: Int) -> UInt16 {
    UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8
  }

  private static func u32(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    UInt32(u16(bytes, offset)) | UInt32(u16(bytes, offset + 2)) << 16
  }

  private static func damaged(_ why: String) -> ZipError { ZipError(why: why) }
}

/// The error for a zip archive that cannot be read.
public struct ZipError: Error, Sendable, Equatable {
  /// What is wrong with the archive, worded to follow a colon.
  public let why: String
}
