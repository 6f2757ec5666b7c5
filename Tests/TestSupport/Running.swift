/// Something that runs in the background of a test until it is ended.
public final class Running<End: Sendable>: Sendable {
  private let task: Task<Void, Never>
  private let source: AsyncStream<End>.Continuation

  /// Runs `body`, which ends soon after its parameter has returned: with the value given to `end`, or nil if its task is
  /// cancelled.
  public init(_ body: @escaping @Sendable (_ ended: @escaping @Sendable () async -> End?) async -> Void) {
    let (ends, source) = AsyncStream.makeStream(of: End.self)
    self.source = source
    task = Task { await body { await ends.first { _ in true } } }
  }

  /// Ends it, and waits until it has ended. May be called repeatedly.
  public func end(_ end: End) async {
    source.yield(end)
    await task.value
  }
}

extension Running where End == Void {
  /// Runs `body`, which ends soon after `stop` is called.
  public convenience init(_ body: @escaping @Sendable () async -> Void, stop: @escaping @Sendable () -> Void) {
    self.init { ended in
      async let running: Void = body()
      await ended()
      stop()
      await running
    }
  }

  /// Ends it, and waits until it has ended. May be called repeatedly.
  public func end() async { await end(()) }
}
