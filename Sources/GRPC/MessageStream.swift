import HTTP2
import NIOCore
import Transport

/// What a stream of messages needs to know of the limits of its server or client.
struct MessageBounds: Sendable {
  var maxMessageBytes: Int
  var maxUnreadBytes: Int
  var windowBytes: Int
  var bulkWindowBytes: Int
  var stalledMessageTimeout: TimeAmount
}

/// An HTTP/2 stream that carries gRPC messages: what server calls and client calls have in common.
///
/// Incoming: a message is read only when somebody has asked for one; what arrives before waits in the stream's window.
/// Outgoing: messages are queued; a gate holds back producers whose peer does not read. Confined to the event loop.
class MessageStream: ByteBufferStream {
  private var reader: MessageReader
  private let budget: MessageBudget
  private let bounds: MessageBounds
  private var wantsMessage = false
  private var reservation = Reservation.none
  private var countedUnread = 0
  private var windowBytes: Int
  private var lastArrival = NIODeadline.uptimeNanoseconds(0)
  private(set) var peerHasEnded = false
  /// Set when nothing more will be read; what still arrives is dropped.
  private var isDeaf = false

  private enum Reservation {
    case none
    case waiting(ticket: UInt64, bytes: Int)
    case held(Int)
  }

  init(channel: HTTP2ChannelHandler, budget: MessageBudget, bounds: MessageBounds) {
    self.budget = budget
    self.bounds = bounds
    windowBytes = bounds.windowBytes
    reader = MessageReader(maxMessageBytes: bounds.maxMessageBytes, windowBytes: bounds.windowBytes)
    super.init(channel: channel)
  }

  // MARK: Events for subclasses

  /// A message that was asked for.
  func messageArrived(_ message: ByteBuffer) {}
  /// A message was asked for, and there is none.
  func messagesEnded() {}
  /// The peer's messages cannot be read.
  func readingFailed(_ status: GRPCStatus) {}

  // MARK: Reading

  /// Asks for one message; exactly one of the events follows, perhaps at once.
  final func requestMessage() {
    wantsMessage = true
    advance()
  }

  /// Nobody wants the message any more that was asked for.
  final func withdrawRequest() { wantsMessage = false }

  /// Whether bytes are there behind the last message.
  final var hasUnreadBytes: Bool { reader.unreadBytes > 0 }

  /// Drops what is unread and everything that will still arrive.
  final func stopReading() {
    isDeaf = true
    wantsMessage = false
    releaseReservation()
    reader = MessageReader(maxMessageBytes: 0, windowBytes: 0)
    countUnread()
  }

  final override func receiveData(_ bytes: UnsafeRawBufferPointer) {
    guard !isDeaf else { return }
    reader.append(bytes)
    if case .held = reservation {
      lastArrival = .now()
      adjustWindow()
    }
    advance()
  }

  override func receiveEnd() {
    peerHasEnded = true
    advance()
  }

  private func advance() {
    var isStuck = false
    while wantsMessage && !isStuck {
      switch reader.next() {
      case .message(let message):
        wantsMessage = false
        releaseReservation()
        messageArrived(message)
      case .needMore:
        isStuck = true
        if peerHasEnded { end() }
      case .admit(let count): isStuck = !reserve(count)
      case .failure(let status): fail(status)
      }
    }
    settle()
  }

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

  /// Credits what was read to the peer and counts what was not.
  private func settle() {
    let credit = reader.takeCredit()
    if !peerHasEnded { consume(credit) }
    countUnread()
  }

  private func countUnread() {
    let change = reader.unreadBytes - countedUnread
    guard change != 0 else { return }
    countedUnread = reader.unreadBytes
    let total = budget.addUnread(change)
    if change > 0 && total > bounds.maxUnreadBytes {
      fail(
        GRPCStatus(.resourceExhausted, "This side holds \(total) bytes that nobody has read yet; send less at once"))
    }
  }

  // MARK: The budget

  /// False: reading pauses until there is room.
  private func reserve(_ count: Int) -> Bool {
    let me = NIOLoopBound(self, eventLoop: channel.eventLoop)
    let answer = budget.reserve(count) {
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
          .resourceExhausted, "A message of \(count) bytes is more than this side receives at once (\(budget.bytes))")
      )
      return true
    }
  }

  /// Opens the window for what a large message still lacks, and never for more than that beyond the usual.
  private func adjustWindow() {
    let wanted = min(bounds.bulkWindowBytes, reader.missingBytes + bounds.windowBytes)
    guard wanted != windowBytes, !peerHasEnded else { return }
    windowBytes = wanted
    setWindow(wanted)
  }

  private func granted() {
    // Not waiting any more: the call has ended, and the grant was returned then.
    guard case .waiting(_, let count) = reservation else { return }
    admit(count)
    advance()
  }

  private func admit(_ count: Int) {
    reservation = .held(count)
    reader.admit()
    adjustWindow()
    lastArrival = .now()
    watchForStall()
  }

  private func watchForStall() {
    let timeout = bounds.stalledMessageTimeout
    channel.eventLoop.assumeIsolated().scheduleTask(in: timeout) { [weak self] in
      guard let self, case .held = reservation else { return }
      if .now() - lastArrival >= timeout && budget.isContended {
        fail(GRPCStatus(.resourceExhausted, "The peer stopped in the middle of a large message while others wait"))
      } else {
        watchForStall()
      }
    }
  }

  private func releaseReservation() {
    switch reservation {
    case .none: return
    case .held(let count): budget.release(count)
    case .waiting(let ticket, let count): if !budget.cancel(ticket: ticket) { budget.release(count) }
    }
    reservation = .none
  }

  // MARK: Writing

  /// Queues a message behind those before it.
  ///
  /// - Throws: RESOURCE_EXHAUSTED when too much waits on this connection already.
  final func send(_ message: EncodedMessage) throws(GRPCStatus) {
    let waiting = channel.pendingBodyBytes
    guard waiting == 0 || waiting + message.count <= channel.limits.maxPendingBodyBytes else {
      throw GRPCStatus(
        .resourceExhausted, "\(waiting) bytes wait on this connection because the peer does not read them")
    }
    send(message.head)
    for buffer in message.rest { send(buffer) }
  }
}
