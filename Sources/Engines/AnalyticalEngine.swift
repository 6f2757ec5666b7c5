import Workers

/// Runs graph analytics for one session. An engine holds the graphs, bound applications and results of its session only.
public protocol AnalyticalEngine: Sendable {
  /// The description that the client receives when it connects.
  var description: EngineDescription { get }

  /// Performs one operation. `inputs` are the objects that its parents made, in their order. A session runs one step at a time.
  /// Cancelling the task stops the operation within 100 ms. `log` receives progress lines for the client.
  /// - Throws: `EngineError`, with code `unimplemented` for an operation that the engine does not support; `CancellationError`.
  func perform(
    _ operation: Operation, on inputs: [ObjectHandle], log: any ProgressLog
  ) async throws -> AnalyticalResult

  /// Estimates what an operation that loads a graph will take, without loading it. Returns nil for all other operations, and when
  /// no estimate is possible.
  /// - Throws: `EngineError` when the tables cannot be read.
  func estimate(_ operation: Operation, on inputs: [ObjectHandle]) async throws -> LoadEstimate?

  /// Changes the number of workers, effective from the next operation at the latest.
  /// - Throws: `EngineError` when it cannot; the engine is then unchanged.
  func resize(to size: EngineSize) async throws

  /// Summarizes an object; nil when it does not exist or nothing is known about it. Reads no data, so it may be called often and
  /// while an operation runs.
  func summary(of handle: ObjectHandle) async -> ObjectSummary?

  /// Forgets an object. Does nothing if the object does not exist.
  func release(_ handle: ObjectHandle) async

  /// Recovers objects that an engine of an earlier process left in the same workspace, whether or not that engine ended cleanly,
  /// and removes everything else that it left. Call once, before the first operation.
  /// - Returns: the objects that are lost.
  /// - Throws: `EngineError` when the workspace cannot be read.
  func recover(_ handles: [ObjectHandle]) async throws -> [LostObject]

  /// Calls `body` when the engine ends unexpectedly, which loses all its objects: at once if it has ended already, and before the
  /// resulting failure of an operation is reported. There is one such body; a later call replaces it.
  func whenFailed(_ body: @escaping @Sendable (EngineError) -> Void)

  /// Ends the engine, keeping what `recover` needs to find its objects again.
  func suspend() async

  /// Ends the engine and releases everything it held: memory, files, processes.
  func close() async
}

extension AnalyticalEngine {
  /// Returns nil: no estimate.
  public func estimate(_ operation: Operation, on inputs: [ObjectHandle]) async throws -> LoadEstimate? { nil }

  /// Returns nil: nothing is known.
  public func summary(of handle: ObjectHandle) async -> ObjectSummary? { nil }

  /// Does nothing: an engine inside this process does not end unexpectedly.
  public func whenFailed(_ body: @escaping @Sendable (EngineError) -> Void) {}

  /// Always fails.
  /// - Throws: `EngineError.unimplemented`.
  public func resize(to size: EngineSize) async throws {
    throw EngineError(
      .unimplemented, "this engine cannot change the number of its workers while it runs",
      hint: "Open another session with the number of workers you need")
  }
}

/// The resources that loading a graph will take, estimated from its tables and its schema.
public struct LoadEstimate: Sendable, Equatable {
  /// Bytes of memory that remain in use while the graph exists.
  public var residentBytes: Int
  /// Bytes of memory at the peak of the load, including those that remain in use.
  public var peakBytes: Int
  /// Bytes of files that remain while the graph exists.
  public var diskBytes: Int
  /// The basis of the estimate, as text: rows, columns, bytes of files.
  public var basis: String

  /// Creates an estimate.
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
  /// The reason for the loss, and the remedy.
  public var reason: String
  /// Whether the engine keeps the object's remains until it is unloaded.
  public var hasRemains: Bool

  /// Records a lost object with the reason.
  public init(_ handle: ObjectHandle, reason: String, hasRemains: Bool = false) {
    self.handle = handle
    self.reason = reason
    self.hasRemains = hasRemains
  }
}

/// Makes an engine for each session.
public protocol AnalyticalEngineProvider: Sendable {
  /// Starts an engine. Its files live in `workspace`, a directory of the session's own, which may contain files of an engine of
  /// an earlier process: see `AnalyticalEngine.recover`. Other engines of the session find its graphs in `graphs`.
  /// - Throws: `EngineError` when it cannot be started.
  func makeEngine(
    workspace: String, size: EngineSize, storage: any StorageAccount, places: any Places, graphs: GraphCatalogue
  ) async throws -> any AnalyticalEngine
}

/// The description of an engine that a client receives when it connects.
public struct EngineDescription: Sendable, Equatable {
  /// Hosts that the engine runs on.
  public var hosts: [String]
  /// Number of workers.
  public var workerCount: Int
  /// Path of the socket of an object store that clients on this machine may use; nil if there is none.
  public var objectStoreSocket: String?
  /// Address of that object store; nil if there is none.
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

/// Receives lines about the progress of long work, for the client.
public protocol ProgressLog: Sendable {
  /// Appends a line, which the client shows as information.
  func info(_ line: String)
  /// Reports that `percent` of a piece of work is done, for example of "Loading vertex labeled person"; `note` follows the
  /// percentage.
  func progress(of work: String, percent: Int, note: String)
}

extension ProgressLog {
  /// Appends the progress as an ordinary line.
  public func progress(of work: String, percent: Int, note: String) { info("\(work): \(percent)%\(note)") }
}
