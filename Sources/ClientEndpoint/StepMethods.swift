import Coordinator
import Engines
import GRPC
import NIOCore
import Wire

extension CoordinatorService {
  /// Largest piece in which a large result is sent.
  private static let pieceBytes = 4 << 20

  /// The method that runs steps.
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
    guard let first = try await iterator.next(), case .head(let head) = try await ReceivedStepMessage(first).content
    else {
      throw StepAssembly.Violation(message: "a step begins with a head, but none came")
    }
    let session = try coordinator.sessionForWork(head.sessionID, for: caller)
    let assembly = StepAssembly(head.dag.operations)
    let spools = try await spooler.receive(assembly, from: &iterator, for: session)
    let outcome: StepOutcome
    do {
      let operations = try decode(head.dag.operations, assembly.tables, spools)
      outcome = try await session.run(operations)
    } catch let error as EngineError {
      var failed = StepOutcome()
      failed.failure = (head.dag.operations.first?.key ?? "", error)
      outcome = failed
    }
    // The files of the tables must outlive the step that loads them.
    withExtendedLifetime(spools) {}
    try await send(StepAnswer(outcome), to: writer)
  }

  private func decode(
    _ operations: [OpDef], _ announced: [StepAssembly.Table], _ spools: [Spool]
  ) throws(EngineError) -> [StepOperation] {
    var steps: [StepOperation] = []
    for (index, operation) in operations.enumerated() {
      var tables: [TableSource] = []
      if operation.op == .dataSource, case .announced(let items) = operation.largeAttribute {
        for (item, meta) in items.enumerated() {
          let spool = announced.firstIndex { $0.operation == index && $0.item == item }.map { spools[$0] }
          tables.append(try TableSourceDecoder(meta, spool: spool).source())
        }
      }
      var step = try OperationDecoder(operation).step(tables: tables)
      let payloads = zip(announced, spools).filter { $0.0.operation == index }
      step.original = ClientOperation(
        operation, payloads: payloads.map { .init(path: $0.1.path, byteCount: $0.1.byteCount) })
      steps.append(step)
    }
    return steps
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
      let body = RunStepResponseBody(hasNext: !piece.isLast, chunk: 0..<piece.bytes.readableBytes)
      try await writer.write(StepMessage(.body(body), piece: piece.bytes))
    }
  }

  private func send(_ result: [UInt8], to writer: ResponseWriter<StepMessage>) async throws {
    // Copying hundreds of megabytes must not hold up the event loop.
    let whole =
      if result.count > Self.pieceBytes { await Task.detached { ByteBuffer(bytes: result) }.value } else {
        ByteBuffer(bytes: result)
      }
    var start = 0
    repeat {
      let end = min(start + Self.pieceBytes, whole.writerIndex)
      // Not a slice: those that begin beyond 16 MiB are copied.
      var piece = whole
      piece.moveWriterIndex(to: end)
      piece.moveReaderIndex(to: start)
      let body = RunStepResponseBody(hasNext: end < whole.writerIndex, chunk: 0..<piece.readableBytes)
      try await writer.write(StepMessage(.body(body), piece: piece))
      start = end
    } while start < whole.writerIndex
  }
}

/// A message of a step's answer; the piece of a large result stays where it lies until it is sent.
struct StepMessage: Sendable {
  let content: RunStepResponse
  let piece: ByteBuffer

  init(_ content: RunStepResponse, piece: ByteBuffer = ByteBuffer()) {
    self.content = content
    self.piece = piece
  }
}

extension MessageEncoder where Message == StepMessage {
  /// The message, and behind it its piece without a copy.
  static var stepAnswer: MessageEncoder {
    .slices { message in
      var buffer = ByteBuffer()
      pack(message.content, into: &buffer)
      return [buffer, message.piece]
    }
  }
}
