import HTTP2
import NIOCore
import Transport

/// The limits of a server or client that apply to a stream of messages.
struct MessageBounds: Sendable {
  var maxMessageBytes: Int
  var maxUnreadBytes: Int
  var windowBytes: Int
  var bulkWindowBytes: Int
  var requestTimeout: TimeAmount
  var contendedTimeout: TimeAmount
  var minBytesPerSecond: Int
}

/// An HTTP/2 stream that carries gRPC messages: the common part of server calls and client calls.
///
/// A message is read only when it is requested; earlier bytes stay in the stream's window. Outgoing messages are queued; a gate
/// delays producers while the peer does not read. Confined to the event loop.
class MessageStream: ByteBufferStream {
  private var reader: MessageReader
  private let budget: MessageBudget
  private let bounds: MessageBounds
  private var wantsMessage = false
  private var reservation = Reservation.none
  private var countedUnread = 0
  private var windowBytes: Int
  private var arrivedBytes = 0
  private var pace = Pace()
  private var contendedPace = Pace()
  private(set) var peerHasEnded = false
  /// Whether reading has stopped; bytes that still arrive are dropped.
  private var isDeaf = false
  /// The encoding that the peer has declared for its messages.
  final var encoding = MessageEncoding.identity
  private var inflation = Inflation.none
  /// Whether the last delivered message was compressed.
  private(set) final var messageWasCompressed = false

  /// The state of a message that is being inflated. See `inflate`.
  private enum Inflation {
    case none
    /// In progress outside the event loop; this many bytes are reserved for the inflated message.
    case running(reserved: Int)
    /// The message was inflated after its request had been withdrawn.
    case unwanted(ByteBuffer)
  }

  private enum Reservation {
    case none
    case waiting(ticket: UInt64, bytes: Int)
    case held(Int)
    /// The message is complete and was passed to its handler.
    case handedOver(Int)
  }

  init(channel: HTTP2ChannelHandler, budget: MessageBudget, bounds: MessageBounds) {
    self.budget = budget
    self.bounds = bounds
    windowBytes = bounds.windowBytes
    reader = MessageReader(maxMessageBytes: bounds.maxMessageBytes, windowBytes: bounds.windowBytes)
    super.init(channel: channel)
  }

  // MARK: Events for subclasses

  /// Called with a requested message.
  func messageArrived(_ message: ByteBuffer) {}
  /// Called when a message was requested and there are no more.
  func messagesEnded() {}
  /// Called when the peer's messages cannot be read.
  func readingFailed(_ status: GRPCStatus) {}

  /// Whether the call cannot begin until the peer sends more, apart from the missing part of a message.
  var awaitsRequest: Bool { false }

  /// Whether the reservation of a message is kept until the next one is requested.
  var keepsReservations: Bool { false }

  // MARK: Reading

  /// Lowers the maximum message size, in bytes; values above the current limit have no effect. Must be called before the first
  /// message is requested.
  final func limitMessages(to bytes: Int) {
    if bytes < reader.maxMessageBytes { reader.maxMessageBytes = bytes }
  }

  /// Requests one message. Exactly one of the events follows, possibly before this method returns.
  final func requestMessage() {
    if case .handedOver = reservation { releaseReservation() }
    wantsMessage = true
    if case .unwanted(let message) = inflation {
      inflation = .none
      deliver(message, wasCompressed: true)
    }
    advance()
  }

  /// Whether a requested message has not arrived yet.
  final var isWaitingForMessage: Bool { wantsMessage }

  /// Withdraws the request for a message.
  final func withdrawRequest() { wantsMessage = false }

  /// Whether there are bytes after the last message.
  final var hasUnreadBytes: Bool { reader.unreadBytes > 0 }

  /// Drops unread bytes and everything that arrives later.
  final func stopReading() {
    isDeaf = true
    wantsMessage = false
    if case .unwanted = inflation { inflation = .none }
    releaseReservation()
    reader = MessageReader(maxMessageBytes: 0, windowBytes: 0)
    countUnread()
  }

  final override func receiveData(_ bytes: UnsafeRawBufferPointer) {
    guard !isDeaf else { return }
    arrivedBytes += bytes.count
    reader.append(bytes)
    if case .held = reservation { adjustWindow() }
    advance()
  }

  override func receiveEnd() {
    peerHasEnded = true
    advance()
  }

