import CNghttp2

/// The role of one end of a connection.
public enum HTTP2Role: Sendable {
  /// Accepts streams.
  case server
  /// Opens streams.
  case client
}

/// The owner of a connection.
public protocol HTTP2ConnectionDelegate: AnyObject {
  /// Returns an object for a stream that the peer has opened; nil rejects the stream. Servers only.
  func acceptStream() -> HTTP2Stream?
  /// Called outside of `receive` when there are bytes to drain.
  func connectionWantsDrain()
}

/// One HTTP/2 connection (RFC 9113), based on an nghttp2 session and independent of the transport: the owner feeds it received
/// bytes and drains the bytes to send. Used by servers and clients.
///
/// Confined to one thread. `receive`, `drain` and `close` must not be called from the events of a stream.
public final class HTTP2Connection {
  /// The role of this end.
  public let role: HTTP2Role
  /// The limits of the connection.
  public let limits: HTTP2Limits
  /// The open streams, in no particular order.
  public internal(set) var streams = ContiguousArray<HTTP2Stream>()
  /// Whether the peer's first SETTINGS frame, which completes its preface, has arrived.
  public internal(set) var hasPeerPreface = false
  /// The number of streams that the peer has opened.
  public internal(set) var acceptedStreams = 0
  /// The number of streams that were refused with REFUSED_STREAM.
  public internal(set) var refusedStreams = 0
  /// The number of streams that the peer has opened or tried to open.
  public var openedStreams: Int { acceptedStreams + refusedStreams }
  /// The error code of the peer's GOAWAY, if one has arrived; afterwards the connection accepts no new streams.
  public internal(set) var peerGoAway: HTTP2Error.Code?
  /// Called with the payload of each PING that the peer acknowledges.
  public var onPingAcknowledged: ((UInt64) -> Void)?

  unowned let delegate: any HTTP2ConnectionDelegate
  /// nil once closed. Checked by everything that can be called late, such as from handlers on other threads.
  private(set) var session: OpaquePointer?
  var output: (any HTTP2Output)?
  var now: UInt64 = 0
  var controlBudget: ControlFrameBudget
  /// Limits the streams that a client resets.
  var resetBudget: ControlFrameBudget
  /// The error with which a callback made nghttp2 fail.
  var violation: HTTP2Error?
  /// The error with which nghttp2 itself has ended the connection, until `drain` throws it.
  private var libraryFailure: HTTP2Error?
  /// The stream whose header list is being received.
  var headersStream: HTTP2Stream?
  /// The number of bytes of bodies that the connection's window is not credited for yet.
  var uncreditedBytes = 0
  private var scanner: FrameScanner
  private var longFields = LongFieldFilter()
  private static let maxShortened = 16
  /// Streams with a header list that is being received and had a field that is too long to be decoded.
  private var shortenedStreams: [Int32] = []
  /// The time, on the clock of `receive`, at which the incomplete header block or frame other than DATA began.
  public private(set) var unfinishedFrameSince: UInt64?
  private var isInsideSession = false
  private var settingsAreSent = false
  /// The code of the last GOAWAY once it is queued; from then on nothing is read.
  private var lastGoAway: HTTP2Error.Code?
  /// Whether the last GOAWAY was written; nothing follows it.
  private var hasSentLastGoAway = false
  /// Limits the streams that are refused before the connection is ended: the peer knows the limit from our SETTINGS.
  var refusalBudget: ControlFrameBudget

  /// Starts a session; its SETTINGS frame must be drained.
  public init(role: HTTP2Role, limits: HTTP2Limits, delegate: any HTTP2ConnectionDelegate) {
    self.role = role
    self.limits = limits
    self.delegate = delegate
    controlBudget = ControlFrameBudget(burst: limits.controlFrameBurst, perSecond: limits.controlFramesPerSecond)
    scanner = FrameScanner(
      prefaceBytes: role == .server ? 24 : 0, judgesStreams: role == .server, maxContinuations: limits.maxContinuations)
    resetBudget = ControlFrameBudget(burst: limits.resetBurst, perSecond: limits.resetsPerSecond)
    refusalBudget = ControlFrameBudget(burst: limits.resetBurst, perSecond: limits.resetsPerSecond)
    open()
  }

