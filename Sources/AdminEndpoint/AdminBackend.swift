import Access
import Coordinator
import HTTPServing
import LogStore
import Objects
import StateStore

/// The interface through which the admin endpoint uses the coordinator. The endpoint makes no decisions: it reads the state
/// store, forwards requests and encodes the answers.
public protocol AdminBackend: Sendable {
  /// The state store that contains the objects.
  var store: any StateStore { get }
  /// The versions of this server.
  var release: Release { get }

  /// Returns the problems that stop the process from working until it is restarted or repaired; empty when there are none.
  func failures() async -> [HealthProblem]

  /// Returns the reasons, other than `failures`, for which the process cannot accept new work now; empty when there are none.
  func obstacles() async -> [HealthProblem]

  /// Returns the newest records that match, at most `query.limit`, oldest first; with `query.follows`, then also new records.
  /// The stream ends after the last record, or when its task is cancelled.
  /// - Throws: an error that `RequestError` can represent: a `RequestError`, a `StateStoreError` or a `CoordinatorError`.
  func records(_ query: RecordQuery) async throws -> AsyncThrowingStream<LogRecord, any Error>

  /// Closes a session as its own client would.
  /// - Throws: an error that `RequestError` can represent, with the code `notFound` when the session does not exist.
  func closeSession(_ id: String, by principal: Principal) async throws

  /// Cancels a running step.
  /// - Throws: an error that `RequestError` can represent, with the code `conflict` when the step is not running.
  func cancelStep(_ name: String, by principal: Principal) async throws

  /// Returns the current objects of a kind that is not stored, ordered by key.
  /// - Parameters:
  ///   - session: the session whose objects to return; nil for all.
  ///   - tenant: the tenant whose objects to return; nil for all.
  /// - Throws: an error that `RequestError` can represent, with the code `unavailable` when only another coordinator has the
  ///   objects.
  func liveObjects(_ kind: ObjectKind, session: String?, tenant: String?) async throws -> [StateEntry]

  /// Returns the progress of a step; nil when it is not running.
  func progress(ofStep name: String) -> StepReport?

  /// Changes the number of workers that a session has room for.
  /// - Returns: the host of each worker, and a description of what the session has now.
  /// - Throws: an error that `RequestError` can represent.
  func resizeSession(
    _ id: String, workers: Int, by principal: Principal
  ) async throws -> (hosts: [String], words: String)

  /// Reads the configuration of hosts and tenants again, and applies all of it or nothing.
  /// - Parameter isDryRun: whether to report the changes without applying them.
  /// - Returns: the changes, as sentences.
  /// - Throws: an error that `RequestError` can represent; then nothing has changed.
  func reload(isDryRun: Bool, by principal: Principal) async throws -> [String]

  /// All counters and measurements, in Prometheus' text format.
  var metrics: String { get }
}

/// The versions that `GET /version` returns.
public struct Release: Sendable, Equatable {
  /// The version of the server.
  public var server: String
  /// The version of the Python client whose protocol the server speaks.
  public var client: String

  /// Makes a release of two versions.
  public init(server: String, client: String) {
    self.server = server
    self.client = client
  }
}

/// A problem of the coordinator.
public struct HealthProblem: Sendable, Equatable {
  /// The affected component, for example `state store`.
  public var component: String
  /// What is wrong, why, and what to do.
  public var message: String

  /// Makes a problem.
  public init(component: String, message: String) {
    self.component = component
    self.message = message
  }
}

/// A filter for the records of a log stream.
public struct RecordQuery: Sendable, Equatable {
  /// The stream to read.
  public var stream: LogStream
  /// If not nil, only records about this object: `kind/name`, where the kind is the raw value of an `ObjectKind`.
  public var object: String?
  /// If not nil, only records from this time on, in milliseconds since 1970.
  public var sinceMilliseconds: Int64?
  /// If not nil, only records of at least this level.
  public var level: LogRecord.Level?
  /// If not nil, only records of this tenant.
  public var tenant: String?
  /// If not nil, only records about this step.
  public var step: String?
  /// If not nil, only records whose message contains this text.
  public var text: String?
  /// The maximum number of existing records to return.
  public var limit: Int
  /// Whether to return new records too.
  public var follows: Bool

  /// Makes a query for all records of a stream, at most `limit`.
  public init(stream: LogStream, limit: Int = 1000, follows: Bool = false) {
    self.stream = stream
    self.limit = limit
    self.follows = follows
  }
}