  private func advance() {
    var isStuck = isInflating
    while wantsMessage && !isStuck {
      switch reader.next() {
      case .message(let message): deliver(message, wasCompressed: false)
      case .compressed(let message): isStuck = !inflate(message)
      case .needMore:
        isStuck = true
        // The bytes that wait for room have arrived, possibly to the end of the stream.
        if peerHasEnded && !isWaitingForRoom { end() }
      case .admit(let count): isStuck = !reserve(count)
      case .failure(let status): fail(status)
      }
    }
    settle()
  }

  private func deliver(_ message: ByteBuffer, wasCompressed: Bool) {
    messageWasCompressed = wasCompressed
    wantsMessage = false
    pace.rest()
    contendedPace.rest()
    handOver()
    messageArrived(message)
  }

  private var isWaitingForRoom: Bool { if case .waiting = reservation { true } else { false } }

  private func end() {
    wantsMessage = false
    if reader.isInsideMessage {
      readingFailed(GRPCStatus(.internal, "The stream ended in the middle of a message"))
    } else {
      messagesEnded()
    }
  }

  private func fail(_ status: GRPCStatus) {
    wantsMessage = false
    readingFailed(status)
  }

  /// Credits consumed bytes to the peer and updates the count of unread bytes.
  private func settle() {
    let credit = reader.takeCredit()
    if !peerHasEnded { consume(credit) }
    countUnread()
  }

  private func countUnread() {
    let change = reader.unreadBytes - countedUnread
    guard change != 0 else { return }
    countedUnread = reader.unreadBytes
    if channel.isServer {
      if change < 0 { return release(-change) }
      if !hold(change) {
        fail(
          GRPCStatus(
            .resourceExhausted, "This side has reached its limit of unread bytes; send less at once")
        )
      }
      return
    }
    let total = budget.addUnread(change)
    if change > 0 && total > bounds.maxUnreadBytes {
      fail(
        GRPCStatus(.resourceExhausted, "This side has \(total) unread bytes, more than its limit; send less at once"))
    }
  }

  // MARK: The budget

  /// Reserves room for a large message. Returns false if reading must pause until there is room.
  private func reserve(_ count: Int) -> Bool {
    let me = NIOLoopBound(self, eventLoop: channel.eventLoop)
    let answer = budget.reserve(count, for: channel.origin) {
      me.eventLoop.execute { me.value.granted() }
    }
    switch answer {
    case .granted:
      admit(count)
      return true
    case .waiting(let ticket):
      reservation = .waiting(ticket: ticket, bytes: count)
      return false
    case .impossible:
      fail(
        GRPCStatus(
          .resourceExhausted, "A message of \(count) bytes exceeds what this side can receive at once (\(budget.bytes))"
        )
      )
      return true
    }
  }

  /// Sets the window to its usual size plus the missing bytes of a large message, at most `bulkWindowBytes`.
  private func adjustWindow() {
    let wanted = min(bounds.bulkWindowBytes, reader.missingBytes + bounds.windowBytes)
    guard wanted != windowBytes, !peerHasEnded else { return }
    windowBytes = wanted
    setWindow(wanted)
  }

  private func granted() {
    // No longer waiting: the call has ended and the grant has been returned.
    guard case .waiting(_, let count) = reservation else { return }
    admit(count)
    advance()
  }

  private func admit(_ count: Int) {
    reservation = .held(count)
    reader.admit()
    adjustWindow()
  }

  // MARK: The peer's pace

  final override func watch(now: NIODeadline) {
    super.watch(now: now)
    guard isAwaitingPeer else {
      pace.rest()
      return contendedPace.rest()
    }
    if holdsRoom && budget.isContended { watchContended(now) } else { contendedPace.rest() }
    guard channel.isServer, isAwaitingPeer else { return }
    let window = bounds.requestTimeout
    let least = window.bytes(at: bounds.minBytesPerSecond)
    guard pace.isTooSlow(arrivedBytes, at: now, window: window, least: least) else { return }
    failForPace(.deadlineExceeded, "The request arrived too slowly", least, window)
  }

  private func watchContended(_ now: NIODeadline) {
    let window = bounds.contendedTimeout
    let least = window.bytes(at: contendedBytesPerSecond)
    guard contendedPace.isTooSlow(arrivedBytes, at: now, window: window, least: least) else { return }
    failForPace(.resourceExhausted, "A large message arrived too slowly while others were waiting", least, window)
  }

  private func failForPace(_ code: GRPCStatus.Code, _ text: String, _ least: Int, _ window: TimeAmount) {
    let evidence = "under \(least) bytes in \(window.nanoseconds / 1_000_000) ms"
    channel.refused(.slowRequest, "a call fails: \(text): \(evidence)")
    fail(GRPCStatus(code, "\(text): \(evidence)"))
  }

