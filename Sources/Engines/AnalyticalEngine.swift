import GraphStore

/// Runs graph analytics for one session. An engine holds that session's graphs, bound applications and results; another
/// session's engine knows nothing of them.
public protocol AnalyticalEngine: Sendable {
  /// What the client is told about the engine when it connects.
  var description: EngineDescription { get }

  /// Performs one operation on its inputs. Steps of a session come one at a time; cancelling the task stops the
  /// operation within 100 ms. `log` takes lines for the session's user.
  /// - Throws: `EngineError`, or `CancellationError`.
  func perform(
    _ operation: AnalyticalOperation, on inputs: [ObjectHandle], log: any ProgressLog
  ) async throws -> AnalyticalResult

  /// Performs one operation, as `perform(_:on:log:)`. Engines that speak the client's own protocol need the operation as
  /// the client wrote it; it is nil for operations that no client wrote.
  /// - Throws: `EngineError`, or `CancellationError`.
  func perform(
    _ operation: AnalyticalOperation, asWritten original: ClientOperation?, on inputs: [ObjectHandle],
    log: any ProgressLog
  ) async throws -> AnalyticalResult

  /// What an operation that loads a graph will take, found out without loading it; nil for all others, and where it
  /// cannot be told.
  /// - Throws: `EngineError` when its tables cannot be read.
  func estimate(_ operation: AnalyticalOperation, on inputs: [ObjectHandle]) async throws -> LoadEstimate?

  /// Goes on with more or fewer workers, from the next operation on at the latest.
  /// - Throws: `EngineError` when it cannot; nothing has changed then.
  func resize(to size: EngineSize) async throws

  /// Forgets an object; one that is not there any more is no error.
  func release(_ handle: ObjectHandle) async

  /// Finds objects again that an engine of an earlier process left in the same workspace when it ended, however that
  /// was, and removes all else that it left. Call once, before the first operation.
  /// - Returns: the objects that are lost.
  /// - Throws: `EngineError` when the workspace cannot be read.
  func recover(_ handles: [ObjectHandle]) async throws -> [LostObject]

  /// Calls `body` when the engine ends unasked and all its objects with it, at once if it has, and before an operation
  /// fails for it. There is one such body: a later one replaces it.
  func whenFailed(_ body: @escaping @Sendable (EngineError) -> Void)

  /// Ends the engine and keeps what `recover` needs to find its objects again.
  func suspend() async

  /// Ends the engine and gives back all it held: memory, files, processes.
  func close() async
}

extension AnalyticalEngine {
  /// Performs the typed operation, which says everything.
  public func perform(
    _ operation: AnalyticalOperation, asWritten original: ClientOperation?, on inputs: [ObjectHandle],
    log: any ProgressLog
  ) async throws -> AnalyticalResult {
    try await perform(operation, on: inputs, log: log)
  }

  /// Tells nothing.
  public func estimate(
    _ operation: AnalyticalOperation, on inputs: [ObjectHandle]
  ) async throws -> LoadEstimate? { nil }

  /// Never calls it: an engine inside this process does not end unasked.
  public func whenFailed(_ body: @escaping @Sendable (EngineError) -> Void) {}

  /// Refuses.
  public func resize(to size: EngineSize) async throws {
    throw EngineError(
      .unimplemented, "this engine cannot change the number of its workers while it runs",
      hint: "Open another session with as many workers as are wanted")
  }
}

/// What loading a graph will take, as far as its tables and its schema tell.
public struct LoadEstimate: Sendable, Equatable {
  /// Bytes of memory that stay while the graph does.
  public var residentBytes: Int
  /// Bytes of memory at the worst moment of the load, those that stay included.
  public var peakBytes: Int
  /// Bytes of files that stay while the graph does.
  public var diskBytes: Int
  /// What it was told by, in words: rows, columns, bytes of files.
  public var basis: String

  /// An estimate.
  public init(residentBytes: Int, peakBytes: Int, diskBytes: Int, basis: String) {
    self.residentBytes = residentBytes
    self.peakBytes = peakBytes
    self.diskBytes = diskBytes
    self.basis = basis
  }
}

/// An object that did not survive the end of a process.
public struct LostObject: Sendable {
  /// The object.
  public var handle: ObjectHandle
  /// Why it is lost and what to do.
  public var reason: String

  /// Says what is lost and why.
  public init(_ handle: ObjectHandle, reason: String) {
    self.handle = handle
    self.reason = reason
  }
}

/// Makes an engine for each session.
public protocol AnalyticalEngineProvider: Sendable {
  /// Starts an engine whose files live in `workspace`, a directory of the session's own, which may hold what an engine of
  /// an earlier process left there: see `AnalyticalEngine.recover`.
  /// - Throws: `EngineError` when it cannot be started.
  func makeEngine(
    workspace: String, size: EngineSize, storage: any StorageAccount
  ) async throws -> any AnalyticalEngine
}

/// What a client is told about an engine.
public struct EngineDescription: Sendable, Equatable {
  /// Hosts the engine runs on.
  public var hosts: [String]
  /// Number of workers.
  public var workerCount: Int
  /// Path of an object store's socket that clients on this machine may use; nil when there is none.
  public var objectStoreSocket: String?
  /// Address of that object store; nil when there is none.
  public var objectStoreEndpoint: String?

  /// Describes an engine.
  public init(
    hosts: [String], workerCount: Int, objectStoreSocket: String? = nil, objectStoreEndpoint: String? = nil
  ) {
    self.hosts = hosts
    self.workerCount = workerCount
    self.objectStoreSocket = objectStoreSocket
    self.objectStoreEndpoint = objectStoreEndpoint
  }
}

/// Takes lines about the progress of long work, for the session's user.
public protocol ProgressLog: Sendable {
  /// Appends a line to what the client shows as information.
  func info(_ line: String)
}
