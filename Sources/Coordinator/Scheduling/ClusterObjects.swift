import Logging
import Objects
import Scheduling
import StateStore
import Synchronization

/// A tenant as stored in the state store: its policy and its usage.
public typealias TenantDocument = ClusterObject<TenantPolicy, TenantStatus>

/// The observed status of a tenant.
public struct TenantStatus: Codable, Sendable, Equatable {
  /// `idle`, `active`, or `waiting` if one of its requests is waiting.
  public var phase: String
  /// The number of open sessions that hold their resources.
  public var sessions: Int
  /// The number of waiting requests.
  public var waiting: Int
  /// The number of graphs of its sessions.
  public var graphs: Int
  /// The resources that it holds on hosts.
  public var held: Resources
  /// Bytes on disk.
  public var diskBytes: Int64
  /// The largest fraction that it holds of any resource of all hosts, in percent.
  public var sharePercent: Double
  /// Its fair share among the tenants that hold or wait now, in percent.
  public var fairSharePercent: Double
  /// By how much it exceeds its fair share, in percent; other tenants may reclaim it.
  public var borrowedPercent: Double
}

/// A host as stored in the state store.
public typealias HostDocument = ClusterObject<HostSpec, HostStatus>

/// The configuration of a host.
public struct HostSpec: Codable, Sendable, Equatable {
  /// The resources available to engines.
  public var capacity: Resources
  /// The labels that requests select hosts by.
  public var labels: [String: String]
}

/// The observed status of a host.
public struct HostStatus: Codable, Sendable, Equatable {
  /// `present`, or `leaving` while something is held on a removed host.
  public var phase: String
  /// The resources held there.
  public var used: Resources
  /// The number of holders there.
  public var holders: Int
}

extension Coordinator {
  /// Writes tenants and hosts that have changed to the state store, for operators.
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
      try await journal.commitAll(
        "record the state of tenants and hosts", by: "coordinator", on: Journal.Collection.cluster, changes)
    } catch {
      published.withLock { $0 = PublishedObjects() }
      logger.debug("cannot update tenants and hosts in the state store", metadata: ["error": "\(error)"])
    }
  }

  /// Marks the tenants and hosts of an earlier process, so that the next `publishCluster` removes those unknown to this one.
  func recoverPublished() async throws(CoordinatorError) {
    for prefix in [ObjectKind.tenant.prefix, ObjectKind.host.prefix] {
      do {
        let keys = try await store.entries(prefix: prefix, at: nil).entries.map(\.key)
        published.withLock { $0.take(keys) }
      } catch { throw CoordinatorError(.stateUnavailable, "cannot read the state store: \(error)") }
    }
  }

  /// All metrics in Prometheus' text format.
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

/// The tenants and hosts in the state store.
struct PublishedObjects {
  /// The changes last written, by key; nil for entries of an earlier process.
  private var values: [String: StateChange?] = [:]

  /// Records keys that are in the store.
  mutating func take(_ keys: [String]) { for key in keys { values.updateValue(nil, forKey: key) } }

  /// Returns the change that updates a document; nil if it is up to date.
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

  /// Returns the changes that remove outdated documents.
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
  /// The position, reason and expected start, for people.
  var text: String {
    var text = "position \(position) of \(waiting). \(sentence)"
    if let expectedStart {
      text += " It is expected to start in \(expectedStart.lowerBound.words) to \(expectedStart.upperBound.words)."
    }
    return text
  }
}

extension String {
  /// The text without a full stop at its end, to be continued.
  var withoutFullStop: String { hasSuffix(".") ? String(dropLast()) : self }
}

extension Duration {
  /// The duration as text, for example `40 s`, `12 min` or `3 h`.
  fileprivate var words: String {
    let seconds = Int(inSeconds.rounded())
    return seconds < 120 ? "\(seconds) s" : seconds < 7200 ? "\(seconds / 60) min" : "\(seconds / 3600) h"
  }
}