  private var holdsRoom: Bool { if case .held = reservation { true } else { false } }

  private var isAwaitingPeer: Bool {
    if isDeaf || peerHasEnded || isInflating { return false }
    if case .waiting = reservation { return false }
    return wantsMessage && reader.isInsideMessage || awaitsRequest
  }

  /// The required rate while others wait, such that they wait at most two minutes for a message of any size.
  private var contendedBytesPerSecond: Int {
    guard case .held(let count) = reservation else { return bounds.minBytesPerSecond }
    return max(64 * bounds.minBytesPerSecond, count / 120)
  }

  private func handOver() {
    guard keepsReservations, case .held(let count) = reservation else { return releaseReservation() }
    reservation = .handedOver(count)
  }

  private func releaseReservation() {
    switch reservation {
    case .none: return
    case .held(let count), .handedOver(let count): budget.release(count, for: channel.origin)
    case .waiting(let ticket, let count):
      if !budget.cancel(ticket: ticket) { budget.release(count, for: channel.origin) }
    }
    reservation = .none
  }

  // MARK: Compressed messages

  private var isInflating: Bool { if case .running = inflation { true } else { false } }

  /// Inflates a message that has arrived; large ones outside the event loop. Returns false if reading must pause until that is
  /// done.
  ///
  /// The inflated bytes are reserved before inflation. The call does not wait for room, because the compressed bytes have a
  /// reservation already, and the holder of a reservation must not wait for another.
  private func inflate(_ message: ByteBuffer) -> Bool {
    let size: Int
    do throws(GRPCStatus) {
      guard encoding == .gzip else {
        throw GRPCStatus(.internal, "A message is compressed, but the call has no grpc-encoding")
      }
      size = try GzipMessage.statedBytes(message, limit: reader.maxMessageBytes)
      guard size <= bounds.windowBytes / 2 || reserveAtOnce(size) else {
        throw GRPCStatus(
          .resourceExhausted, "There is no room for a message that has \(size) bytes when decompressed",
          reason: "NO_ROOM", retryAfter: .seconds(1))
      }
    } catch {
      fail(error)
      return true
    }
    inflation = .running(reserved: size <= bounds.windowBytes / 2 ? 0 : size)
    if size <= Self.inflateOnLoopBytes {
      inflated(Result { () throws(GRPCStatus) in try GzipMessage.inflate(message, to: size) })
      return true
    }
    let me = NIOLoopBound(self, eventLoop: channel.eventLoop)
    // Computes off the event loop, which no task waits on; ends by itself, and a stream that has ended ignores the result.
    Task.detached {
      let result = Result { () throws(GRPCStatus) in try GzipMessage.inflate(message, to: size) }
      me.eventLoop.execute {
        me.value.inflated(result)
        me.value.advance()
      }
    }
    return false
  }

  private static let inflateOnLoopBytes = 64 * 1024

  private func reserveAtOnce(_ count: Int) -> Bool {
    switch budget.reserve(count, for: channel.origin, onGranted: {}) {
    case .granted: true
    case .waiting(let ticket): !budget.cancel(ticket: ticket)
    case .impossible: false
    }
  }

  private func inflated(_ result: Result<ByteBuffer, GRPCStatus>) {
    guard case .running(let reserved) = inflation else { return }
    inflation = .none
    // The compressed bytes are released; the inflated ones keep their own reservation.
    releaseReservation()
    reservation = reserved > 0 ? .held(reserved) : .none
    switch result {
    case _ where isDeaf: releaseReservation()
    case .failure(let status): fail(status)
    case .success(let message) where wantsMessage: deliver(message, wasCompressed: true)
    case .success(let message): inflation = .unwanted(message)
    }
  }

  // MARK: Writing

  /// Queues a message after earlier ones.
  ///
  /// - Throws: RESOURCE_EXHAUSTED if too many bytes are queued on this connection.
  final func send(_ message: EncodedMessage) throws(GRPCStatus) {
    let waiting = channel.pendingBodyBytes
    guard channel.hasRoom(toQueue: message.count) else {
      throw GRPCStatus(
        .resourceExhausted,
        "A message of \(message.count) bytes cannot be queued: \(waiting) bytes are already waiting on this connection "
          + "because its peer does not read them")
    }
    queue(message)
  }

  /// Queues a message whose bytes are counted already.
  final func queue(_ message: EncodedMessage) {
    send(message.head)
    for buffer in message.rest { send(buffer) }
  }
}
