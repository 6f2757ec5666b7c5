import CZlib
import NIOCore

/// The compression of a call's messages: the value of `grpc-encoding`.
enum MessageEncoding {
  case identity, gzip
  /// An unsupported encoding.
  case unknown

  init(_ name: UnsafeBufferPointer<UInt8>) {
    self = name == "identity" ? .identity : name == "gzip" ? .gzip : .unknown
  }

  /// The value of `grpc-accept-encoding`.
  static let accepted = "identity,gzip"

  /// Returns whether the value of a `grpc-accept-encoding` lists gzip. Allocates nothing, because clients send it with every
  /// call.
  static func acceptsGzip(_ list: UnsafeBufferPointer<UInt8>) -> Bool {
    var start = 0
    for index in 0...list.count where index == list.count || list[index] == UInt8(ascii: ",") {
      while start < index, list[start] == UInt8(ascii: " ") { start += 1 }
      if UnsafeBufferPointer(rebasing: list[start..<index]) == "gzip" { return true }
      start = index + 1
    }
    return false
  }
}

/// Inflates gzip-compressed messages, each a single member (RFC 1952).
enum GzipMessage {
  /// A member's header and trailer take 18 bytes, an empty body two.
  private static let leastBytes = 20
  /// Deflate compresses by a factor of at most 1,032 (zlib, "Technical Details").
  private static let mostRatio = 1032

  /// Returns the inflated size that a message states in the last four bytes of its member.
  ///
  /// - Throws: RESOURCE_EXHAUSTED if it exceeds `limit`; INTERNAL if it is impossible.
  static func statedBytes(_ message: ByteBuffer, limit: Int) throws(GRPCStatus) -> Int {
    let count = message.readableBytes
    guard count >= leastBytes,
      let size = message.getInteger(at: message.writerIndex - 4, endianness: .little, as: UInt32.self).map(Int.init)
    else { throw broken("it has only \(count) bytes") }
    guard size <= limit else {
      throw GRPCStatus(
        .resourceExhausted, "Received message larger than max (\(size) vs. \(limit)) after it is decompressed")
    }
    guard size <= count * mostRatio else { throw broken("\(count) bytes cannot decompress to \(size)") }
    return size
  }

  /// Inflates a message into a buffer of exactly the size that it states.
  ///
  /// - Throws: INTERNAL if the message is damaged or inflates to another size.
  static func inflate(_ message: ByteBuffer, to size: Int) throws(GRPCStatus) -> ByteBuffer {
    var stream = z_stream()
    guard czlib_gunzip_init(&stream) == Z_OK else { throw GRPCStatus(.internal, "There is not enough memory for zlib") }
    defer { inflateEnd(&stream) }
    // One more byte, so that the buffer has an address even if the message is empty.
    var plain = ByteBufferAllocator().buffer(capacity: size + 1)
    var status = Z_OK
    message.withUnsafeReadableBytes { input in
      stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
      stream.avail_in = UInt32(input.count)
      plain.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { output in
        stream.next_out = output.bindMemory(to: UInt8.self).baseAddress
        stream.avail_out = UInt32(size)
        status = CZlib.inflate(&stream, Z_FINISH)
        return size - Int(stream.avail_out)
      }
    }
    guard status == Z_STREAM_END, stream.avail_in == 0, plain.readableBytes == size else {
      throw broken(stream.msg.map { String(cString: $0) } ?? "it is not a single member of the size that it states")
    }
    return plain
  }

  private static func broken(_ reason: String) -> GRPCStatus {
    GRPCStatus(.internal, "A message that should be compressed by gzip is not: \(reason)")
  }
}

extension EncodedMessage {
  /// Messages smaller than this are not compressed: the gain is too small.
  static let worthCompressingBytes = 1024
  /// Larger messages are compressed outside the event loop.
  private static let compressOnLoopBytes = 64 * 1024

  /// Returns the message compressed, or unchanged if that saves less than a tenth.
  func compressedIfWorthIt() async -> EncodedMessage {
    guard count >= Self.worthCompressingBytes else { return self }
    if count <= Self.compressOnLoopBytes { return compressed() ?? self }
    return await Task.detached { compressed() ?? self }.value
  }

  /// Returns the message compressed; nil if that saves less than a tenth.
  func compressed() -> EncodedMessage? {
    var stream = z_stream()
    // Level 1: networks within a cluster are fast.
    guard czlib_gzip_init(&stream, 1) == Z_OK else { return nil }
    defer { deflateEnd(&stream) }
    let most = (count - Self.prefixBytes) / 10 * 9
    var packed = ByteBufferAllocator().buffer(capacity: Self.prefixBytes + most)
    packed.writeInteger(UInt8(1))
    packed.writeInteger(UInt32(0))
    var body = head
    body.moveReaderIndex(forwardBy: Self.prefixBytes)
    var isWhole = false
    packed.writeWithUnsafeMutableBytes(minimumWritableBytes: most) { output in
      stream.next_out = output.bindMemory(to: UInt8.self).baseAddress
      stream.avail_out = UInt32(most)
      for part in [body] + rest { Self.deflate(part, &stream, Z_NO_FLUSH) }
      isWhole = Self.deflate(ByteBuffer(), &stream, Z_FINISH) == Z_STREAM_END
      return most - Int(stream.avail_out)
    }
    return isWhole ? try? EncodedMessage(prefixed: packed) : nil
  }

  @discardableResult
  private static func deflate(_ part: ByteBuffer, _ stream: inout z_stream, _ flush: Int32) -> Int32 {
    part.withUnsafeReadableBytes { input in
      stream.next_in = UnsafeMutablePointer(mutating: input.bindMemory(to: UInt8.self).baseAddress)
      stream.avail_in = UInt32(input.count)
      return CZlib.deflate(&stream, flush)
    }
  }
}
