import Access
import Coordinator
import HTTPServing
import LogStore
import Objects
import Scheduling
import StateStore

/// Connects the admin endpoint to a coordinator.
public struct CoordinatorPlane: AdminBackend {
  /// The versions of this server.
  public let release: Release
  private let coordinator: Coordinator
  private let readPlan: (@Sendable () throws -> ClusterPlan)?
  private let reloadAccess: @Sendable (_ isDryRun: Bool) throws -> [String]
  private let endpointMetrics: @Sendable () -> String

  /// Makes a connection to `coordinator`.
  /// - Parameters:
  ///   - readPlan: reads the configuration of hosts and tenants; nil when there is none.
  ///   - reloadAccess: reads the access file again and, unless this is a dry run, applies it; returns the changes.
  ///   - endpointMetrics: returns the metrics of the client endpoint in Prometheus' text format.
  public init(
    _ coordinator: Coordinator, release: Release, readPlan: (@Sendable () throws -> ClusterPlan)? = nil,
    reloadAccess: @escaping @Sendable (_ isDryRun: Bool) throws -> [String] = { _ in [] },
    endpointMetrics: @escaping @Sendable () -> String = { "" }
  ) {
    self.coordinator = coordinator
    self.release = release
    self.readPlan = readPlan
    self.reloadAccess = reloadAccess
    self.endpointMetrics = endpointMetrics
  }

  /// The state store that contains the objects.
  public var store: any StateStore { coordinator.store }

  /// Returns a problem if the state store cannot be read.
  public func failures() async -> [HealthProblem] {
    do {
      _ = try await store.entry(ObjectKind.session.prefix, at: nil)
      return []
    } catch {
      return [HealthProblem(component: "state store", message: "\(error)")]
    }
  }

  /// Returns a problem if the coordinator is shutting down.
  public func obstacles() async -> [HealthProblem] {
    coordinator.isShuttingDown
      ? [HealthProblem(component: "coordinator", message: "it is shutting down; connect again when it is back")] : []
  }

  /// Returns the newest records of a log stream and, if the query asks for it, new ones.
  public func records(_ query: RecordQuery) async throws -> AsyncThrowingStream<LogRecord, any Error> {
    var wanted = LogQuery(streams: [query.stream])
    wanted.since = query.sinceMilliseconds
    wanted.object = query.object
    wanted.tenant = query.tenant
    wanted.step = query.step
    wanted.text = query.text
    wanted.tail = query.limit
    if let level = query.level { wanted.minimumLevel = level }
    return query.follows
      ? Self.stream(of: try coordinator.logs.follow(wanted)) : Self.stream(of: try coordinator.logs.read(wanted))
  }

  /// Reads the records one by one as the consumer requests them, so that nothing accumulates for a slow reader.
  private static func stream<Records: AsyncSequence>(
    of records: Records
  ) -> AsyncThrowingStream<LogRecord, any Error>
  where Records.Element == LogRecord, Records.AsyncIterator: SendableMetatype {
    let reading = Reading(records.makeAsyncIterator())
    return AsyncThrowingStream { try await reading.next() }
  }

  /// The iterator behind a stream of records.
  private final class Reading<Iterator: AsyncIteratorProtocol & SendableMetatype>: @unchecked Sendable
  where Iterator.Element == LogRecord {
    // @unchecked: a stream has one reader, which requests an element only after it has received the previous one.
    private var iterator: Iterator

    init(_ iterator: Iterator) { self.iterator = iterator }

    func next() async throws -> LogRecord? { try await iterator.next() }
  }

  /// Changes the number of workers that a session has room for, on behalf of an operator.
  public func resizeSession(
    _ id: String, workers: Int, by principal: Principal
  ) async throws -> (hosts: [String], words: String) {
    let size = try await coordinator.resize(id, workers: workers, by: principal.description)
    return (size.hosts, size.words)
  }

  /// Reads the cluster file and the access file, and applies both or neither.
  public func reload(isDryRun: Bool, by principal: Principal) async throws -> [String] {
    let plan: ClusterPlan?
    var changes: [String]
    do {
      plan = try readPlan?()
      changes = try reloadAccess(true)
    } catch { throw RequestError(.invalidArgument, "\(error)", hint: "Nothing has changed") }
    if let plan { changes += try await coordinator.reload(plan, isDryRun: isDryRun, by: principal.description) }
    if !isDryRun {
      _ = try reloadAccess(false)
      changes = changes.map { $0.replacing(" would ", with: " will ") }
    }
    return changes
  }

  /// The metrics of the coordinator and of its endpoint.
  public var metrics: String { coordinator.metricsText + endpointMetrics() }

  /// Cancels a step on behalf of an operator or of the user that owns it.
  public func cancelStep(_ name: String, by principal: Principal) async throws {
    try await coordinator.cancelStep(name, by: principal.description)
  }

  /// Returns the progress of a step; nil when it is not running.
  public func progress(ofStep name: String) -> StepReport? { coordinator.progress(ofStep: name) }

  /// Returns the graphs or results of sessions.
  public func liveObjects(_ kind: ObjectKind, session: String?, tenant: String?) async throws -> [StateEntry] {
    guard coordinator.sessionCount > 0 else {
      // A standby runs no sessions, so an empty answer would be wrong.
      guard try await store.entries(prefix: ObjectKind.session.prefix, at: nil).entries.isEmpty else {
        throw RequestError(
          .unavailable, "this coordinator does not run the sessions, so it cannot list their \(kind.plural)",
          hint: "Ask the leader, or try again when this coordinator has started")
      }
      return []
    }
    let objects = await coordinator.sessionObjects(kind, session: session, tenant: tenant)
    return objects.map { (key: kind.key($0.name), object: $0) }
      .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      .map { StateEntry(key: $0.key, value: $0.object.json, created: 0, modified: 0) }
  }

  /// Closes a session on behalf of a principal.
  public func closeSession(_ id: String, by principal: Principal) async throws {
    try await coordinator.close(id, byOperator: principal.description)
  }
}
