import CNghttp2

// @unchecked: the table is filled once, in init, and not modified afterwards; nghttp2 copies it into each session.
/// The nghttp2 callbacks shared by all sessions. The user data of a session is its connection.
struct HTTP2Callbacks: @unchecked Sendable {
  static let shared = HTTP2Callbacks()
  let pointer: OpaquePointer

  /// Provides the body of every stream. The source pointer is unused because each stream is its own user data.
  static var bodyProvider: nghttp2_data_provider {
    nghttp2_data_provider(source: nghttp2_data_source(ptr: nil), read_callback: readBody)
  }

  private init() {
    var table: OpaquePointer?
    guard nghttp2_session_callbacks_new(&table) == 0, let table else { fatalError("nghttp2: out of memory") }
    nghttp2_session_callbacks_set_on_begin_headers_callback(table, beginHeaders)
    nghttp2_session_callbacks_set_on_header_callback(table, receiveHeader)
    nghttp2_session_callbacks_set_on_begin_frame_callback(table, beginFrame)
    nghttp2_session_callbacks_set_on_frame_recv_callback(table, receiveFrame)
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, receiveData)
    nghttp2_session_callbacks_set_on_stream_close_callback(table, closeStream)
    nghttp2_session_callbacks_set_on_frame_send_callback(table, frameSent)
    nghttp2_session_callbacks_set_on_frame_not_send_callback(table, frameNotSent)
    nghttp2_session_callbacks_set_send_data_callback(table, sendData)
    nghttp2_session_callbacks_set_data_source_read_length_callback(table, readLength)
    pointer = table
  }
}

private func connection(_ user: UnsafeMutableRawPointer?) -> HTTP2Connection {
  // The pointer was made from the connection, which deletes the session before it is deinitialized.
  Unmanaged<HTTP2Connection>.fromOpaque(user!).takeUnretainedValue()
}

private func stream(_ session: OpaquePointer?, _ id: Int32) -> HTTP2Stream? {
  // The connection keeps every stream in its list until nghttp2 has closed it.
  nghttp2_session_get_stream_user_data(session, id).map {
    Unmanaged<HTTP2Stream>.fromOpaque($0).takeUnretainedValue()
  }
}

private let goOn: Int32 = 0

