import CNghttp2

/// The side of a connection.
public enum HTTP2Role: Sendable {
  /// Accepts streams.
  case server
  /// Opens streams.
  case client
}

/// What a connection asks of its owner.
public protocol HTTP2ConnectionDelegate: AnyObject {
  /// The peer opens a stream: make the object that will receive its events. Servers only.
  func acceptStream() -> HTTP2Stream
  /// There is something to drain, outside of `receive`.
  func connectionWantsDrain()
}

/// One HTTP/2 connection (RFC 9113) around an nghttp2 session, without any transport: the owner feeds bytes in and
/// drains bytes out. Server and client share it.
///
/// Confined to one thread. `receive`, `drain` and `close` must not be called from inside the events of a stream.
public final class HTTP2Connection {
  /// The side this end plays.
  public let role: HTTP2Role
  /// The bounds in force.
  public let limits: HTTP2Limits
  /// Streams that are open, in no particular order.
  public private(set) var streams = ContiguousArray<HTTP2Stream>()
  /// Whether the peer's first SETTINGS have arrived, which end its preface.
  public internal(set) var hasPeerPreface = false
  /// Streams the peer has opened so far.
  public internal(set) var acceptedStreams = 0
  /// The code of the peer's GOAWAY, once it has sent one: no new stream will be served on this connection.
  public internal(set) var peerGoAway: HTTP2Error.Code?
  /// Called with the payload of each PING that the peer has acknowledged.
  public var onPingAcknowledged: ((UInt64) -> Void)?

  unowned let delegate: any HTTP2ConnectionDelegate
  /// nil once closed. Everything that can arrive late (handlers of other threads) checks it.
  private var session: OpaquePointer?
  var output: (any HTTP2Output)?
  var now: UInt64 = 0
  var controlBudget: ControlFrameBudget
  /// Set by a callback that has returned a fatal error to nghttp2; says why.
  var violation: HTTP2Error?
  /// The stream whose header list is being received.
  var headersStream: HTTP2Stream?
  private var arrivedBytes = 0
  private var isInsideSession = false
  private var settingsAreSent = false

  /// Starts a session; its SETTINGS wait to be drained.
  public init(role: HTTP2Role, limits: HTTP2Limits, delegate: any HTTP2ConnectionDelegate) {
    self.role = role
    self.limits = limits
    self.delegate = delegate
    controlBudget = ControlFrameBudget(burst: limits.controlFrameBurst, perSecond: limits.controlFramesPerSecond)
    open()
  }

  deinit {
    // Streams are told in close(). An owner that forgot must leave neither them nor nghttp2 with pointers to us.
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
    nghttp2_option_set_max_continuations(option, limits.maxContinuations)
    nghttp2_option_set_stream_reset_rate_limit(option, UInt64(limits.resetBurst), UInt64(limits.resetsPerSecond))
    // A client may send a header list as long as the peer allows; the default of the library is 64 KiB.
    nghttp2_option_set_max_send_header_block_length(option, 1 << 24)

    // The library keeps this pointer until session_del, which runs no later than our deinit.
    let user = Unmanaged.passUnretained(self).toOpaque()
    let result =
      role == .server
      ? nghttp2_session_server_new2(&session, HTTP2Callbacks.shared.pointer, user, option)
      : nghttp2_session_client_new2(&session, HTTP2Callbacks.shared.pointer, user, option)
    guard result == 0 else { fatalError("nghttp2: out of memory") }
    submitSettings()
  }

