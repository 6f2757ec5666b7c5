import Cluster
import Coordinator

/// What the admin endpoint needs from the coordinator. The endpoint decides nothing: it reads the state store, passes
/// questions on and writes down the answers.
public protocol ControlPlane: Sendable {
  /// Where the objects are kept.
  var store: any StateStore { get }
  /// The versions of this server.
  var release: Release { get }

  /// What keeps the process from doing its work until it is restarted or mended; empty when nothing does.
  func failures() async -> [HealthProblem]

  /// What keeps it from taking new work now, beyond `failures`; empty when nothing does.
  func obstacles() async -> [HealthProblem]

  /// The newest records that match, at most `query.limit`, the oldest of them first; with `query.follows` then those to
  /// come. The stream ends after the last record, or when its task is cancelled.
  /// - Throws: what `AdminError` can express: an `AdminError`, a `StateStoreError` or a `CoordinatorError`.
  func records(_ query: RecordQuery) async throws -> AsyncThrowingStream<LogRecord, any Error>

  /// Closes a session as its own client would.
  /// - Throws: what `AdminError` can express; of code `notFound` when there is no such session.
  func closeSession(_ id: String, by principal: Principal) async throws

  /// Gives a session another number of workers.
  /// - Returns: the host of each.
  /// - Throws: what `AdminError` can express.
  func resizeSession(_ id: String, workers: Int, by principal: Principal) async throws -> [String]

  /// Reads the configuration of hosts and tenants again and puts it into force, whole.
  /// - Parameter isDryRun: whether nothing is to change.
  /// - Returns: what changes, in sentences.
  /// - Throws: what `AdminError` can express; nothing has changed then.
  func reload(isDryRun: Bool, by principal: Principal) async throws -> [String]

  /// What is counted and measured, in Prometheus' text format.
  var metrics: String { get }
}

/// The versions that `GET /version` tells.
public struct Release: Sendable, Equatable {
  /// The server's own.
  public var server: String
  /// The Python client whose protocol it speaks.
  public var client: String

  /// Both versions.
  public init(server: String, client: String) {
    self.server = server
    self.client = client
  }
}

/// Something that is wrong with the coordinator.
public struct HealthProblem: Sendable, Equatable {
  /// What has it, for example `state store`.
  public var component: String
  /// What it is, why, and what to do.
  public var message: String

  /// A problem.
  public init(component: String, message: String) {
    self.component = component
    self.message = message
  }
}

/// Which records of a log stream are wanted.
public struct RecordQuery: Sendable, Equatable {
  /// The stream.
  public var stream: LogStream
  /// Only those about this object: `kind/name`, where the kind is the raw value of an `ObjectKind`.
  public var object: String?
  /// Only those not older than this, in milliseconds since 1970.
  public var sinceMilliseconds: Int64?
  /// Only those that matter at least this much.
  public var level: LogRecord.Level?
  /// Only those about this step.
  public var step: String?
  /// Only those whose message contains this text.
  public var text: String?
  /// At most so many of those that are there.
  public var limit: Int
  /// Whether those to come are wanted too.
  public var follows: Bool

  /// All records of a stream, at most `limit`.
  public init(stream: LogStream, limit: Int = 1000, follows: Bool = false) {
    self.stream = stream
    self.limit = limit
    self.follows = follows
  }
}