extension HTTP2Connection {
  /// The return value of callbacks: a connection that has failed stops reading.
  fileprivate var verdict: Int32 { violation == nil ? goOn : Int32(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
}

private let beginHeaders: nghttp2_on_begin_headers_callback = { session, frame, user in
  let frame = frame!.pointee
  let owner = connection(user)
  if frame.headers.cat == NGHTTP2_HCAT_REQUEST && !owner.accept(frame.hd.stream_id) {
    owner.submitReset(frame.hd.stream_id, .refusedStream)
  }
  // No other frame can come between these headers and their end (RFC 9113, section 6.10), so one look-up is enough.
  owner.headersStream = stream(session, frame.hd.stream_id)
  owner.headersStream?.headerListBytes = 0
  return owner.verdict
}

private let receiveHeader: nghttp2_on_header_callback = {
  session, frame, name, nameLength, value, valueLength, _, user in
  let owner = connection(user)
  guard let stream = owner.headersStream else { return goOn }
  let before = stream.headerListBytes
  stream.headerListBytes += nameLength + valueLength + 32
  if stream.headerListBytes <= owner.limits.maxHeaderListBytes {
    stream.receiveHeader(
      name: UnsafeBufferPointer(start: name, count: nameLength),
      value: UnsafeBufferPointer(start: value, count: valueLength))
  } else if before <= owner.limits.maxHeaderListBytes {
    stream.receiveOversizedHeaders()
  } else if stream.headerListBytes > owner.limits.absurdHeaderListBytes {
    owner.fail(
      HTTP2Error(.enhanceYourCalm, "A header list is too long", evidence: "over \(stream.headerListBytes) bytes"))
  }
  return owner.verdict
}

/// The number of streams whose windows can be changed for the cost of one frame.
private let streamsPerToken = 64

/// Limits frames that cost work but carry no payload, before their payload is read.
private let beginFrame: nghttp2_on_begin_frame_callback = { _, header, user in
  let owner = connection(user)
  let header = header!.pointee
  let endOfStream = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
  let carriesNothing =
    switch UInt32(header.type) {
    case NGHTTP2_DATA.rawValue: header.length == 0 && !endOfStream
    case NGHTTP2_HEADERS.rawValue, NGHTTP2_CONTINUATION.rawValue, NGHTTP2_RST_STREAM.rawValue: false
    case NGHTTP2_WINDOW_UPDATE.rawValue, NGHTTP2_GOAWAY.rawValue: false
    default: true
    }
  // SETTINGS may change the window of every open stream.
  let cost = header.type == UInt8(NGHTTP2_SETTINGS.rawValue) ? 1 + owner.streams.count / streamsPerToken : 1
  if carriesNothing && !owner.controlBudget.spend(cost, now: owner.now) {
    owner.fail(
      HTTP2Error(.enhanceYourCalm, "Too many frames without content", evidence: "frame type \(header.type)"))
  }
  if header.type == UInt8(NGHTTP2_RST_STREAM.rawValue), owner.role == .server, !owner.resetBudget.spend(now: owner.now)
  {
    owner.fail(HTTP2Error(.enhanceYourCalm, "A flood of streams that are opened and reset"))
  }
  return owner.verdict
}

private let receiveFrame: nghttp2_on_frame_recv_callback = { session, frame, user in
  let header = frame!.pointee.hd
  let endOfStream = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
  switch UInt32(header.type) {
  case NGHTTP2_HEADERS.rawValue:
    let owner = connection(user)
    let isShortened = owner.takeShortened(header.stream_id)
    guard let stream = owner.headersStream else { return goOn }
    owner.headersStream = nil
    if isShortened && stream.headerListBytes <= owner.limits.maxHeaderListBytes { stream.receiveOversizedHeaders() }
    owner.controlBudget.earn()
    stream.receiveHeadersEnd()
    if endOfStream { stream.receiveEnd() }
    return owner.verdict
  case NGHTTP2_DATA.rawValue:
    if endOfStream { stream(session, header.stream_id)?.receiveEnd() }
  case NGHTTP2_SETTINGS.rawValue:
    connection(user).hasPeerPreface = true
  case NGHTTP2_PING.rawValue:
    if header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0 {
      let payload = withUnsafeBytes(of: frame!.pointee.ping.opaque_data) { $0.loadUnaligned(as: UInt64.self) }
      connection(user).onPingAcknowledged?(UInt64(bigEndian: payload))
    }
  case NGHTTP2_GOAWAY.rawValue:
    connection(user).peerGoAway = HTTP2Error.Code(rawValue: frame!.pointee.goaway.error_code)
  default: break
  }
  return goOn
}

private let receiveData: nghttp2_on_data_chunk_recv_callback = { session, _, id, data, length, user in
  let owner = connection(user)
  owner.arrived(length)
  if let stream = stream(session, id) {
    stream.receiveData(UnsafeRawBufferPointer(start: data, count: length))
  }
  return owner.verdict
}

private let closeStream: nghttp2_on_stream_close_callback = { session, id, code, user in
  if let stream = stream(session, id) {
    connection(user).forget(stream, HTTP2Error.Code(rawValue: code))
  }
  return goOn
}

/// After a complete response, asks a client that is still sending to stop (RFC 9113, section 8.1).
private let frameSent: nghttp2_on_frame_send_callback = { session, frame, user in
  let header = frame!.pointee.hd
  if header.type == UInt8(NGHTTP2_GOAWAY.rawValue) {
    let goAway = frame!.pointee.goaway
    connection(user).goAwaySent(
      HTTP2Error.Code(rawValue: goAway.error_code),
      UnsafeRawBufferPointer(start: goAway.opaque_data, count: goAway.opaque_data_len))
  }
  let endOfStream = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
  guard endOfStream, header.type == UInt8(NGHTTP2_HEADERS.rawValue) || header.type == UInt8(NGHTTP2_DATA.rawValue)
  else { return goOn }
  let owner = connection(user)
  if owner.role == .server && owner.isPeerSending(header.stream_id) { owner.submitReset(header.stream_id, .noError) }
  return goOn
}

/// Resets a stream whose headers could not be encoded; otherwise it would never end.
private let frameNotSent: nghttp2_on_frame_not_send_callback = { session, frame, _, user in
  let frame = frame!.pointee
  if frame.hd.type == UInt8(NGHTTP2_HEADERS.rawValue), frame.headers.cat != NGHTTP2_HCAT_REQUEST,
    stream(session, frame.hd.stream_id) != nil
  {
    connection(user).submitReset(frame.hd.stream_id, .internalError)
  }
  return goOn
}

private let readLength: nghttp2_data_source_read_length_callback = {
  _, _, _, connectionWindow, streamWindow, maxFrame, _ in
  min(Int(connectionWindow), Int(streamWindow), Int(maxFrame), 64 * 1024)
}

private let readBody: nghttp2_data_source_read_callback = { session, id, _, limit, flags, _, _ in
  guard let stream = stream(session, id) else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
  switch stream.nextBodyStep(limit: limit) {
  case .wait:
    stream.isDeferred = true
    return Int(NGHTTP2_ERR_DEFERRED.rawValue)
  case .bytes(let count):
    flags!.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue
    return count
  case .lastBytes(let count):
    flags!.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue | NGHTTP2_DATA_FLAG_EOF.rawValue
    return count
  case .bytesThenTrailers(let count):
    let end = NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
    flags!.pointee |= NGHTTP2_DATA_FLAG_NO_COPY.rawValue | end
    stream.submitTrailers()
    return count
  }
}

private let sendData: nghttp2_send_data_callback = { session, frame, frameHeader, length, _, user in
  let owner = connection(user)
  guard let output = owner.output, output.wantsMore else { return Int32(NGHTTP2_ERR_WOULDBLOCK.rawValue) }
  guard let stream = stream(session, frame!.pointee.hd.stream_id) else {
    return Int32(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
  }
  owner.controlBudget.earn()
  output.write(UnsafeRawBufferPointer(start: frameHeader, count: 9))
  if length > 0 { stream.writeBody(length, to: output) }
  return goOn
}
