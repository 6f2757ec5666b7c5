import CZlib
import Glibc
import Support

/// Compresses a file to the gzip format (RFC 1952) next to it.
enum Gzip {
  private static let chunkBytes = 64 << 10

  /// Compresses `source` to `target` through a temporary file: even if the process dies, `target` is complete or does not exist.
  /// It gets the modification time of `source`, which is kept.
  /// - Returns: the size of `target` in bytes.
  /// - Throws: `LogStoreError.inputOutput`; `target` then does not exist.
  static func compress(_ source: String, to target: String) throws(LogStoreError) -> Int {
    let input = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard input >= 0 else { throw LogStoreError(SystemError("cannot open", source)) }
    defer { close(input) }
    let temporary = target + LogDirectory.temporarySuffix
    unlink(temporary)
    let output = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard output >= 0 else { throw LogStoreError(SystemError("cannot create", temporary)) }
    defer { close(output) }
    do throws(LogStoreError) {
      let bytes = try deflate(input, output, source)
      var info = stat()
      fstat(input, &info)
      futimens(output, [info.st_atim, info.st_mtim])
      guard fsync(output) == 0, rename(temporary, target) == 0 else {
        throw LogStoreError(SystemError("cannot write", target))
      }
      return bytes
    } catch {
      unlink(temporary)
      throw error
    }
  }

  private static func deflate(_ input: Int32, _ output: Int32, _ path: String) throws(LogStoreError) -> Int {
    var stream = z_stream()
    guard czlib_gzip_init(&stream, 6) == Z_OK else { throw LogStoreError(.inputOutput, "not enough memory for gzip") }
    defer { deflateEnd(&stream) }
    let plain = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * chunkBytes, alignment: 16)
    defer { plain.deallocate() }
    let packed = UnsafeMutableRawBufferPointer(rebasing: plain[chunkBytes...])
    var total = 0
    var isAtEnd = false
    while !isAtEnd {
      let count = read(input, plain.baseAddress, chunkBytes)
      guard count >= 0 else { throw LogStoreError(SystemError("cannot read", path)) }
      isAtEnd = count == 0
      stream.next_in = plain.baseAddress!.assumingMemoryBound(to: UInt8.self)
      stream.avail_in = UInt32(count)
      repeat {
        stream.next_out = packed.baseAddress!.assumingMemoryBound(to: UInt8.self)
        stream.avail_out = UInt32(packed.count)
        _ = CZlib.deflate(&stream, isAtEnd ? Z_FINISH : Z_NO_FLUSH)
        let bytes = packed.count - Int(stream.avail_out)
        var written = 0
        while written < bytes {
          let step = write(output, packed.baseAddress! + written, bytes - written)
          guard step > 0 || errno == EINTR else {
            throw LogStoreError(SystemError("cannot compress", path))
          }
          written += max(0, step)
        }
        total += bytes
      } while stream.avail_out == 0
    }
    return total
  }
}

/// Reads a compressed file from its beginning, piece by piece. No file is open between the pieces.
final class GzipReader {
  private static let chunkBytes = 16 << 10

  private let path: String
  private let stream: UnsafeMutablePointer<z_stream>
  private let input: UnsafeMutablePointer<UInt8>
  private var offset = 0
  private var isAtEnd = false
  /// Whether the file is damaged or truncated.
  private(set) var isDamaged = false

  init(path: String) throws(LogStoreError) {
    self.path = path
    // zlib requires its stream to stay at a fixed address.
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    input = .allocate(capacity: Self.chunkBytes)
    guard czlib_gunzip_init(stream) == Z_OK else { throw LogStoreError(.inputOutput, "not enough memory for gzip") }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
    input.deallocate()
  }

  /// Appends up to `count` bytes of the uncompressed text to `bytes` and returns their number; 0 at the end.
  func read(_ count: Int, into bytes: inout [UInt8]) -> Int {
    var taken = 0
    while taken == 0, !isAtEnd {
      if stream.pointee.avail_in == 0 { refill() }
      guard !isAtEnd else { break }
      var status: Int32 = Z_OK
      bytes += [UInt8](unsafeUninitializedCapacity: count) { plain, initialized in
        stream.pointee.next_out = plain.baseAddress
        stream.pointee.avail_out = UInt32(count)
        status = inflate(stream, Z_NO_FLUSH)
        taken = count - Int(stream.pointee.avail_out)
        initialized = taken
      }
      isAtEnd = status != Z_OK && status != Z_BUF_ERROR
      isDamaged = isAtEnd && status != Z_STREAM_END
    }
    return taken
  }

  private func refill() {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    let count = descriptor < 0 ? 0 : pread(descriptor, input, Self.chunkBytes, offset)
    if descriptor >= 0 { close(descriptor) }
    isAtEnd = count <= 0
    isDamaged = isAtEnd
    offset += max(0, count)
    stream.pointee.next_in = input
    stream.pointee.avail_in = UInt32(max(0, count))
  }
}
