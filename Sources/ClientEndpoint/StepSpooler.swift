import Coordinator
import Engines
import GRPC
import NIOCore
import Wire

/// Runs work that may wait for the disk where it blocks neither an event loop nor the cooperative pool.
public typealias BlockingWork = @Sendable (@escaping @Sendable () throws -> Void) async throws -> Void

/// Takes the tables that follow the head of a step and puts them into files of the session.
struct StepSpooler: Sendable {
  let blockingWork: BlockingWork

  /// Small bodies are gathered to this size before they are written.
  private static let writeBytes = 1 << 20

  /// A table's file while it is filled.
  private struct Pending {
    let spool: Spool
    var gathered = ByteBuffer()
  }

  /// Receives all bodies.
  /// - Returns: a spool for each announced table, in order.
  func receive(
    _ assembly: StepAssembly, from requests: inout RequestStream<ByteBuffer>.AsyncIterator,
    for session: Session
  ) async throws -> [Spool] {
    var assembly = assembly
    var spools: [Spool] = []
    var pending: Pending?
    while let bytes = try await requests.next() {
      let message = try await ReceivedStepMessage(bytes)
      guard case .body(let body) = message.content else {
        throw StepAssembly.Violation(message: "a step has one head, but a second one came")
      }
      let index = try assembly.body(key: body.operationKey, byteCount: body.chunk.count, hasNext: body.hasNext)
      if index == spools.count {
        let spool = try session.makeSpool(announcedBytes: assembly.tables[index].byteCount)
        spools.append(spool)
        pending = Pending(spool: spool)
      }
      try await append(message.chunk(body.chunk), to: &pending!, isLast: !body.hasNext)
    }
    try assembly.end()
    return spools
  }

  private func append(_ chunk: ByteBuffer, to pending: inout Pending, isLast: Bool) async throws {
    if pending.gathered.readableBytes == 0 {
      pending.gathered = chunk
    } else {
      pending.gathered.writeImmutableBuffer(chunk)
    }
    guard isLast || pending.gathered.readableBytes >= Self.writeBytes else { return }
    let bytes = pending.gathered
    let spool = pending.spool
    pending.gathered = ByteBuffer()
    try await blockingWork { try bytes.withUnsafeReadableBytes { try spool.append($0) } }
  }
}

/// A message of a step's request stream with the bytes it came in, so that chunks are not copied.
struct ReceivedStepMessage: Sendable {
  let content: RunStepRequest
  private let bytes: ByteBuffer

  /// Messages of more bytes are read away from the event loop.
  private static let largeBytes = 1 << 20

  init(_ buffer: ByteBuffer) async throws {
    bytes = buffer
    let decode: @Sendable () throws -> RunStepRequest = {
      try buffer.withUnsafeReadableBytes { bytes in try RunStepRequest.decode(bytes) }
    }
    content =
      if buffer.readableBytes > Self.largeBytes { try await Task.detached { try decode() }.value } else { try decode() }
  }

  /// A part of the message, seen where it lies.
  func chunk(_ range: Range<Int>) -> ByteBuffer {
    bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count) ?? ByteBuffer()
  }
}
