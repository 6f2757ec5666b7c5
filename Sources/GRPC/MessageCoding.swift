import NIOCore

/// Decodes the bytes of a message into a value. The buffer holds exactly one message and may be kept or sliced.
public struct MessageDecoder<Message>: Sendable {
  let decode: @Sendable (ByteBuffer) throws -> Message

  /// Wraps a closure. Its errors reach the peer as INTERNAL, unless they are a `GRPCStatus`.
  public init(_ decode: @escaping @Sendable (ByteBuffer) throws -> Message) {
    self.decode = decode
  }

  func callAsFunction(_ bytes: ByteBuffer) throws -> Message {
    do {
      return try decode(bytes)
    } catch let status as GRPCStatus {
      throw status
    } catch let error as any GRPCStatusConvertible {
      throw error.grpcStatus
    } catch {
      throw GRPCStatus(.internal, "A message of \(bytes.readableBytes) bytes could not be decoded")
    }
  }
}

/// Encodes a value into the bytes of a message.
public struct MessageEncoder<Message>: Sendable {
  private let buffers: @Sendable (Message) throws -> EncodedMessage

  /// Encodes into a single buffer, directly after the prefix.
  ///
  /// - Parameters:
  ///   - size: the encoded size in bytes, if it is known or cheap to compute; avoids reallocations.
  ///   - encode: appends the message to the buffer.
  public init(
    size: (@Sendable (Message) -> Int)? = nil, _ encode: @escaping @Sendable (Message, inout ByteBuffer) throws -> Void
  ) {
    buffers = { message in
      var buffer = ByteBufferAllocator().buffer(capacity: EncodedMessage.prefixBytes + (size?(message) ?? 59))
      buffer.writeRepeatingByte(0, count: EncodedMessage.prefixBytes)
      try encode(message, &buffer)
      return try EncodedMessage(prefixed: buffer)
    }
  }

  /// Encodes into several consecutive buffers: large ones are written to the socket without being copied.
  public static func slices(_ encode: @escaping @Sendable (Message) throws -> [ByteBuffer]) -> MessageEncoder {
    MessageEncoder { message in try EncodedMessage(slices: encode(message)) }
  }

  private init(buffers: @escaping @Sendable (Message) throws -> EncodedMessage) {
    self.buffers = buffers
  }

  func callAsFunction(_ message: Message) throws -> EncodedMessage {
    try buffers(message)
  }
}

extension MessageDecoder where Message == ByteBuffer {
  /// Returns the bytes unchanged.
  public static var bytes: MessageDecoder { MessageDecoder { $0 } }
}

extension MessageEncoder where Message == ByteBuffer {
  /// Sends the bytes unchanged; large buffers are not copied.
  public static var bytes: MessageEncoder { .slices { [$0] } }
}

/// An encoded message: one byte of compression flag, four bytes of length, then the message (gRPC over HTTP/2,
/// "Length-Prefixed-Message").
struct EncodedMessage: Sendable {
  static let prefixBytes = 5

  /// The first buffer; begins with the prefix.
  let head: ByteBuffer
  let rest: [ByteBuffer]
  /// The total size in bytes, including the prefix.
  let count: Int

  init(prefixed buffer: ByteBuffer) throws(GRPCStatus) {
    var buffer = buffer
    buffer.setInteger(try Self.length(buffer.readableBytes - Self.prefixBytes), at: buffer.readerIndex + 1)
    head = buffer
    rest = []
    count = buffer.readableBytes
  }

  init(slices: [ByteBuffer]) throws(GRPCStatus) {
    let length = slices.reduce(0) { $0 + $1.readableBytes }
    var prefix = ByteBufferAllocator().buffer(capacity: Self.prefixBytes)
    prefix.writeInteger(UInt8(0))
    prefix.writeInteger(try Self.length(length))
    head = prefix
    rest = slices
    count = Self.prefixBytes + length
  }

  private static func length(_ count: Int) throws(GRPCStatus) -> UInt32 {
    guard count <= Int(Int32.max) else {
      throw GRPCStatus(.resourceExhausted, "A message of \(count) bytes exceeds gRPC's limit of 2 GiB - 1")
    }
    return UInt32(count)
  }
}
