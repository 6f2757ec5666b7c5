import NIOCore

/// Cuts a stream of bytes into messages. A pure value: no I/O, no budget, no clock.
///
/// Bytes wait unread until somebody asks for a message (`next`). A small message, one that fits half of the stream's
/// window with its prefix, is cut when it is complete; the window alone bounds it. (Half, because up to half of a
/// window's credit is held back until it is worth a frame, and the rest of the message must not wait for it.) A large
/// one is announced first
/// (`.admit`) and only after `admit()` moves, as it arrives, to a buffer of its own. That buffer grows with what has
/// really arrived, never with what was announced: the length is written by the peer.
///
/// | state    | next, prefix incomplete | next, small         | next, large       | admit   | append                      |
/// |----------|-------------------------|---------------------|-------------------|---------|-----------------------------|
/// | idle     | needMore                | message or needMore | admit → announced | –       | unread                      |
/// | announced| needMore                | needMore            | needMore          | → large | unread                      |
/// | large    | needMore                | message → idle      | message → idle    | –       | large buffer, rest unread   |
struct MessageReader {
  enum Step: Equatable {
    /// The message is not complete.
    case needMore
    /// A whole message.
    case message(ByteBuffer)
    /// A large message of so many bytes begins: call `admit()` when there is room for it.
    case admit(Int)
    /// The stream of messages is broken.
    case failure(GRPCStatus)
  }

  private enum State {
    case idle
    case announced(Int)
    case large(ByteBuffer, missing: Int)
  }

  private let maxMessageBytes: Int
  private let smallBytes: Int
  private var state = State.idle
  private var unread = ByteBuffer()
  private var taken = 0

  /// - Parameters:
  ///   - maxMessageBytes: the longest message that is accepted.
  ///   - windowBytes: what the peer may send unasked.
  init(maxMessageBytes: Int, windowBytes: Int) {
    self.maxMessageBytes = maxMessageBytes
    smallBytes = windowBytes / 2 - EncodedMessage.prefixBytes
  }

  /// Bytes that have arrived and that nobody has asked for or that are not yet a message.
  var unreadBytes: Int { unread.readableBytes }

  /// Bytes of memory that are held.
  var bufferedCapacity: Int {
    if case .large(let buffer, _) = state { return buffer.capacity + unread.capacity }
    return unread.capacity
  }

  /// Bytes of a large message that are still to come.
  var missingBytes: Int {
    if case .large(_, let missing) = state { return missing }
    return 0
  }

  /// Whether a message has begun and is not complete.
  var isInsideMessage: Bool {
    if case .idle = state { return unread.readableBytes > 0 }
    return true
  }

  /// Takes bytes from the peer.
  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    guard case .large(var buffer, let missing) = state, missing > 0 else {
      unread.writeBytes(bytes)
      return
    }
    state = .idle  // The buffer must have one owner while it grows.
    let count = min(missing, bytes.count)
    Self.grow(&buffer, by: count, atMost: missing)
    buffer.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
    taken += count
    state = .large(buffer, missing: missing - count)
    if count < bytes.count { unread.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[count...])) }
  }

  /// The next step for a reader that waits for a message.
  mutating func next() -> Step {
    switch state {
    case .announced: return .needMore
    case .large(let buffer, let missing):
      guard missing == 0 else { return .needMore }
      state = .idle
      return .message(buffer)
    case .idle: return nextFromPrefix()
    }
  }

  private mutating func nextFromPrefix() -> Step {
    guard let flag = unread.getInteger(at: unread.readerIndex, as: UInt8.self),
      let length = unread.getInteger(at: unread.readerIndex + 1, as: UInt32.self).map(Int.init)
    else { return .needMore }
    if let failure = check(flag, length) { return .failure(failure) }
    guard length <= smallBytes else {
      state = .announced(length)
      return .admit(length)
    }
    guard unread.readableBytes >= EncodedMessage.prefixBytes + length else { return .needMore }
    unread.moveReaderIndex(forwardBy: EncodedMessage.prefixBytes)
    taken += EncodedMessage.prefixBytes + length
    // The last message takes the buffer with it, so that neither side has to copy.
    guard unread.readableBytes > length else {
      defer { unread = ByteBuffer() }
      return .message(unread)
    }
    return .message(unread.readSlice(length: length) ?? ByteBuffer())
  }

  private func check(_ flag: UInt8, _ length: Int) -> GRPCStatus? {
    if flag == 1 {
      return GRPCStatus(.unimplemented, "The message is compressed; this side reads only grpc-encoding: identity")
    }
    if flag != 0 { return GRPCStatus(.internal, "A message begins with the flag byte \(flag); 0 or 1 is legal") }
    if length > maxMessageBytes {
      return GRPCStatus(.resourceExhausted, "Received message larger than max (\(length) vs. \(maxMessageBytes))")
    }
    return nil
  }

  /// There is room for the large message that was announced.
  mutating func admit() {
    guard case .announced(let length) = state else { return }
    unread.moveReaderIndex(forwardBy: EncodedMessage.prefixBytes)
    taken += EncodedMessage.prefixBytes
    let waiting = unread
    unread = ByteBuffer()
    state = .large(ByteBuffer(), missing: length)
    waiting.withUnsafeReadableBytes { append($0) }
  }

  /// Bytes that the reader has taken since the last call: as many may be sent again.
  mutating func takeCredit() -> Int {
    defer { taken = 0 }
    return taken
  }

  /// Doubles, but never beyond what the message can need.
  private static func grow(_ buffer: inout ByteBuffer, by count: Int, atMost missing: Int) {
    guard buffer.writableBytes < count else { return }
    let used = buffer.readableBytes
    let wanted = max(used + count, 2 * used, 64 * 1024)
    buffer.reserveCapacity(min(wanted, used + missing))
  }
}
