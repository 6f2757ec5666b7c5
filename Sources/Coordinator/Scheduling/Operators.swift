import Cluster
import Engines

extension Coordinator {
  /// Gives a session another number of workers, in place.
  /// - Returns: the host of each worker.
  /// - Throws: `CoordinatorError` when there is no such session, it waits itself, its engine cannot be resized, or there
  ///   is no room; nothing has changed then.
  public func resize(_ id: String, workers: Int, by author: String) async throws(CoordinatorError) -> [String] {
    guard let session = state.withLock({ $0.sessions[id] }) else {
      throw CoordinatorError(.unknownSession, "there is no session '\(printable(id))'")
    }
    var document = session.storedDocument
    guard var request = document.spec.request, let member = request.members.first, let engines = session.gate.current
    else {
      throw CoordinatorError(
        .invalidArgument, "session '\(id)' has no engines at the moment. Resize it when it does not wait any more")
    }
    let before = request.members
    request.members = Array(repeating: member, count: workers)
    let allocation: Allocation
    do throws(SchedulingError) { allocation = try desk.resize(session.object, members: request.members) } catch {
      throw CoordinatorError(.limitReached, error.description.withoutFullStop)
    }
    let hosts = allocation.placements.map(\.host)
    do {
      try await engines.analytical.resize(to: EngineSize(allocation))
      document.spec.request = request
      document.status.allocation = allocation
      let revision = try await journal.commit(
        "resize a session", by: author, on: session.object, conditions: [.present(ObjectKind.session.key(id))],
        [Journal.put(document)])
      session.wrote(document, revision: revision)
    } catch {
      _ = try? desk.resize(session.object, members: before)
      if let error = error as? CoordinatorError { throw error }
      throw CoordinatorError(.invalidArgument, "session '\(id)' keeps its workers: \(error)")
    }
    journal.event(session.object, "Resized", "\(author) gave it \(workers) workers on \(allocation.hostsText)")
    session.log.info("This session has \(workers) workers now.")
    return hosts
  }

  /// Puts another plan of hosts and tenants into force, whole.
  /// - Parameter isDryRun: whether nothing is to change.
  /// - Returns: what changes, in sentences.
  /// - Throws: `CoordinatorError` when the plan cannot be put into force; nothing has changed then.
  public func reload(
    _ plan: ClusterPlan, isDryRun: Bool, by author: String
  ) async throws(CoordinatorError) -> [String] {
    do throws(SchedulingError) {
      let changes = try desk.preview(plan)
      guard !isDryRun else { return changes }
      try desk.apply(plan)
      logs.audit(author: author, action: "reload the cluster file", object: "cluster", revision: nil)
      for change in changes { logger.notice("cluster file: \(change)") }
      await publishCluster()
      return changes
    } catch {
      throw CoordinatorError(.invalidArgument, "the plan cannot be put into force: \(error). Nothing has changed")
    }
  }
}

extension EngineSize {
  /// What an allocation gives an engine.
  init(_ allocation: Allocation) {
    self.init(
      hosts: allocation.placements.map(\.host),
      cpuMillicores: Int(allocation.placements.reduce(0) { $0 + $1.resources.cpuMillicores }),
      memoryBytes: allocation.placements.reduce(0) { $0 + $1.resources.memoryBytes })
  }

  /// What a request would give it.
  init(_ request: ResourceRequest) {
    self.init(
      hosts: Array(repeating: ClusterPlan.ownHost, count: max(1, request.members.count)),
      memoryBytes: request.members.reduce(0) { $0 + $1.resources.memoryBytes })
  }
}
