import CNghttp2

/// The actions on streams, for `HTTP2Stream` and the callbacks.
extension HTTP2Connection {
  func adopt(_ stream: HTTP2Stream, _ id: Int32) {
    stream.id = id
    stream.connection = self
    stream.index = streams.count
    streams.append(stream)
  }

  /// Accepts a stream opened by the peer. Returns false if a limit is reached.
  func accept(_ id: Int32) -> Bool {
    guard violation == nil, streams.count < limits.maxConcurrentStreams, let stream = delegate.acceptStream() else {
      refusedStreams += 1
      if !refusalBudget.spend(now: now) {
        fail(HTTP2Error(.enhanceYourCalm, "The peer opened more streams than this side allows"))
      }
      return false
    }
    adopt(stream, id)
    acceptedStreams += 1
    nghttp2_session_set_stream_user_data(session, id, Unmanaged.passUnretained(stream).toOpaque())
    return true
  }

  /// Removes a stream from the list, moving the last one to its place, then notifies the stream.
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
    uncreditedBytes += count
    controlBudget.earn()
  }
}
