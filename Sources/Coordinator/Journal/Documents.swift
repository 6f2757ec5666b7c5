import Cluster
import Engines

// The documents that the coordinator keeps in the state store, beside those of the objects that a session's operations
// produced (`ObjectDocument`).

/// A session as it stands in the state store.
public typealias SessionDocument = ClusterObject<SessionSpec, SessionStatus>

/// What a client asked for when it opened a session.
public struct SessionSpec: Codable, Sendable {
  /// The client's version.
  public var clientVersion: String
  /// How long the session is kept without a sign of life, in milliseconds; nil for ever.
  public var leaseMilliseconds: Int64?
  /// Its number in the order of opening.
  public var serial: UInt64
  /// What was asked for on its behalf; nil for sessions from before there was a scheduler.
  public var request: ResourceRequest?
}

/// How a session stands.
public struct SessionStatus: Codable, Sendable {
  /// Where it stands in its life: see `SessionLifecycle.Phase`.
  public var phase: String
  /// Where its engine runs.
  public var hosts: [String]
  /// Number of the engine's workers.
  public var workers: Int
  /// What it holds; nil while it waits.
  public var allocation: Allocation?
}

/// A step as it stands in the state store. Steps that only read are not kept.
public typealias StepDocument = ClusterObject<StepSpec, StepStatus>

/// What a client asked for in a step.
public struct StepSpec: Codable, Sendable {
  /// An operation.
  public struct Operation: Codable, Sendable {
    /// The client's key for it.
    public var key: String
    /// What it does, for example `RUN_APP`.
    public var kind: String
    /// The operations whose results it works on.
    public var parents: [String]
  }

  /// The operations in their order; the first 200 of a longer step.
  public var operations: [Operation]
}

/// How a step went.
public struct StepStatus: Codable, Sendable {
  /// Where a step stands.
  public enum Phase: String, Codable, Sendable {
    case running, succeeded, failed, cancelled
    /// The coordinator ended while the step ran.
    case interrupted
  }

  /// Why a step failed.
  public struct Failure: Codable, Sendable {
    /// The client's key of the operation that failed; empty when it was the step itself.
    public var operation: String
    /// `EngineError.Code`, or `interrupted`.
    public var code: String
    /// What the client was told.
    public var message: String
  }

  /// Where it stands.
  public var phase: Phase
  /// When it ended, in milliseconds since 1970.
  public var finishedMilliseconds: Int64?
  /// Why it failed.
  public var failure: Failure?
}

/// An engine of a session as it stands in the state store.
public typealias InstanceDocument = ClusterObject<InstanceSpec, InstanceStatus>

/// Which engine was asked for.
public struct InstanceSpec: Codable, Sendable {
  /// The session that it belongs to.
  public var session: String
  /// `analytical`, `interactive` or `learning`.
  public var kind: String
  /// The graph that it serves; nil for analytical engines.
  public var graph: Int64?
}

/// How an engine stands.
public struct InstanceStatus: Codable, Sendable {
  /// Where it stands in its life: see `InstanceLifecycle.Phase`.
  public var phase: String
  /// Where it is reached; empty for an engine inside the coordinator.
  public var endpoints: [String]
}

/// What an operation produced, under a number of the session.
struct ObjectDocument: Codable {
  /// The client's key of the operation.
  var operation: String
  var kind: Kind
  /// The engine's key of the object, or the name of an algorithm.
  var object: String?
  /// The client's number of a graph.
  var graph: Int64?
  /// The user's own code of an algorithm.
  var archive: [UInt8]?

  enum Kind: String, Codable {
    case graph, application, boundApplication, result
    /// It was unloaded, or never was an object.
    case nothing
  }

  /// Larger archives are not kept: they would not fit the state store.
  private static let maximumArchiveBytes = 256 << 10

  init(_ handle: ObjectHandle, of operation: OperationKey) {
    self.operation = operation
    switch handle {
    case .graph(let key): (kind, object) = (.graph, key)
    case .boundApplication(let key): (kind, object) = (.boundApplication, key)
    case .context(let key): (kind, object) = (.result, key)
    case .application(let algorithm, let code) where code.count <= Self.maximumArchiveBytes:
      (kind, object) = (.application, algorithm)
      archive = code.isEmpty ? nil : code
    case .none, .tables, .application: kind = .nothing
    }
  }

  /// The handle, as far as it was kept.
  var handle: ObjectHandle {
    switch (kind, object) {
    case (.graph, let key?): .graph(key)
    case (.boundApplication, let key?): .boundApplication(key)
    case (.result, let key?): .context(key)
    case (.application, let algorithm?): .application(algorithm: algorithm, archive: archive ?? [])
    default: .none
    }
  }
}
