import Access
import Engines
import FoundationEssentials
import Objects
import StateStore
import Synchronization

/// A graph or a result of a session as reported to operators. It is not stored; the engine is queried.
public typealias SessionObjectDocument = ClusterObject<SessionObjectSpec, SessionObjectStatus>

/// The specification of a graph or result.
public struct SessionObjectSpec: Codable, Sendable {
  /// The session that it belongs to.
  public var session: String
  /// The session's key of the object.
  public var key: String
  /// The algorithm that computed a result.
  public var algorithm: String?
  /// The key of the graph that a result belongs to.
  public var graph: String?
  /// Whether a graph's edges are directed.
  public var isDirected: Bool?
}

/// The observed status of a graph or result. Values that the engine does not report are nil.
public struct SessionObjectStatus: Codable, Sendable {
  /// `ready`, or `unknown` if the engine cannot be queried because the session waits or its engines have died.
  public var phase: String
  /// The form of the graph or result.
  public var form: String?
  /// The number of vertices of a graph.
  public var vertices: Int64?
  /// The number of edges of a graph.
  public var edges: Int64?
  /// The number of values of a result.
  public var values: Int64?
  /// The size of its data in bytes. Projections share the data of their graph.
  public var dataBytes: Int64?
  /// The labels of its vertices; at most 100.
  public var vertexLabels: [ObjectSummary.Label]?
  /// The labels of its edges.
  public var edgeLabels: [ObjectSummary.Label]?
}

extension SessionObjectDocument {
  /// The document in the format of the state store.
  public var json: [UInt8] {
    guard case .put(_, let bytes, _) = Journal.put(self) else { return [] }
    return bytes
  }
}

extension Coordinator {
  /// Returns the graphs or the results of sessions, in no particular order.
  /// - Parameters:
  ///   - session: The session whose objects to return; nil for all.
  ///   - tenant: The tenant whose sessions to include; nil for all.
  public func sessionObjects(
    _ kind: ObjectKind, session: String? = nil, tenant: String? = nil
  ) async -> [SessionObjectDocument] {
    var found: [SessionObjectDocument] = []
    let sessions = state.withLock { state in
      session.map { [state.sessions[$0]].compactMap { $0 } } ?? Array(state.sessions.values)
    }
    for session in sessions where tenant == nil || session.tenant == tenant { found += await session.objects(kind) }
    return found
  }
}

extension Session {
  fileprivate func objects(_ kind: ObjectKind) async -> [SessionObjectDocument] {
    let engine = gate.current?.analytical
    var found: [SessionObjectDocument] = []
    var seen: Set<String> = []
    for (handle, origin) in registry.withLock({ $0.objects }) {
      guard let key = handle.key(of: kind), seen.insert(key).inserted else { continue }
      let summary = await engine?.summary(of: handle)
      found.append(
        SessionObjectDocument(
          kind: kind, name: "\(id)/\(key)", owner: principal.description, tenant: tenant,
          // Objects of an earlier version lack their creation time.
          createdMilliseconds: origin.madeMilliseconds ?? storedDocument.createdMilliseconds,
          spec: SessionObjectSpec(
            session: id, key: key, algorithm: kind == .result ? origin.algorithm : nil, graph: summary?.graph,
            isDirected: summary?.isDirected),
          status: SessionObjectStatus(summary)))
    }
    return found
  }
}

extension ObjectHandle {
  /// Returns its key if it is of that kind.
  fileprivate func key(of kind: ObjectKind) -> String? {
    switch (self, kind) {
    case (.graph(let key), .graph), (.context(let key), .result): key
    default: nil
    }
  }
}

extension SessionObjectStatus {
  private static let shownLabels = 100

  fileprivate init(_ summary: ObjectSummary?) {
    func sum(_ labels: [ObjectSummary.Label]) -> Int64? {
      labels.contains { $0.count == nil } || labels.isEmpty ? nil : labels.reduce(0) { $0 + ($1.count ?? 0) }
    }
    func shown(_ labels: [ObjectSummary.Label]) -> [ObjectSummary.Label]? {
      labels.isEmpty ? nil : Array(labels.prefix(Self.shownLabels))
    }
    phase = summary == nil ? "unknown" : "ready"
    form = summary?.form
    guard let summary else { return }
    (vertices, edges) = (sum(summary.vertexLabels), sum(summary.edgeLabels))
    (values, dataBytes) = (summary.values, summary.dataBytes)
    (vertexLabels, edgeLabels) = (shown(summary.vertexLabels), shown(summary.edgeLabels))
  }
}
