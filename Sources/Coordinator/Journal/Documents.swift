import Engines
import Scheduling
import StateStore

// The documents that the coordinator keeps in the state store, in addition to those of the objects made by a session's operations
// (`ObjectDocument`).

/// A session as stored in the state store.
public typealias SessionDocument = ClusterObject<SessionSpec, SessionStatus>

/// The parameters with which a client opened a session.
public struct SessionSpec: Codable, Sendable {
  /// The client's version.
  public var clientVersion: String
  /// How long the session is kept without a sign of life, in milliseconds; nil for no limit.
  public var leaseMilliseconds: Int64?
  /// Its number in the order of opening.
  public var serial: UInt64
  /// The request for its resources; nil for sessions opened before there was a scheduler.
  public var request: ResourceRequest?
}

/// The observed status of a session.
public struct SessionStatus: Codable, Sendable {
  /// The phase; see `SessionLifecycle.Phase`.
  public var phase: String
  /// The hosts that its engine runs on.
  public var hosts: [String]
  /// The number of the engine's workers.
  public var workers: Int
  /// The resources it holds; nil while it waits.
  public var allocation: Allocation?
  /// The name of the client process that uses it, which the sessions of that process share; nil for sessions of earlier versions.
  public var client: String?
}

/// A step as stored in the state store. Steps that only read are not stored.
public typealias StepDocument = ClusterObject<StepSpec, StepStatus>

/// The operations that a client requested in a step.
public struct StepSpec: Codable, Sendable {
  /// An operation.
  public struct Operation: Codable, Sendable {
    /// The client's key for it.
    public var key: String
    /// The type of the operation, for example `RUN_APP`.
    public var kind: String
    /// The keys of the operations whose results it uses.
    public var parents: [String]
  }

  /// The algorithm that it runs or prepares, if any.
  public var algorithm: String?
  /// The operations in order; only the first 200 of a longer step.
  public var operations: [Operation]
}

/// The progress and outcome of a step.
public struct StepStatus: Codable, Sendable {
  /// The phase of a step.
  public enum Phase: String, Codable, Sendable {
    case running, succeeded, failed, cancelled
    /// The coordinator ended while the step ran.
    case interrupted
  }

  /// Why a step failed.
  public struct Failure: Codable, Sendable {
    /// The client's key of the failed operation; empty if the step itself failed.
    public var operation: String
    /// `EngineError.Code`, or `interrupted`.
    public var code: String
    /// The message sent to the client.
    public var message: String
  }

  /// The phase.
  public var phase: Phase
  /// When it ended, in milliseconds since 1970.
  public var finishedMilliseconds: Int64?
  /// Why it failed.
  public var failure: Failure?
}

/// An engine of a session as stored in the state store.
public typealias InstanceDocument = ClusterObject<InstanceSpec, InstanceStatus>

/// The requested engine.
public struct InstanceSpec: Codable, Sendable {
  /// The session that it belongs to.
  public var session: String
  /// `analytical`, `interactive` or `learning`.
  public var kind: String
  /// The graph that it serves; nil for analytical engines.
  public var graph: Int64?
}

/// The observed status of an engine.
public struct InstanceStatus: Codable, Sendable {
  /// The phase; see `InstanceLifecycle.Phase`.
  public var phase: String
  /// The addresses at which it is reached; empty for an engine inside the coordinator.
  public var endpoints: [String]
}

/// The object made by an operation, stored under a number unique in the session.
struct ObjectDocument: Codable {
  /// The client's key of the operation.
  var operation: String
  var kind: Kind
  /// The engine's key of the object, or the name of an algorithm.
  var object: String?
  /// The client's number of a graph.
  var graph: Int64?
  /// The archive with the client's own code of an algorithm.
  var archive: [UInt8]?
  /// The origin of the object; nil in documents of earlier versions.
  var origin: ObjectOrigin?

  enum Kind: String, Codable {
    case graph, application, boundApplication, result
    /// The object was unloaded, or the operation made none.
    case nothing
  }

  /// The maximum size of a stored archive in bytes; larger ones would not fit the state store.
  static let archiveBound = 256 << 10

  init(_ handle: ObjectHandle, of operation: OperationKey) {
    self.operation = operation
    switch handle {
    case .graph(let key): (kind, object) = (.graph, key)
    case .boundApplication(let key): (kind, object) = (.boundApplication, key)
    case .context(let key): (kind, object) = (.result, key)
    case .application(let algorithm, let code) where code.count <= Self.archiveBound:
      (kind, object) = (.application, algorithm)
      archive = code.isEmpty ? nil : code
    case .none, .tables, .application: kind = .nothing
    }
  }

  /// The handle, as far as it was stored.
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
