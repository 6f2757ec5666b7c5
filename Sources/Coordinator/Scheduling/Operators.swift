import Engines
import LogStore
import Logging
import Objects
import Scheduling
import StateStore
import Support
import Synchronization

/// The size of a session after a change.
public struct SessionSize: Sendable {
  /// The hosts of the workers that there is room for.
  public var hosts: [String]
  /// A description of the size, and of its effect on the session's engine.
  public var words: String
}

extension Coordinator {
  /// Changes a session's resources to those of another number of workers, in place. An embedded engine remains a single worker
  /// with more or fewer threads.
  /// - Throws: `CoordinatorError` if there is no such session, it waits itself, its engine cannot be resized, or there is no
  ///   room; nothing has changed then.
  public func resize(_ id: String, workers: Int, by author: String) async throws(CoordinatorError) -> SessionSize {
    guard let session = state.withLock({ $0.sessions[id] }) else {
      throw CoordinatorError(
        .unknownSession,
        "no session '\(id.quotable())' is open. List the open sessions with 'gscoordinator get sessions'")
    }
    var document = session.storedDocument
    guard var request = document.spec.request, let member = request.members.first, let engines = session.gate.current
    else {
      throw CoordinatorError(
        .invalidArgument, "session '\(id)' has no engines at the moment. Resize it when it is ready")
    }
    let before = request.members
    request.members = Array(repeating: member, count: workers)
    let allocation: Allocation
    do throws(SchedulingError) { allocation = try desk.resize(session.object, members: request.members) } catch {
      throw CoordinatorError(.limitReached, error.description.withoutFullStop)
    }
    do {
      try await engines.analytical.resize(to: EngineSize(allocation))
      document.spec.request = request
      document.status.allocation = allocation
      let revision = try await journal.commit(
        "resize a session", by: author, on: session.object, conditions: [.present(ObjectKind.session.key(id))],
        [Journal.put(document)], mayUseReserve: true)
      session.wrote(document, revision: revision)
    } catch {
      _ = try? desk.resize(session.object, members: before)
      if let error = error as? CoordinatorError { throw error }
      throw CoordinatorError(.invalidArgument, "session '\(id)' cannot be resized: \(error)")
    }
    let words = Self.words(allocation, engines.analytical.description)
    journal.event(session.object, "Resized", "resized by \(author); it has \(words)")
    session.log.info("This session now has \(words).")
    return SessionSize(hosts: allocation.placements.map(\.host), words: words)
  }

  /// Describes the effect of an allocation on a session whose engine cannot change its number of workers.
  private static func words(_ allocation: Allocation, _ engine: EngineDescription) -> String {
    func count(_ workers: Int) -> String { workers == 1 ? "1 worker" : "\(workers) workers" }
    let room = count(allocation.placements.count)
    let threads = EngineSize(allocation).threads.map { "up to \($0)" } ?? "any number of"
    guard engine.workerCount != allocation.placements.count else { return "\(room) on \(allocation.hostsText)" }
    return
      "room for \(room) on \(allocation.hostsText); its engine is \(count(engine.workerCount)), whose algorithms run "
      + "on \(threads) threads"
  }

  /// Replaces the plan of hosts and tenants as a whole.
  /// - Parameter isDryRun: Whether to change nothing.
  /// - Returns: The changes, in sentences.
  /// - Throws: `CoordinatorError` if the plan cannot be applied; nothing has changed then.
  public func reload(
    _ plan: ClusterPlan, isDryRun: Bool, by author: String
  ) async throws(CoordinatorError) -> [String] {
    do throws(SchedulingError) {
      let changes = try desk.preview(plan)
      guard !isDryRun else { return changes }
      try desk.apply(plan)
      logs.audit(
        author: author, action: "reload the cluster file", object: Journal.Collection.cluster.description, revision: nil
      )
      for change in changes { logger.notice("cluster file: \(change)") }
      await publishCluster()
      return changes
    } catch {
      throw CoordinatorError(.invalidArgument, "the cluster file cannot be applied: \(error). Nothing was changed")
    }
  }
}

extension EngineSize {
  /// Creates the size given by an allocation.
  init(_ allocation: Allocation) {
    self.init(
      hosts: allocation.placements.map(\.host),
      cpuMillicores: Int(allocation.placements.reduce(0) { $0 + $1.resources.cpuMillicores }),
      memoryBytes: allocation.placements.reduce(0) { $0 + $1.resources.memoryBytes })
  }

  /// Creates the size given by a request once granted.
  init(_ request: ResourceRequest) {
    self.init(
      hosts: Array(repeating: ClusterPlan.ownHost, count: max(1, request.members.count)),
      memoryBytes: request.members.reduce(0) { $0 + $1.resources.memoryBytes })
  }
}
