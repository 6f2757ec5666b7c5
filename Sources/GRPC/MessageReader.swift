import NIOCore

/// Splits a stream of bytes into messages. A pure value: no I/O, no budget, no clock.
///
/// Bytes stay unread until a message is requested (`next`). A small message, which with its prefix fits into half of the stream's
/// window, is returned once it is complete; only the window limits it. (Half, because up to half of a window's credit is held
/// back until it is worth a frame, and the rest of the message must not wait for it.) A large message is announced first
/// (`.admit`) and only after `admit()` moves, as it arrives, to a buffer of its own. The buffer grows with the bytes that have
/// arrived, not to the announced length, which the peer controls.
///
/// A message whose compression flag is set is returned as `.compressed` instead of `.message`.
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
    /// A complete message.
    case message(ByteBuffer)
    /// A complete message that is compressed.
    case compressed(ByteBuffer)
    /// A large message of this many bytes begins: call `admit()` when there is room for it.
    case admit(Int)
    /// The stream of messages is malformed.
    case failure(GRPCStatus)
  }

  private enum State {
    case idle
    case announced(Int)
    case large(ByteBuffer, missing: Int)
  }

  /// Maximum size of a message, in bytes.
  var maxMessageBytes: Int
  private let smallBytes: Int
  private var state = State.idle
  private var unread = ByteBuffer()
  private var taken = 0
  /// Whether the current message is compressed.
  private var isCompressed = false

  /// - Parameters:
  ///   - maxMessageBytes: the maximum size of a message, in bytes.
  ///   - windowBytes: the number of bytes that the peer may send before they are requested.
  init(maxMessageBytes: Int, windowBytes: Int) {
    self.maxMessageBytes = maxMessageBytes
    smallBytes = windowBytes / 2 - EncodedMessage.prefixBytes
  }

  /// The number of received bytes that were not requested or are not yet a complete message.
  var unreadBytes: Int { unread.readableBytes }

  /// The number of bytes of memory in use.
  var bufferedCapacity: Int {
    if case .large(let buffer, _) = state { return buffer.capacity + unread.capacity }
    return unread.capacity
  }

  /// The number of bytes of a large message that have not arrived yet.
  var missingBytes: Int {
    if case .large(_, let missing) = state { return missing }
    return 0
  }

  /// Whether a message has begun and is incomplete.
  var isInsideMessage: Bool {
    if case .idle = state { return unread.readableBytes > 0 }
    return true
  }

  /// Appends bytes received from the peer.
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

  /// Returns the next step for a reader that waits for a message.
  mutating func next() -> Step {
    switch state {
    case .announced: return .needMore
    case .large(let buffer, let missing):
      guard missing == 0 else { return .needMore }
      state = .idle
      return whole(buffer)
    case .idle: return nextFromPrefix()
    }
  }

  private mutating func nextFromPrefix() -> Step {
    guard let flag = unread.getInteger(at: unread.readerIndex, as: UInt8.self),
      let length = unread.getInteger(at: unread.readerIndex + 1, as: UInt32.self).map(Int.init)
    else { return .needMore }
    if let failure = check(flag, length) { return .failure(failure) }
    isCompressed = flag == 1
    guard length <= smallBytes else {
      state = .announced(length)
      return .admit(length)
    }
    guard unread.readableBytes >= EncodedMessage.prefixBytes + length else { return .needMore }
    unread.moveReaderIndex(forwardBy: EncodedMessage.prefixBytes)
    taken += EncodedMessage.prefixBytes + length
    // The last message keeps the buffer, so that neither side copies.
    guard unread.readableBytes > length else {
      defer { unread = ByteBuffer() }
      return whole(unread)
    }
    return whole(unread.readSlice(length: length) ?? ByteBuffer())
  }

  private func whole(_ message: ByteBuffer) -> Step { isCompressed ? .compressed(message) : .message(message) }

  private func check(_ flag: UInt8, _ length: Int) -> GRPCStatus? {
    if flag > 1 { return GRPCStatus(.internal, "A message begins with the flag byte \(flag); it must be 0 or 1") }
    if length > maxMessageBytes {
      return GRPCStatus(.resourceExhausted, "Received message larger than max (\(length) vs. \(maxMessageBytes))")
    }
    return nil
  }

  /// Accepts the announced large message.
  mutating func admit() {
    guard case .announced(let length) = state else { return }
    unread.moveReaderIndex(forwardBy: EncodedMessage.prefixBytes)
    taken += EncodedMessage.prefixBytes
    let waiting = unread
    unread = ByteBuffer()
    state = .large(ByteBuffer(), missing: length)
    waiting.withUnsafeReadableBytes { append($0) }
  }

  /// Returns the number of bytes consumed since the previous call, which the peer may now send again.
  mutating func takeCredit() -> Int {
    defer { taken = 0 }
    return taken
  }

  /// Doubles the capacity, but never beyond the size of the message.
  private static func grow(_ buffer: inout ByteBuffer, by count: Int, atMost missing: Int) {
    guard buffer.writableBytes < count else { return }
    let used = buffer.readableBytes
    let wanted = max(used + count, 2 * used, 64 * 1024)
    buffer.reserveCapacity(min(wanted, used + missing))
  }
}
