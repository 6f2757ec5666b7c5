import Access
import Coordinator
import Engines
import GRPC
import NIOCore
import Wire

extension CoordinatorService {
  /// Largest piece of a large result, in bytes.
  private static let pieceBytes = 4 << 20
  /// Largest piece of a result in a file, in bytes: half of the smallest share of a connection.
  private static let filePieceBytes = 128 << 10

  /// Adds the method that runs steps.
  func addStepMethods(to service: inout GRPCService) {
    service.bidirectional(
      "RunStep", decode: .bytes, encode: .stepAnswer
    ) { (requests, writer, context) in
      try await answering { try await runStep(requests, writer, Caller(context)) }
    }
  }

  private func runStep(
    _ requests: RequestStream<ByteBuffer>, _ writer: ResponseWriter<StepMessage>, _ caller: Caller
  ) async throws {
    var iterator = requests.makeAsyncIterator()
    let begun = try await begin(&iterator, caller)
    var answer = try StepAnswer(try await outcome(of: begun, &iterator))
    try await answer.moveToFiles(unless: { await writer.hold($0) }, { try await spooler.keep($0, for: begun.session) })
    try await send(answer, to: writer)
  }

  /// Receives the rest of a step and runs it.
  private func outcome(
    of begun: Begun, _ iterator: inout RequestStream<ByteBuffer>.AsyncIterator
  ) async throws -> StepOutcome {
    do {
      let head = try begun.head.get()
      let spools = try await spooler.receive(begun.assembly, from: &iterator, for: begun.session)
      let step = ReceivedStep(head: head, tables: begun.assembly.tables, spools: spools)
      // The files of the tables must exist until the step that loads them has ended.
      defer { withExtendedLifetime(spools) {} }
      return try await begun.session.run(step)
    } catch let error as EngineError {
      var failed = StepOutcome()
      failed.failure = (begun.firstKey, error)
      return failed
    }
  }

  /// What is known of a step when its head was received, without the operations.
  private struct Begun {
    let session: Session
    let assembly: StepAssembly
    /// The key of its first operation.
    let firstKey: String
    let head: Result<ReceivedStep.Head, EngineError>
  }

  /// Receives the head of a step.
  private func begin(
    _ requests: inout RequestStream<ByteBuffer>.AsyncIterator, _ caller: Caller
  ) async throws -> Begun {
    guard let first = try await requests.next(), case .head(let head) = try await ReceivedStepMessage(first).content
    else {
      throw StepAssembly.Violation(message: "a step must begin with a head, but none was received")
    }
    let session = try coordinator.sessionForWork(head.sessionID, for: caller)
    return Begun(
      session: session, assembly: StepAssembly(head.dag.operations), firstKey: head.dag.operations.first?.key ?? "",
      head: try await spooler.keep(first, for: session))
  }

  private func send(_ answer: StepAnswer, to writer: ResponseWriter<StepMessage>) async throws {
    try await writer.write(StepMessage(.head(answer.head)))
    for body in answer.bodies {
      switch body {
      case .bytes(let result):
        try await send(result.count, to: writer) { range in await Self.copy(range, of: result) }
      case .file(let spool):
        try await send(spool.byteCount, to: writer, by: Self.filePieceBytes) { range in
          // Others may have the room that this result did not get.
          while await !writer.hold(range.count) { try await Task.sleep(for: .milliseconds(20)) }
          return try await spooler.read(range, of: spool)
        }
      case .stream(let stream): try await send(stream, to: writer)
      }
    }
  }

  private func send(_ stream: ResultStream, to writer: ResponseWriter<StepMessage>) async throws {
    while let piece = try await stream.next() {
      let bytes = ByteBuffer(piece.bytes)
      let body = RunStepResponseBody(hasNext: !piece.isLast, chunk: 0..<bytes.readableBytes)
      try await writer.write(StepMessage(.body(body), piece: bytes))
    }
  }

  /// Sends a result of this many bytes in pieces.
  private func send(
    _ count: Int, to writer: ResponseWriter<StepMessage>, by pieceBytes: Int = pieceBytes,
    _ piece: (Range<Int>) async throws -> ByteBuffer
  ) async throws {
    var start = 0
    repeat {
      let end = min(start + pieceBytes, count)
      let body = RunStepResponseBody(hasNext: end < count, chunk: 0..<(end - start))
      try await writer.write(StepMessage(.body(body), piece: try await piece(start..<end)))
      start = end
    } while start < count
  }

  /// Copies a part of a result; megabytes away from the event loop.
  private static func copy(_ range: Range<Int>, of result: [UInt8]) async -> ByteBuffer {
    let copy: @Sendable () -> ByteBuffer = {
      result.withUnsafeBytes { ByteBuffer(bytes: UnsafeRawBufferPointer(rebasing: $0[range])) }
    }
    return range.count > 256 << 10 ? await Task.detached { copy() }.value : copy()
  }
}

extension ByteBuffer {
  /// Makes a buffer of the bytes; copies them only if they are not already in one.
  fileprivate init(_ bytes: any ResultBytes) {
    if let buffer = bytes.buffer as? ByteBuffer {
      self = buffer
    } else {
      self = bytes.withBytes { ByteBuffer(bytes: $0) }
    }
  }
}

/// A message of a step's answer. The piece of a large result is not copied until it is sent.
struct StepMessage: Sendable {
  let content: RunStepResponse
  let piece: ByteBuffer

  init(_ content: RunStepResponse, piece: ByteBuffer = ByteBuffer()) {
    self.content = content
    self.piece = piece
  }
}

extension MessageEncoder where Message == StepMessage {
  /// Encodes the message, followed by its piece without copying it.
  static var stepAnswer: MessageEncoder {
    .slices { message in
      var buffer = ByteBuffer()
      pack(message.content, into: &buffer)
      return [buffer, message.piece]
    }
  }
}
