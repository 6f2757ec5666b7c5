import Cluster

/// A tenant as it stands in the state store: what was decided for it, and what it has.
public typealias TenantDocument = ClusterObject<TenantPolicy, TenantStatus>

/// What a tenant has.
public struct TenantStatus: Codable, Sendable, Equatable {
  /// `idle`, `active`, or `waiting` when a request of it waits.
  public var phase: String
  /// Sessions that are open and have their resources.
  public var sessions: Int
  /// Requests that wait.
  public var waiting: Int
  /// Graphs of its sessions.
  public var graphs: Int
  /// What it holds on hosts.
  public var held: Resources
  /// Bytes on disk.
  public var diskBytes: Int64
  /// The largest part that it holds of any kind of resource, in percent of all hosts.
  public var sharePercent: Double
  /// The part that is due to it among those that hold or wait now, in percent.
  public var fairSharePercent: Double
  /// By how much it has more than its due, in percent; others get it back when they need it.
  public var borrowedPercent: Double
}

/// A host as it stands in the state store.
public typealias HostDocument = ClusterObject<HostSpec, HostStatus>

/// What was decided about a host.
public struct HostSpec: Codable, Sendable, Equatable {
  /// What it has for engines.
  public var capacity: Resources
  /// What requests may select it by.
  public var labels: [String: String]
}

/// What is on a host.
public struct HostStatus: Codable, Sendable, Equatable {
  /// `present`, or `leaving` while something is held on a host that was taken away.
  public var phase: String
  /// What is held there.
  public var used: Resources
  /// How many hold something there.
  public var holders: Int
}

extension Coordinator {
  /// Writes the tenants and hosts that have changed into the state store, where operators look at them.
  func publishCluster() async {
    let report = desk.report()
    var changes: [StateChange] = []
    published.withLock { published in
      var seen: Set<String> = []
      for tenant in report.tenants {
        let document = TenantDocument(
          kind: .tenant, name: tenant.policy.name, owner: "coordinator", tenant: tenant.policy.name,
          createdMilliseconds: startMilliseconds, spec: tenant.policy, status: TenantStatus(tenant))
        changes += published.note(ObjectKind.tenant.key(document.name), document, &seen)
      }
      for host in report.hosts {
        let document = HostDocument(
          kind: .host, name: host.name, owner: "coordinator", createdMilliseconds: startMilliseconds,
          spec: HostSpec(capacity: host.capacity, labels: host.labels), status: HostStatus(host))
        changes += published.note(ObjectKind.host.key(document.name), document, &seen)
      }
      changes += published.forget(except: seen)
    }
    guard !changes.isEmpty else { return }
    do {
      try await journal.commitAll("note the state of tenants and hosts", by: "coordinator", on: "cluster", changes)
    } catch {
      published.withLock { $0 = PublishedObjects() }
      logger.debug("tenants and hosts are not up to date in the state store", metadata: ["error": "\(error)"])
    }
  }

  /// Tenants and hosts that an earlier process wrote and this one does not know go with the next `publishCluster`.
  func recoverPublished() async throws(CoordinatorError) {
    for prefix in [ObjectKind.tenant.prefix, ObjectKind.host.prefix] {
      do {
        let keys = try await store.entries(prefix: prefix, at: nil).entries.map(\.key)
        published.withLock { $0.take(keys) }
      } catch { throw CoordinatorError(.stateUnavailable, "cannot read the state store: \(error)") }
    }
  }

  /// What is counted and measured, in Prometheus' text format.
  public var metricsText: String {
    let report = desk.report()
    func gauge(_ name: String, _ value: (SchedulerReport.Tenant) -> Double) -> String {
      Metrics.gauge("gscoordinator_tenant_" + name, report.tenants.map { ([("tenant", $0.policy.name)], value($0)) })
    }
    return metrics.text + Metrics.gauge("gscoordinator_sessions", [([], Double(sessionCount))])
      + Metrics.gauge("gscoordinator_requests_waiting", [([], Double(report.waiting))])
      + gauge("sessions") { Double($0.sessions) } + gauge("waiting") { Double($0.waiting) }
      + gauge("memory_bytes") { Double($0.held.memoryBytes) }
      + gauge("cpu_millicores") { Double($0.held.cpuMillicores) }
      + gauge("disk_bytes") { Double($0.diskBytes) } + gauge("graphs") { Double($0.graphs) }
      + gauge("dominant_share") { $0.dominantShare } + gauge("fair_share") { $0.fairShare }
      + Metrics.gauge(
        "gscoordinator_host_memory_bytes",
        report.hosts.flatMap { host in
          [("capacity", host.capacity.memoryBytes), ("used", host.used.memoryBytes)].map {
            ([("host", host.name), ("kind", $0.0)], Double($0.1))
          }
        })
  }
}

/// What the state store has of tenants and hosts.
struct PublishedObjects {
  /// By key; what an earlier process wrote is empty.
  private var values: [String: StateChange?] = [:]

  /// The store has these keys.
  mutating func take(_ keys: [String]) { for key in keys { values.updateValue(nil, forKey: key) } }

  /// The change that brings a document up to date, if there is one.
  mutating func note(
    _ key: String, _ document: ClusterObject<some Codable & Sendable, some Codable & Sendable>,
    _ seen: inout Set<String>
  ) -> [StateChange] {
    seen.insert(key)
    let change = Journal.put(document)
    guard values[key] != .some(.some(change)) else { return [] }
    values.updateValue(change, forKey: key)
    return [change]
  }

  /// The changes that remove what is not there any more.
  mutating func forget(except seen: Set<String>) -> [StateChange] {
    let gone = values.keys.filter { !seen.contains($0) }
    for key in gone { values.removeValue(forKey: key) }
    return gone.sorted().map { .delete($0) }
  }
}

extension TenantStatus {
  init(_ tenant: SchedulerReport.Tenant) {
    let percent = { (share: Double) in (share * 1000).rounded() / 10 }
    self.init(
      phase: tenant.waiting > 0 ? "waiting" : tenant.holders > 0 ? "active" : "idle", sessions: tenant.sessions,
      waiting: tenant.waiting, graphs: tenant.graphs, held: tenant.held, diskBytes: tenant.diskBytes,
      sharePercent: percent(tenant.dominantShare), fairSharePercent: percent(tenant.fairShare),
      borrowedPercent: percent(tenant.borrowed))
  }
}

extension HostStatus {
  init(_ host: SchedulerReport.Host) {
    self.init(phase: host.isPresent ? "present" : "leaving", used: host.used, holders: host.holders)
  }
}

extension WaitingReport {
  /// Position, reason and expected start, for whoever waits.
  var text: String {
    var text = "position \(position) of \(waiting). \(sentence)"
    if let expectedStart {
      text += " It is expected to start in \(expectedStart.lowerBound.words) to \(expectedStart.upperBound.words)."
    }
    return text
  }
}

extension String {
  /// Without a full stop at its end: more follows.
  var withoutFullStop: String { hasSuffix(".") ? String(dropLast()) : self }
}

extension Duration {
  /// For example `40 s`, `12 min` or `3 h`.
  fileprivate var words: String {
    let seconds = Int(inSeconds.rounded())
    return seconds < 120 ? "\(seconds) s" : seconds < 7200 ? "\(seconds / 60) min" : "\(seconds / 3600) h"
  }
}
