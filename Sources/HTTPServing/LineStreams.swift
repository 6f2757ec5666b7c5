import Access
import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import Synchronization

/// The open answers that are streams of JSON lines.
///
/// A stream ends when there are no more lines, when its client disconnects or does not receive a line in time, or when the
/// server stops. All but a slow client see a complete answer.
public final class LineStreams: Sendable {
  private struct State {
    /// Finishing one ends the stream of that number.
    var ends: [Int: AsyncStream<Void>.Continuation] = [:]
    var callers: [Int: Authentication] = [:]
    /// The peers of the streams, by stream number.
    var peers: [Int: String] = [:]
    /// The errors with which streams are being ended, by stream number, until they are written.
    var endings: [Int: RequestError] = [:]
    /// The number of admitted streams, including those that have not begun.
    var admitted = 0
    var last = 0
    var isStopping = false
  }

  private let state = Mutex(State())
  private let limits: HTTPLimits

  /// Makes an empty set of streams.
  public init(_ limits: HTTPLimits) { self.limits = limits }

  /// The number of open streams.
  public var count: Int { state.withLock { $0.admitted } }

  /// Ends all streams; no new one is admitted.
  public func stop() {
    let ends = state.withLock { state in
      state.isStopping = true
      return Array(state.ends.values)
    }
    for end in ends { end.finish() }
  }

  /// Ends the streams of the selected callers, with an error as the last line.
  public func end(_ error: RequestError, where isMeant: (Authentication) -> Bool) {
    let ends = state.withLock { state in
      let numbers = state.callers.filter { isMeant($0.value) }.map(\.key)
      for number in numbers { state.endings[number] = error }
      return numbers.compactMap { state.ends[$0] }
    }
    for end in ends { end.finish() }
  }

  /// Returns an answer whose lines `produce` writes.
  /// - Throws: `RequestError` when too many streams are open or the server is stopping.
  public func response(
    to request: Request, _ context: RouteContext,
    _ produce: @escaping @Sendable (inout LineWriter) async throws -> Void
  ) throws(RequestError) -> Response {
    let admission = try admit(context)
    let (limits, channel) = (limits, context.channel)
    let body = ResponseBody { writer in
      let lines = LineWriter(writer: writer, channel: channel, patience: limits.idleTimeout)
      let handOver = HandOver(lines: lines)
      let (ended, end) = AsyncStream.makeStream(of: Void.self)
      admission.started(end)
      let result = try await request.body.consumeWithInboundCloseHandler { _ in
        await Self.result(until: ended) {
          var lines = handOver.lines
          try await produce(&lines)
        }
      } onInboundClosed: {
        end.finish()
      }
      let ending = admission.ending
      admission.end()
      if case .failure(let error) = result, !(error is CancellationError) { throw error }
      let deadline = lines.deadline()
      defer { deadline.cancel() }
      if let ending { try await writer.write(ByteBuffer(string: ending.line.encoded + "\n")) }
      try await writer.finish(nil)
    }
    return Response(
      status: .ok,
      headers: [.contentType: "application/jsonl", .cacheControl: "no-store", .connection: "close"], body: body)
  }

  /// Runs `produce` until it ends, `ended` ends, or the task is cancelled.
  private static func result(
    until ended: AsyncStream<Void>, _ produce: @escaping @Sendable () async throws -> Void
  ) async -> Result<Void, any Error> {
    await withTaskGroup(of: Result<Void, any Error>?.self) { group in
      group.addTask { do { return .success(try await produce()) } catch { return .failure(error) } }
      group.addTask {
        for await _ in ended {}
        return nil
      }
      var result = Result<Void, any Error>.success(())
      for await outcome in group {
        if let outcome { result = outcome }
        group.cancelAll()
      }
      return result
    }
  }

  // @unchecked Sendable: the writer refers to the connection. Only the task uses this copy, and it ends before the body uses
  // the original again.
  private struct HandOver: @unchecked Sendable {
    let lines: LineWriter
  }

  private func admit(_ context: RouteContext) throws(RequestError) -> Place {
    let caller = context.caller
    // Callers that are not operators share the streams, so none of them may take all.
    let isBounded = caller.map { $0.identity.role < .operator } ?? false
    let number: Int? = state.withLock { state in
      guard !state.isStopping, state.admitted < limits.streams else { return nil }
      let own = isBounded ? state.callers.values.count { $0.identity.principal == caller?.identity.principal } : 0
      guard own < limits.streamsOfCaller else { return nil }
      guard state.peers.values.count(where: { $0 == context.peer }) < limits.streamsOfPeer else { return nil }
      state.admitted += 1
      state.last += 1
      state.callers[state.last] = caller
      state.peers[state.last] = context.peer
      return state.last
    }
    if let number { return Place(number: number, streams: self) }
    guard !state.withLock(\.isStopping) else { throw RequestError(.unavailable, "the coordinator is shutting down") }
    throw RequestError(
      .tooMany,
      "the limit of streams of changes or records is reached: \(limits.streams) in total, \(limits.streamsOfPeer) of one peer, "
        + "\(limits.streamsOfCaller) of one caller",
      hint: "End some of them, or try again later"
    )
  }

  /// A slot among the streams. It is released at the latest with its last reference, because an answer is never written if its
  /// client disconnects before it begins.
  private final class Place: Sendable {
    private let number: Int
    private let streams: LineStreams
    private let hasEnded = Mutex(false)

    init(number: Int, streams: LineStreams) {
      self.number = number
      self.streams = streams
    }

    deinit { end() }

    func started(_ end: AsyncStream<Void>.Continuation) {
      let isStopping = streams.state.withLock { state in
        state.ends[number] = end
        return state.isStopping || state.endings[number] != nil
      }
      if isStopping { end.finish() }
    }

    /// The error with which the stream was ended from outside; nil if it ends by itself.
    var ending: RequestError? { streams.state.withLock { $0.endings[number] } }

    func end() {
      let isFirst = hasEnded.withLock { hasEnded in
        defer { hasEnded = true }
        return !hasEnded
      }
      guard isFirst else { return }
      streams.state.withLock { state in
        state.ends[number] = nil
        state.callers[number] = nil
        state.peers[number] = nil
        state.endings[number] = nil
        state.admitted -= 1
      }
    }
  }
}

/// Writes lines to one client. Closes the connection of a client that does not receive a line in time.
public struct LineWriter {
  fileprivate var writer: any ResponseBodyWriter
  fileprivate let channel: any Channel
  fileprivate let patience: TimeAmount

  /// Writes a value on a line of its own.
  public mutating func write(_ value: JSONValue) async throws {
    let deadline = deadline()
    defer { deadline.cancel() }
    try await writer.write(ByteBuffer(string: value.encoded + "\n"))
  }

  fileprivate func deadline() -> Scheduled<Void> {
    channel.eventLoop.scheduleTask(in: patience) { [channel] in channel.close(promise: nil) }
  }
}
