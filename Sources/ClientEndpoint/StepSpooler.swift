import Coordinator
import Engines
import GRPC
import NIOCore
import Synchronization
import Wire

/// Runs work that may wait for the disk, on a thread that is neither an event loop nor in the cooperative pool.
public typealias BlockingWork = @Sendable (@escaping @Sendable () throws -> Void) async throws -> Void

/// Receives the tables that follow the head of a step, and writes them to files of the session.
struct StepSpooler: Sendable {
  let blockingWork: BlockingWork

  /// Small bodies are collected up to this size, in bytes, before they are written.
  private static let writeBytes = 1 << 20

  /// The file of a table that is being received.
  private struct Pending {
    let spool: Spool
    var gathered = ByteBuffer()
  }

  /// Keeps the bytes of a head until they are needed: in memory if they are few, otherwise in a file of the session.
  /// - Returns: a failure of the step if it exceeds the tenant's quota.
  func keep(_ head: ByteBuffer, for session: Session) async throws -> Result<ReceivedStep.Head, EngineError> {
    guard head.readableBytes > ReceivedStep.memoryBytes else { return .success(.memory(head)) }
    let spool = try session.makeSpool(announcedBytes: head.readableBytes)
    do {
      try await blockingWork { try head.withUnsafeReadableBytes { try spool.append($0) } }
      return .success(.file(spool))
    } catch let error as CoordinatorError where error.code == .limitReached {
      return .failure(EngineError(.resourceExhausted, error.message))
    }
  }

  /// Writes a result to a file of the session.
  /// - Throws: `GRPCStatus` RESOURCE_EXHAUSTED if the tenant has no room for the file.
  func keep(_ result: [UInt8], for session: Session) async throws -> Spool {
    let spool = try session.makeSpool(announcedBytes: result.count)
    do {
      try await blockingWork { try result.withUnsafeBytes { try spool.append($0) } }
      return spool
    } catch let error as CoordinatorError where error.code == .limitReached {
      throw GRPCStatus(
        .resourceExhausted,
        "A result of \(result.count) bytes does not fit in memory beside the answers that wait for their readers, and not in a "
          + "file either: \(error.message)", reason: "NO_ROOM", retryAfter: .seconds(1))
    }
  }

  /// Reads a part of a file.
  func read(_ range: Range<Int>, of spool: Spool) async throws -> ByteBuffer {
    let part = Mutex(ByteBuffer())
    try await blockingWork {
      try spool.read { bytes in
        let copy = ByteBuffer(bytes: UnsafeRawBufferPointer(rebasing: bytes[range]))
        part.withLock { $0 = copy }
      }
    }
    return part.withLock { $0 }
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
        throw StepAssembly.Violation(message: "a step must have one head, but a second one was received")
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

/// A message of a step's request stream, with the bytes that it was received in, so that chunks are not copied.
struct ReceivedStepMessage: Sendable {
  let content: RunStepRequest
  private let bytes: ByteBuffer

  /// Larger messages, in bytes, are decoded away from the event loop.
  private static let largeBytes = 1 << 20

  init(_ buffer: ByteBuffer) async throws {
    bytes = buffer
    let decode: @Sendable () throws -> RunStepRequest = {
      try buffer.withUnsafeReadableBytes { bytes in try RunStepRequest.decode(bytes) }
    }
    content =
      if buffer.readableBytes > Self.largeBytes { try await Task.detached { try decode() }.value } else { try decode() }
  }

  /// Returns a part of the message without copying it.
  func chunk(_ range: Range<Int>) -> ByteBuffer {
    bytes.getSlice(at: bytes.readerIndex + range.lowerBound, length: range.count) ?? ByteBuffer()
  }
}
