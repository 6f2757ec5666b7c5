import Coordinator
import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization
import Wire

/// The answers that go on for as long as their client listens: JSON lines.
///
/// A stream ends when there is nothing more to come, when its client goes, when its client does not take what it was
/// sent in time, or when the server stops; except for the slow client all of them end it cleanly.
final class LineStreams: Sendable {
  private struct State {
    var tasks: [Int: Task<Void, any Error>] = [:]
    var callers: [Int: Authentication] = [:]
    /// Why streams were ended, by number, until they have told their clients.
    var endings: [Int: AdminError] = [:]
    /// Streams that are admitted; their tasks start a little later.
    var admitted = 0
    var last = 0
    var isStopping = false
  }

  private let state = Mutex(State())
  private let limits: AdminLimits

  init(_ limits: AdminLimits) { self.limits = limits }

  /// Streams that are open.
  var count: Int { state.withLock { $0.admitted } }

  /// Ends all streams; no further one begins.
  func stop() {
    let tasks = state.withLock { state in
      state.isStopping = true
      return Array(state.tasks.values)
    }
    for task in tasks { task.cancel() }
  }

  /// Ends the streams of callers who are meant, with an error in their last line.
  func end(_ error: AdminError, where isMeant: (Authentication) -> Bool) {
    let tasks = state.withLock { state in
      let numbers = state.callers.filter { isMeant($0.value) }.map(\.key)
      for number in numbers { state.endings[number] = error }
      return numbers.compactMap { state.tasks[$0] }
    }
    for task in tasks { task.cancel() }
  }

  /// An answer that `produce` writes line by line.
  /// - Throws: `AdminError` when too many are open or the server stops.
  func response(
    to request: Request, _ context: AdminContext,
    _ produce: @escaping @Sendable (inout LineWriter) async throws -> Void
  ) throws(AdminError) -> Response {
    let admission = try admit(context.caller)
    let (limits, channel) = (limits, context.channel)
    let body = ResponseBody { writer in
      let lines = LineWriter(writer: writer, channel: channel, patience: limits.idleTimeout)
      let handOver = HandOver(lines: lines)
      let task = Task {
        var lines = handOver.lines
        try await produce(&lines)
      }
      admission.started(task)
      try await withTaskCancellationHandler {
        try await request.body.consumeWithInboundCloseHandler { _ in
          _ = await task.result
        } onInboundClosed: {
          task.cancel()
        }
      } onCancel: {
        task.cancel()
      }
      let ending = admission.ending
      admission.end()
      if case .failure(let error) = await task.result, !(error is CancellationError) { throw error }
      let deadline = lines.deadline()
      defer { deadline.cancel() }
      if let ending { try await writer.write(ByteBuffer(string: ending.line.encoded + "\n")) }
      try await writer.finish(nil)
    }
    return Response(
      status: .ok,
      headers: [.contentType: "application/jsonl", .cacheControl: "no-store", .connection: "close"], body: body)
  }

  // @unchecked Sendable: the writer is a handle on the connection; the task alone uses this copy of it, and the task is
  // over before the body is finished with the original.
  private struct HandOver: @unchecked Sendable {
    let lines: LineWriter
  }

  private func admit(_ caller: Authentication?) throws(AdminError) -> Admission {
    // Others than operators share the streams: one of them must not have all.
    let isBounded = caller.map { $0.identity.role < .operator } ?? false
    let number: Int? = state.withLock { state in
      guard !state.isStopping, state.admitted < limits.streams else { return nil }
      let own = isBounded ? state.callers.values.count { $0.identity.principal == caller?.identity.principal } : 0
      guard own < limits.streamsOfCaller else { return nil }
      state.admitted += 1
      state.last += 1
      state.callers[state.last] = caller
      return state.last
    }
    if let number { return Admission(number: number, streams: self) }
    guard !state.withLock(\.isStopping) else { throw AdminError(.unavailable, "the coordinator is shutting down") }
    throw AdminError(
      .tooMany, "\(limits.streams) streams of changes or records are open, or \(limits.streamsOfCaller) of this caller",
      hint: "End some of them, or try again later"
    )
  }

  /// A place among the streams; given back at the latest when nobody holds it, since an answer whose client is gone
  /// before it begins is never written.
  private final class Admission: Sendable {
    private let number: Int
    private let streams: LineStreams
    private let hasEnded = Mutex(false)

    init(number: Int, streams: LineStreams) {
      self.number = number
      self.streams = streams
    }

    deinit { end() }

    func started(_ task: Task<Void, any Error>) {
      let isStopping = streams.state.withLock { state in
        state.tasks[number] = task
        return state.isStopping || state.endings[number] != nil
      }
      if isStopping { task.cancel() }
    }

    /// Why the stream was ended, if not by itself.
    var ending: AdminError? { streams.state.withLock { $0.endings[number] } }

    func end() {
      let isFirst = hasEnded.withLock { hasEnded in
        defer { hasEnded = true }
        return !hasEnded
      }
      guard isFirst else { return }
      streams.state.withLock { state in
        state.tasks[number] = nil
        state.callers[number] = nil
        state.endings[number] = nil
        state.admitted -= 1
      }
    }
  }
}

/// Writes lines to one client. A client that does not take a line in time loses the connection.
struct LineWriter {
  fileprivate var writer: any ResponseBodyWriter
  fileprivate let channel: any Channel
  fileprivate let patience: TimeAmount

  /// Writes a value on a line of its own.
  mutating func write(_ value: JSONValue) async throws {
    let deadline = deadline()
    defer { deadline.cancel() }
    try await writer.write(ByteBuffer(string: value.encoded + "\n"))
  }

  fileprivate func deadline() -> Scheduled<Void> {
    channel.eventLoop.scheduleTask(in: patience) { [channel] in channel.close(promise: nil) }
  }
}
