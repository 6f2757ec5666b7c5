import Cluster
import Coordinator

/// The coordinator as the admin endpoint sees it.
public struct CoordinatorPlane: ControlPlane {
  /// The versions of this server.
  public let release: Release
  private let coordinator: Coordinator
  private let readPlan: (@Sendable () throws -> ClusterPlan)?
  private let reloadAccess: @Sendable (_ isDryRun: Bool) throws -> [String]

  /// What `coordinator` knows and can do.
  /// - Parameters:
  ///   - readPlan: reads the configuration of hosts and tenants; nil when there is none.
  ///   - reloadAccess: reads who is who again, and puts it into force unless it is a dry run; tells what changes.
  public init(
    _ coordinator: Coordinator, release: Release, readPlan: (@Sendable () throws -> ClusterPlan)? = nil,
    reloadAccess: @escaping @Sendable (_ isDryRun: Bool) throws -> [String] = { _ in [] }
  ) {
    self.coordinator = coordinator
    self.release = release
    self.readPlan = readPlan
    self.reloadAccess = reloadAccess
  }

  /// Where the objects are kept.
  public var store: any StateStore { coordinator.store }

  /// A state store that takes nothing and answers nothing.
  public func failures() async -> [HealthProblem] {
    do {
      _ = try await store.entry(ObjectKind.session.prefix, at: nil)
      return []
    } catch {
      return [HealthProblem(component: "state store", message: "\(error)")]
    }
  }

  /// A coordinator that is shutting down.
  public func obstacles() async -> [HealthProblem] {
    coordinator.isShuttingDown
      ? [HealthProblem(component: "coordinator", message: "it is shutting down; connect again when it is back")] : []
  }

  /// The newest records of a log stream, and those to come.
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

  /// The records as they are asked for: nothing is read ahead of a slow reader.
  private static func stream<Records: AsyncSequence>(
    of records: Records
  ) -> AsyncThrowingStream<LogRecord, any Error>
  where Records.Element == LogRecord, Records.AsyncIterator: SendableMetatype {
    let reading = Reading(records.makeAsyncIterator())
    return AsyncThrowingStream { try await reading.next() }
  }

  /// An iterator for a stream.
  private final class Reading<Iterator: AsyncIteratorProtocol & SendableMetatype>: @unchecked Sendable
  where Iterator.Element == LogRecord {
    // @unchecked: a stream has one reader, which asks for the next element when it has the last one.
    private var iterator: Iterator

    init(_ iterator: Iterator) { self.iterator = iterator }

    func next() async throws -> LogRecord? { try await iterator.next() }
  }

  /// Gives a session another number of workers, on behalf of an operator.
  public func resizeSession(_ id: String, workers: Int, by principal: Principal) async throws -> [String] {
    try await coordinator.resize(id, workers: workers, by: principal.description)
  }

  /// Reads the cluster file and the access file and puts both into force, or neither.
  public func reload(isDryRun: Bool, by principal: Principal) async throws -> [String] {
    let plan: ClusterPlan?
    var changes: [String]
    do {
      plan = try readPlan?()
      changes = try reloadAccess(true)
    } catch { throw AdminError(.invalidArgument, "\(error)", hint: "Nothing has changed") }
    if let plan { changes += try await coordinator.reload(plan, isDryRun: isDryRun, by: principal.description) }
    if !isDryRun {
      _ = try reloadAccess(false)
      changes = changes.map { $0.replacing(" would ", with: " will ") }
    }
    return changes
  }

  /// What the coordinator counts and measures.
  public var metrics: String { coordinator.metricsText }

  /// Closes a session on behalf of an operator.
  public func closeSession(_ id: String, by principal: Principal) async throws {
    try await coordinator.close(id, byOperator: principal.description)
  }
}