  deinit {
    // Streams are notified by close(). If the owner did not call it, neither they nor nghttp2 may keep pointers to this object.
    for stream in streams { stream.connection = nil }
    if let session { nghttp2_session_del(session) }
  }

  private func open() {
    var option: OpaquePointer?
    guard nghttp2_option_new(&option) == 0, let option else { fatalError("nghttp2: out of memory") }
    defer { nghttp2_option_del(option) }
    nghttp2_option_set_no_auto_window_update(option, 1)
    nghttp2_option_set_no_closed_streams(option, 1)
    nghttp2_option_set_max_settings(option, limits.maxSettingsEntries)
    nghttp2_option_set_max_outbound_ack(option, limits.maxQueuedAcknowledgements)
    // The scanner counts these. nghttp2 1.52 counts a frame again each time that a read ends within its header of nine bytes.
    nghttp2_option_set_max_continuations(option, 9 * limits.maxContinuations + 9)
    // `resetBudget` comes first: nghttp2 gives no reason.
    nghttp2_option_set_stream_reset_rate_limit(
      option, 2 * UInt64(limits.resetBurst), 2 * UInt64(limits.resetsPerSecond))
    // A client may send a header list of any length that the peer allows; the default of nghttp2 is 64 KiB.
    nghttp2_option_set_max_send_header_block_length(option, 1 << 24)

    // nghttp2 keeps this pointer until nghttp2_session_del, which is called in deinit at the latest.
    let user = Unmanaged.passUnretained(self).toOpaque()
    let result =
      role == .server
      ? nghttp2_session_server_new2(&session, HTTP2Callbacks.shared.pointer, user, option)
      : nghttp2_session_client_new2(&session, HTTP2Callbacks.shared.pointer, user, option)
    guard result == 0 else { fatalError("nghttp2: out of memory") }
    submitSettings()
  }

