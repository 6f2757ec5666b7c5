import NIOCore

/// Joins the chunks of Bolt messages: a length of two bytes before each chunk, 0 at the end. Zeros between messages keep a
/// connection alive and mean nothing.
struct BoltChunkReader {
  private var received = ByteBuffer()
  private var message = ByteBuffer()
  private let maximumBytes: Int

  init(maximumBytes: Int) { self.maximumBytes = maximumBytes }

  /// The number of bytes that are held.
  var heldBytes: Int { received.readableBytes + message.readableBytes }

  mutating func append(_ bytes: inout ByteBuffer) { received.writeBuffer(&bytes) }

  /// The next message; nil until it is complete.
  /// - Throws: if it is larger than is accepted.
  mutating func next() throws(PackStreamError) -> ByteBuffer? {
    while let length = received.getInteger(at: received.readerIndex, as: UInt16.self) {
      if length == 0 {
        received.moveReaderIndex(forwardBy: 2)
        guard message.readableBytes > 0 else { continue }
        defer {
          message = ByteBuffer()
          received.discardReadBytes()
        }
        return message
      }
      guard message.readableBytes + Int(length) <= maximumBytes else {
        throw PackStreamError(reason: "a message has more than \(maximumBytes) bytes")
      }
      guard received.readableBytes >= 2 + Int(length) else { break }
      received.moveReaderIndex(forwardBy: 2)
      guard var chunk = received.readSlice(length: Int(length)) else { throw .truncated }
      message.writeBuffer(&chunk)
    }
    received.discardReadBytes()
    return nil
  }
}

extension ByteBuffer {
  /// The largest length of a chunk.
  private static var maximumChunk: Int { 0xffff }

  /// Writes a message in chunks. If `body` throws, nothing is written.
  mutating func writeChunked<Failure: Error>(_ body: (inout ByteBuffer) throws(Failure) -> Void) throws(Failure) {
    let start = writerIndex
    writeInteger(0 as UInt16)
    do {
      try body(&self)
    } catch {
      moveWriterIndex(to: start)
      throw error
    }
    let count = writerIndex - start - 2
    if count <= Self.maximumChunk {
      setInteger(UInt16(count), at: start)
    } else if var message = getSlice(at: start + 2, length: count) {
      moveWriterIndex(to: start)
      while let chunk = message.readSlice(length: Swift.min(message.readableBytes, Self.maximumChunk)),
        chunk.readableBytes > 0
      {
        writeInteger(UInt16(chunk.readableBytes))
        writeImmutableBuffer(chunk)
      }
    }
    writeInteger(0 as UInt16)
  }
}
