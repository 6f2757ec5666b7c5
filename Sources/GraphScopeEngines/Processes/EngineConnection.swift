import Engines
import GRPC
import HTTP2
import NIOCore
import Transport
import Wire

/// A connection to a session's analytical engine, as a client of `gs.rpc.EngineService`.
struct EngineConnection: Sendable {
  private let client: GRPCClient
  private let session: String

  /// The maximum length, in characters, of an error text that is passed on.
  private static let maximumErrorText = 3072
  /// Messages above this size, in bytes, are decoded outside the event loop's threads.
  private static let largeBytes = 1 << 20

  /// Creates a connection that is established by the first call.
  init(host: String = "127.0.0.1", port: UInt16, session: String) {
    var limits = ClientLimits()
    // The engine reports a failure in the trailers, with a stack trace.
    limits.http2.maxHeaderListBytes = 1 << 20
    limits.http2.absurdHeaderListBytes = 4 << 20
    client = GRPCClient(to: .tcp(host: host, port: Int(port)), limits: limits)
    self.session = session
  }

  /// The engine's answer to one operation: its result, and the large result that follows, if there is one.
  struct Answer: Sendable {
    let result: OpResult
    let stream: ResultStream?
  }

  /// Performs one operation on the engine. Payloads are read from files while they are sent.
  /// - Throws: `EngineError`; the call's `GRPCStatus` when the engine cannot be reached; `CancellationError`.
  func perform(_ operation: OpDef, payloads: [SpooledData] = []) async throws -> Answer {
    for _ in 0..<Self.retries {
      do { return try await attempt(operation, payloads) } catch let status as GRPCStatus where status.isUnprocessed {}
    }
    return try await attempt(operation, payloads)
  }

  /// How often an operation is sent again that the engine refused to begin.
  private static let retries = 2

  private func attempt(_ operation: OpDef, _ payloads: [SpooledData]) async throws -> Answer {
    do {
      let (requests, responses) = try await client.bidirectional(
        "/gs.rpc.EngineService/RunStep", encode: .stepRequest, decode: .bytes)
      let head = RunStepRequestHead(sessionID: session, dag: DagDef(operations: [operation]))
      try await requests.write(StepRequest(.head(head)))
      for payload in payloads { try await send(payload, of: operation.key, to: requests) }
      requests.finish()
      var reader = responses.makeAsyncIterator()
      guard let first = try await reader.next(), case .head(let answer) = try await Self.decode(first) else {
        throw EngineError(.engineFailure, "the engine answered without a head")
      }
      let result = try Self.result(of: answer)
      if result.hasLargeResult {
        let rest = ResponseReader(responses: responses)
        return Answer(result: result, stream: ResultStream { try await rest.next() })
      }
      // The engine reports the outcome in the status; the head looks the same for success and failure.
      guard try await reader.next() == nil else {
        throw EngineError(.engineFailure, "the engine sent a result that it had not announced")
      }
      return Answer(result: result, stream: nil)
    } catch let status as GRPCStatus {
      throw Self.translated(status)
    }
  }

  /// Returns whether an engine answers at an address within two seconds.
  static func answers(_ host: String, _ port: UInt16) async -> Bool {
    let client = GRPCClient(to: .tcp(host: host, port: Int(port)), limits: ClientLimits())
    // The empty request of a heartbeat has no bytes.
    let answer = try? await client.unary(
      "/gs.rpc.EngineService/HeartBeat", ByteBuffer(), encode: .bytes, decode: .bytes,
      options: CallOptions(timeout: .seconds(2)))
    await client.close()
    return answer != nil
  }

  /// Closes the connection.
  func close() async { await client.close() }

  // MARK: Requests

  private func send(
    _ payload: SpooledData, of key: String, to requests: RequestWriter<StepRequest>
  ) async throws {
    let file = try PayloadFile(payload)
    var offset = 0
    repeat {
      let piece = try await file.read(at: offset, count: min(EngineCommands.pieceBytes, payload.byteCount - offset))
      offset += piece.readableBytes
      let body = RunStepRequestBody(
        operationKey: key, hasNext: offset < payload.byteCount, chunk: 0..<piece.readableBytes)
      try await requests.write(StepRequest(.body(body), piece: piece))
    } while offset < payload.byteCount
  }

  // MARK: Answers

  private static func result(of head: RunStepResponseHead) throws(EngineError) -> OpResult {
    guard head.code == .ok else { throw failure(head.errorMessage) }
    guard let result = head.results.first else {
      throw EngineError(.engineFailure, "the engine answered without a result")
    }
    return result
  }

  fileprivate static func decode(_ bytes: ByteBuffer) async throws -> RunStepResponse {
    let read: @Sendable () throws -> RunStepResponse = {
      try bytes.withUnsafeReadableBytes { raw in try RunStepResponse.decode(raw) }
    }
    return bytes.readableBytes > largeBytes ? try await Task.detached { try read() }.value : try read()
  }

  // MARK: Failures

  /// Translates the status of a failed operation to an error. Returns any other status, which concerns the call itself,
  /// unchanged.
  fileprivate static func translated(_ status: GRPCStatus) -> any Error {
    switch status.code {
    case .internal, .unknown, .invalidArgument, .aborted: failure(status.message)
    case .cancelled where Task.isCancelled: CancellationError()
    default: status
    }
  }

  private static func failure(_ text: String) -> EngineError {
    let bounded =
      text.count > maximumErrorText ? "\(text.prefix(1024)) ... [truncated]" : text
    return EngineError(.engineFailure, bounded.isEmpty ? "the engine failed without a reason" : bounded)
  }
}

/// Reads what follows the head of an answer. The call is cancelled when the last reference to the reader is released.
private struct ResponseReader: Sendable {
  let responses: ResponseStream<ByteBuffer>

  func next() async throws -> ResultStream.Piece? {
    do {
      // Iterators of one call share their position in it.
      var iterator = responses.makeAsyncIterator()
      guard let bytes = try await iterator.next() else { return nil }
      guard case .body(let body) = try await EngineConnection.decode(bytes) else {
        throw EngineError(.engineFailure, "the engine sent a second head")
      }
      let chunk = bytes.getSlice(at: bytes.readerIndex + body.chunk.lowerBound, length: body.chunk.count)
      return ResultStream.Piece(bytes: chunk ?? ByteBuffer(), isLast: !body.hasNext)
    } catch let status as GRPCStatus {
      throw EngineConnection.translated(status)
    }
  }
}

/// Pieces of results stay in the buffers in which they arrived.
extension ByteBuffer: ResultBytes {
  /// The buffer itself.
  public var buffer: any Sendable { self }

  /// The number of readable bytes.
  public var byteCount: Int { readableBytes }

  /// Calls `body` with the readable bytes.
  public func withBytes<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try withUnsafeReadableBytes(body)
  }
}

/// A message of a step's request. The data is not copied until it is sent.
struct StepRequest: Sendable {
  let content: RunStepRequest
  let piece: ByteBuffer

  init(_ content: RunStepRequest, piece: ByteBuffer = ByteBuffer()) {
    self.content = content
    self.piece = piece
  }
}

extension MessageEncoder where Message == StepRequest {
  /// Encodes the message, followed by its data without a copy.
  static var stepRequest: MessageEncoder {
    .slices { message in
      let head = message.content.encoded { encoded in
        var buffer = ByteBuffer()
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: encoded.byteCount) { memory in
          if let base = memory.baseAddress { encoded.pack(into: base) }
          return encoded.byteCount
        }
        return buffer
      }
      return [head, message.piece]
    }
  }
}
