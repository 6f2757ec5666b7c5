import CZlib
import Glibc

/// Compresses a file to the gzip format (RFC 1952) beside it.
enum Gzip {
  private static let chunkBytes = 64 << 10

  /// Writes `source`, compressed, to `target` by way of a temporary file: whenever the process dies, `target` is whole or
  /// is not there. It gets the time of change of `source`, which stays.
  /// - Returns: the bytes of `target`.
  /// - Throws: `CoordinatorError.inputOutput`; then there is no `target`.
  static func compress(_ source: String, to target: String) throws(CoordinatorError) -> Int {
    let input = open(source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard input >= 0 else { throw .system("cannot open", source) }
    defer { close(input) }
    let temporary = target + LogDirectory.temporarySuffix
    unlink(temporary)
    let output = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard output >= 0 else { throw .system("cannot make", temporary) }
    defer { close(output) }
    do throws(CoordinatorError) {
      let bytes = try deflate(input, output, source)
      var info = stat()
      fstat(input, &info)
      futimens(output, [info.st_atim, info.st_mtim])
      guard fsync(output) == 0, rename(temporary, target) == 0 else { throw .system("cannot write", target) }
      return bytes
    } catch {
      unlink(temporary)
      throw error
    }
  }

  private static func deflate(_ input: Int32, _ output: Int32, _ path: String) throws(CoordinatorError) -> Int {
    var stream = z_stream()
    guard czlib_gzip_init(&stream, 6) == Z_OK else { throw CoordinatorError(.inputOutput, "no memory for gzip") }
    defer { deflateEnd(&stream) }
    let plain = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * chunkBytes, alignment: 16)
    defer { plain.deallocate() }
    let packed = UnsafeMutableRawBufferPointer(rebasing: plain[chunkBytes...])
    var total = 0
    var isAtEnd = false
    while !isAtEnd {
      let count = read(input, plain.baseAddress, chunkBytes)
      guard count >= 0 else { throw .system("cannot read", path) }
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
          guard step > 0 || errno == EINTR else { throw .system("cannot write what was compressed from", path) }
          written += max(0, step)
        }
        total += bytes
      } while stream.avail_out == 0
    }
    return total
  }
}

/// Reads a compressed file from its beginning, a piece at a time; between the pieces no file is open.
final class GzipReader {
  private static let chunkBytes = 16 << 10

  private let path: String
  private let stream: UnsafeMutablePointer<z_stream>
  private let input: UnsafeMutablePointer<UInt8>
  private var offset = 0
  private var isAtEnd = false
  /// Whether the file is damaged or was cut short.
  private(set) var isDamaged = false

  init(path: String) throws(CoordinatorError) {
    self.path = path
    // zlib wants its stream to stay where it is.
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    input = .allocate(capacity: Self.chunkBytes)
    guard czlib_gunzip_init(stream) == Z_OK else { throw CoordinatorError(.inputOutput, "no memory for gzip") }
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
    input.deallocate()
  }

  /// Appends up to `count` bytes of the plain text to `bytes`; none at the end.
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
