import Access
import Coordinator
import Engines
import GRPC
import NIOCore
import Wire

extension CoordinatorService {
  /// Largest piece of a large result, in bytes.
  private static let pieceBytes = 4 << 20

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
    let outcome: StepOutcome
    do {
      let head = try begun.head.get()
      let spools = try await spooler.receive(begun.assembly, from: &iterator, for: begun.session)
      let step = ReceivedStep(head: head, tables: begun.assembly.tables, spools: spools)
      // The files of the tables must exist until the step that loads them has ended.
      defer { withExtendedLifetime(spools) {} }
      outcome = try await begun.session.run(step)
    } catch let error as EngineError {
      var failed = StepOutcome()
      failed.failure = (begun.firstKey, error)
      outcome = failed
    }
    try await send(try StepAnswer(outcome), to: writer)
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
      case .bytes(let result): try await send(result, to: writer)
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

  private func send(_ result: [UInt8], to writer: ResponseWriter<StepMessage>) async throws {
    // Copying hundreds of megabytes must not block the event loop.
    let whole =
      if result.count > Self.pieceBytes { await Task.detached { ByteBuffer(bytes: result) }.value } else {
        ByteBuffer(bytes: result)
      }
    var start = 0
    repeat {
      let end = min(start + Self.pieceBytes, whole.writerIndex)
      // Not a slice: a slice that begins beyond 16 MiB is copied.
      var piece = whole
      piece.moveWriterIndex(to: end)
      piece.moveReaderIndex(to: start)
      let body = RunStepResponseBody(hasNext: end < whole.writerIndex, chunk: 0..<piece.readableBytes)
      try await writer.write(StepMessage(.body(body), piece: piece))
      start = end
    } while start < whole.writerIndex
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