  /// The first entry is MAX_CONCURRENT_STREAMS: `drain` finds it there. See `advertiseStreamLimit`.
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
      // Spares both sides the dependency tree of RFC 7540 (RFC 9218 section 2.1).
      entries.append(
        nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES.rawValue), value: 1))
    } else {
      entries.append(nghttp2_settings_entry(settings_id: Int32(NGHTTP2_SETTINGS_ENABLE_PUSH.rawValue), value: 0))
    }
    nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), entries, entries.count)
    nghttp2_session_set_local_window_size(
      session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, Int32(clamping: limits.connectionWindowBytes))
  }

  // MARK: Bytes in, bytes out

  /// Feeds bytes from the peer at the time `now` (nanoseconds of a monotonic clock). Events of streams run inside.
  ///
  /// - Throws: the reason why the connection is lost. Drain once more (a GOAWAY waits), then close.
  public func receive(_ bytes: UnsafeRawBufferPointer, now: UInt64) throws(HTTP2Error) {
    guard let session else { return }
    self.now = now
    isInsideSession = true
    let taken = nghttp2_session_mem_recv(session, bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
    isInsideSession = false
    creditConnection()
    if let violation { throw terminate(violation) }
    if taken < 0 { throw terminate(HTTP2Error.library(taken, doing: "reading")) }
    let queued = nghttp2_session_get_outbound_queue_size(session)
    if queued > limits.maxQueuedFrames {
      throw terminate(
        HTTP2Error(.enhanceYourCalm, "The peer asks but does not read", evidence: "\(queued) frames wait to be sent"))
    }
  }

  /// The connection's window is credited once per `receive`, not once per chunk.
  private func creditConnection() {
    guard arrivedBytes > 0 else { return }
    nghttp2_session_consume_connection(session, arrivedBytes)
    arrivedBytes = 0
  }

  /// Hands everything that may be sent now to `output`, as long as it wants more.
  ///
  /// - Returns: whether that was all; otherwise drain again when the output has room.
  /// - Throws: the reason why the connection is lost.
  public func drain(into output: any HTTP2Output) throws(HTTP2Error) -> Bool {
    guard let session else { return true }
    self.output = output
    isInsideSession = true
    defer {
      isInsideSession = false
      self.output = nil
    }
    while output.wantsMore {
      var bytes: UnsafePointer<UInt8>?
      let count = nghttp2_session_mem_send(session, &bytes)
      if count < 0 { throw violation ?? HTTP2Error.library(count, doing: "writing") }
      if count == 0 { return output.wantsMore }
      let frame = UnsafeRawBufferPointer(start: bytes, count: count)
      if settingsAreSent { output.write(frame) } else { advertiseStreamLimit(in: frame, output) }
    }
    return false
  }

  /// Writes the first SETTINGS with our stream limit in place of the one nghttp2 knows.
  ///
  /// nghttp2 1.52 ends the whole connection when a peer opens one stream too many, where RFC 9113 section 5.1.2 lets
  /// us refuse just that stream. So the library is told "no limit", the peer is told ours, and we refuse ourselves.
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

  /// Whether nothing is left to read or to write: after GOAWAY and the last stream, or after a failure.
  public var isFinished: Bool {
    guard let session else { return true }
    return nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0
  }

  /// Ends the connection: every open stream gets `closed(code)`. Call it when the transport is gone.
  public func close(_ code: HTTP2Error.Code) {
    guard let session else { return }
    self.session = nil
    headersStream = nil
    // nghttp2_session_del tells nobody, so we do (a handler waits behind each stream).
    while let stream = streams.last { forget(stream, code) }
    nghttp2_session_del(session)
  }

  private func terminate(_ error: HTTP2Error) -> HTTP2Error {
    violation = nil
    if let session { nghttp2_session_terminate_session(session, error.code.rawValue) }
    return error
  }

  // MARK: Connection-wide actions

  /// Tells the peer that the end is near while streams under way on the network are still accepted
  /// (RFC 9113 section 6.8, first GOAWAY).
  public func announceShutdown() {
    guard let session else { return }
    nghttp2_submit_shutdown_notice(session)
    wantDrain()
  }

  /// The final GOAWAY: no stream after those already accepted is served. The connection finishes with the last one.
  public func goAway(_ code: HTTP2Error.Code = .noError) {
    guard let session else { return }
    let last = nghttp2_session_get_last_proc_stream_id(session)
    nghttp2_submit_goaway(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), last, code.rawValue, nil, 0)
    wantDrain()
  }

  /// Sends a PING with eight bytes of payload.
  public func ping(_ payload: UInt64) {
    guard let session else { return }
    withUnsafeBytes(of: payload.bigEndian) { bytes in
      _ = nghttp2_submit_ping(
        session, UInt8(NGHTTP2_FLAG_NONE.rawValue), bytes.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
    wantDrain()
  }

  /// Opens a stream with a request; `body` false ends it with the headers. Clients only.
  ///
  /// - Throws: when no more streams can be opened on this connection.
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

  /// Tells the owner to drain, unless it is inside the session and will do so anyway.
  private func wantDrain() {
    if !isInsideSession { delegate.connectionWantsDrain() }
  }
}

// MARK: - Streams, for HTTP2Stream and the callbacks

extension HTTP2Connection {
  func adopt(_ stream: HTTP2Stream, _ id: Int32) {
    stream.id = id
    stream.connection = self
    stream.index = streams.count
    streams.append(stream)
  }

  /// The peer opened a stream. False: it is one too many.
  func accept(_ id: Int32) -> Bool {
    guard streams.count < limits.maxConcurrentStreams else { return false }
    let stream = delegate.acceptStream()
    adopt(stream, id)
    acceptedStreams += 1
    nghttp2_session_set_stream_user_data(session, id, Unmanaged.passUnretained(stream).toOpaque())
    return true
  }

  /// Takes the stream out of the list by putting the last one in its place, then tells it.
  func forget(_ stream: HTTP2Stream, _ code: HTTP2Error.Code) {
    let index = stream.index
    let last = streams.removeLast()
    if last !== stream {
      streams[index] = last
      last.index = index
    }
    stream.index = -1
    stream.isDeferred = false
    stream.connection = nil
    stream.closed(code)
  }

  func submitResponse(_ stream: HTTP2Stream, _ fields: UnsafePointer<nghttp2_nv>?, _ count: Int, body: Bool) {
    guard let session else { return }
    withUnsafePointer(to: HTTP2Callbacks.bodyProvider) { provider in
      _ = nghttp2_submit_response(session, stream.id, fields, count, body ? provider : nil)
    }
    wantDrain()
  }

  func submitTrailers(_ stream: HTTP2Stream, _ fields: UnsafePointer<nghttp2_nv>?, _ count: Int) {
    guard let session else { return }
    nghttp2_submit_trailer(session, stream.id, fields, count)
    wantDrain()
  }

  func resume(_ stream: HTTP2Stream) {
    guard let session else { return }
    nghttp2_session_resume_data(session, stream.id)
    wantDrain()
  }

  func submitReset(_ id: Int32, _ code: HTTP2Error.Code) {
    guard let session else { return }
    nghttp2_submit_rst_stream(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, code.rawValue)
    wantDrain()
  }

  func consume(_ count: Int, stream id: Int32) {
    guard let session else { return }
    nghttp2_session_consume_stream(session, id, count)
    wantDrain()
  }

  func setWindow(_ bytes: Int, stream id: Int32) {
    guard let session else { return }
    nghttp2_session_set_local_window_size(
      session, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, Int32(clamping: bytes))
    wantDrain()
  }

  func isPeerSending(_ id: Int32) -> Bool {
    guard let session else { return false }
    return nghttp2_session_get_stream_remote_close(session, id) == 0
  }

  func arrived(_ count: Int) {
    arrivedBytes += count
    controlBudget.earn()
  }
}