  /// MAX_CONCURRENT_STREAMS must be the first entry: `drain` replaces it there. See `advertiseStreamLimit`.
  private func submitSettings() {
    var entries = [
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS.rawValue), value: UInt32(Int32.max)),
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE.rawValue),
        value: UInt32(Int32(clamping: max(limits.streamWindowBytes, 0)))),
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_MAX_FRAME_SIZE.rawValue),
        value: UInt32(clamping: min(max(limits.maxFrameBytes, 1 << 14), 1 << 24 - 1))),
      nghttp2_settings_entry(
        settings_id: Int32(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE.rawValue),
        value: UInt32(clamping: limits.maxHeaderListBytes)),
    ]
    if role == .server {
      // Avoids the dependency tree of RFC 7540 on both sides (RFC 9218, section 2.1).
      entries.append(
        nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES.rawValue), value: 1))
    } else {
      entries.append(nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0))
    }
    nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), entries, entries.count)
    nghttp2_session_set_local_window_size(
      session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, Int32(clamping: limits.connectionWindowBytes))
  }

  // MARK: Receiving and sending bytes

  /// Processes bytes from the peer at the time `now`, in nanoseconds of a monotonic clock. Calls the events of streams.
  ///
  /// - Throws: the reason why the connection has failed. Drain once more, to send GOAWAY, then close.
  public func receive(_ bytes: UnsafeRawBufferPointer, now: UInt64) throws(HTTP2Error) {
    guard session != nil, lastGoAway == nil else { return }
    self.now = now
    if let error = scan(bytes) { throw terminate(error) }
    let fragments = scanner.takeFragments()
    if fragments.isEmpty { return try read(bytes) }
    var copy = Array(bytes)
    guard shortenFields(&copy, fragments) else {
      throw terminate(
        HTTP2Error(.enhanceYourCalm, "A header field is absurdly long", evidence: "2 MiB or more as encoded"))
    }
    try copy.withUnsafeBufferPointer { copied throws(HTTP2Error) in try read(UnsafeRawBufferPointer(copied)) }
  }

  /// Replaces fields that are too long for nghttp2. Returns false if one is so long that the connection must end.
  private func shortenFields(_ bytes: inout [UInt8], _ fragments: [HeaderFragment]) -> Bool {
    for fragment in fragments {
      if fragment.beginsBlock { longFields.beginBlock() }
      let hadShortened = longFields.hasShortened
      let isFine = bytes.withUnsafeMutableBytes {
        longFields.filter(UnsafeMutableRawBufferPointer(rebasing: $0[fragment.range]))
      }
      guard isFine else { return false }
      guard longFields.hasShortened && !hadShortened else { continue }
      // Lists that nghttp2 rejects stay; those of one `receive` are few, because the fields are long.
      if shortenedStreams.count == Self.maxShortened { shortenedStreams.removeFirst() }
      shortenedStreams.append(fragment.stream)
    }
    return true
  }

  /// Returns whether a field of a header list that is complete now was too long to be decoded.
  func takeShortened(_ id: Int32) -> Bool {
    guard let index = shortenedStreams.firstIndex(of: id) else { return false }
    shortenedStreams.remove(at: index)
    return true
  }

  private func read(_ bytes: UnsafeRawBufferPointer) throws(HTTP2Error) {
    guard let session else { return }
    isInsideSession = true
    let taken = nghttp2_session_mem_recv(session, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
    isInsideSession = false
    creditConnection()
    if let violation { throw terminate(violation) }
    try resetPastStreams()
    if taken < 0 { throw terminate(HTTP2Error.library(taken, doing: "reading")) }
    let queued = nghttp2_session_get_outbound_queue_size(session)
    if queued > limits.maxQueuedFrames {
      throw terminate(
        HTTP2Error(
          .enhanceYourCalm, "The peer sends requests but does not read the answers",
          evidence: "\(queued) frames wait to be sent"))
    }
  }

  private func resetPastStreams() throws(HTTP2Error) {
    guard !scanner.streamErrors.isEmpty else { return }
    for id in scanner.takeStreamErrors() {
      guard controlBudget.spend(now: now) else {
        throw terminate(HTTP2Error(.enhanceYourCalm, "Too many frames for streams that the peer has reset"))
      }
      submitReset(id, .streamClosed)
    }
  }

  private func scan(_ bytes: UnsafeRawBufferPointer) -> HTTP2Error? {
    let completed = scanner.completed
    let error = scanner.scan(bytes)
    if !scanner.isInsideFrame {
      unfinishedFrameSince = nil
    } else if unfinishedFrameSince == nil || scanner.completed != completed {
      unfinishedFrameSince = now
    }
    return error
  }

  /// Credits the connection's window once per `receive` rather than once per chunk.
  private func creditConnection() {
    guard uncreditedBytes > 0 else { return }
    nghttp2_session_consume_connection(session, uncreditedBytes)
    uncreditedBytes = 0
  }

  /// Writes everything that can be sent now to `output`, as long as it wants more.
  ///
  /// - Returns: true if nothing is left; otherwise drain again when the output has room.
  /// - Throws: the reason why the connection has failed.
  public func drain(into output: any HTTP2Output) throws(HTTP2Error) -> Bool {
    guard let session else { return true }
    self.output = output
    isInsideSession = true
    defer {
      isInsideSession = false
      self.output = nil
    }
    if let violation { throw terminate(violation) }
    while output.wantsMore && !hasSentLastGoAway {
      var bytes: UnsafePointer<UInt8>?
      let count = nghttp2_session_mem_send(session, &bytes)
      if count < 0 { throw violation ?? HTTP2Error.library(count, doing: "writing") }
      if count == 0 { break }
      let frame = UnsafeRawBufferPointer(start: bytes, count: count)
      if settingsAreSent { output.write(frame) } else { advertiseStreamLimit(in: frame, output) }
    }
    if let failure = libraryFailure {
      libraryFailure = nil
      throw failure
    }
    return output.wantsMore || hasSentLastGoAway
  }

  /// Writes the first SETTINGS frame with the real limit of streams in place of the one set in nghttp2.
  ///
  /// nghttp2 1.52 ends the whole connection when a peer opens one stream too many, although RFC 9113, section 5.1.2, permits
  /// refusing only that stream. Therefore nghttp2 is configured without a limit, the peer is sent the real one, and this class
  /// refuses streams itself.
  private func advertiseStreamLimit(in frame: UnsafeRawBufferPointer, _ output: any HTTP2Output) {
    let frameHeader = 9
    let isSettings =
      frame.count >= frameHeader + 6 && frame[3] == UInt8(NGHTTP2_SETTINGS.rawValue) && frame[4] == 0
    guard isSettings else { return output.write(frame) }
    settingsAreSent = true
    var copy = Array(frame)
    let limit = UInt32(clamping: limits.maxConcurrentStreams)
    for byte in 0..<4 { copy[frameHeader + 2 + byte] = UInt8(truncatingIfNeeded: limit >> (24 - 8 * byte)) }
    copy.withUnsafeBytes { output.write($0) }
  }

  /// Whether there is nothing left to read or write: after GOAWAY and the last stream, or after a failure.
  public var isFinished: Bool {
    guard let session, !hasSentLastGoAway else { return true }
    return nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0
  }

  /// Ends the connection, calling `closed(code)` on every open stream. To be called when the transport is closed.
  public func close(_ code: HTTP2Error.Code) {
    guard let session else { return }
    self.session = nil
    headersStream = nil
    // nghttp2_session_del does not report closed streams, and handlers wait for them.
    while let stream = streams.last { forget(stream, code) }
    nghttp2_session_del(session)
  }

  /// Queues the last GOAWAY, with the reason as text in its debug data (RFC 9113, section 6.8).
  private func terminate(_ error: HTTP2Error) -> HTTP2Error {
    violation = nil
    guard let session, lastGoAway == nil else { return error }
    lastGoAway = error.code
    let last = nghttp2_session_get_last_proc_stream_id(session)
    let text = Array(error.description.utf8.prefix(limits.maxGoAwayTextBytes))
    nghttp2_submit_goaway(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, error.code.rawValue, text, text.count)
    return error
  }

  /// Called when a GOAWAY was written. One that this class has not queued comes from nghttp2 itself and contains its reason.
  func goAwaySent(_ code: HTTP2Error.Code, _ text: UnsafeRawBufferPointer) {
    if lastGoAway == code { hasSentLastGoAway = true }
    guard lastGoAway == nil, code != .noError else { return }
    libraryFailure = HTTP2Error(
      code, "The peer has violated HTTP/2", evidence: String(decoding: text, as: UTF8.self))
  }

  /// Ends the connection with an error, which is sent in a GOAWAY and thrown by `receive` or `drain`. May be called from the
  /// events of a stream.
  public func fail(_ error: HTTP2Error) {
    guard violation == nil, lastGoAway == nil else { return }
    violation = error
    wantDrain()
  }

  // MARK: Connection-wide actions

  /// Announces the end of the connection to the peer while still accepting streams that are in flight (RFC 9113, section 6.8,
  /// first GOAWAY).
  public func announceShutdown() {
    guard let session else { return }
    nghttp2_submit_shutdown_notice(session)
    wantDrain()
  }

  /// Sends the final GOAWAY: only streams accepted so far are served, and the connection ends with the last of them.
  public func goAway(_ code: HTTP2Error.Code = .noError) {
    guard let session else { return }
    let last = nghttp2_session_get_last_proc_stream_id(session)
    nghttp2_submit_goaway(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, code.rawValue, nil, 0)
    wantDrain()
  }

  /// Sends a PING with a payload of eight bytes.
  public func ping(_ payload: UInt64) {
    guard let session else { return }
    withUnsafeBytes(of: payload.bigEndian) { bytes in
      _ = nghttp2_submit_ping(
        session, UInt8(NGHTTP2_FLAG_NONE.rawValue), bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
    wantDrain()
  }

  /// Opens a stream with a request. If `body` is false, the headers end the stream. Clients only.
  ///
  /// - Throws: if no more streams can be opened on this connection.
  public func request(_ stream: HTTP2Stream, _ headers: HTTP2Headers, body: Bool) throws(HTTP2Error) {
    guard let session, peerGoAway == nil else {
      throw HTTP2Error(.refusedStream, "The connection is closing", hint: "open a new one")
    }
    let user = Unmanaged.passUnretained(stream).toOpaque()
    let id = headers.withFields { fields, count in
      withUnsafePointer(to: HTTP2Callbacks.bodyProvider) { provider in
        nghttp2_submit_request(session, nil, fields, count, body ? provider : nil, user)
      }
    }
    guard id > 0 else { throw HTTP2Error.library(Int(id), doing: "opening a stream") }
    adopt(stream, id)
    wantDrain()
  }

  /// Asks the owner to drain, unless the call comes from within the session, after which it drains anyway.
  func wantDrain() {
    if !isInsideSession { delegate.connectionWantsDrain() }
  }
}
