import Objects
import Scheduling

extension SessionControl {
  /// An event of a session. Codable, so that histories can be recorded and replayed.
  public enum Event: Sendable, Equatable, Codable {
    // The client; see `SessionLifecycle`.
    case signOfLife, reconnect, connectionLost, hold
    case endHold(wasClient: Bool)
    /// The client or an operator closes it; refused if it is already closing.
    case close
    /// Time has passed.
    case tick
    // Opening.
    /// The session is recorded and has a directory: its engines may be started once granted.
    case setUp
    /// The session becomes visible to clients.
    case admitted
    // Recovery.
    /// The session cannot be recovered at present and must be set up again.
    case recoveryFailed
    /// The session was recovered after an earlier failure.
    case cameBack
    // Graphs, by the engine's keys.
    case graphMade(key: String, name: String)
    /// A graph is about to be unloaded; refused while an instance serves it.
    case graphGone(key: String)
    /// Graphs were lost together with their engines.
    case graphsLost(keys: [String])
    // Steps on the session's engines.
    case beginStep(String)
    case endStep(String)
    // Instances.
    case request(String, kind: InstanceKind, graph: String?, ResourceRequest)
    /// The scheduler granted an owner's request.
    case granted(owner: ObjectReference)
    /// The scheduler rejected an owner's request.
    case resourcesRefused(owner: ObjectReference)
    /// An owner must be drained for the sake of another one.
    case preempt(owner: ObjectReference, Preemption)
    case instance(String, InstanceLifecycle.Event)
    /// A serving instance ended unexpectedly; ignored if it is already being stopped. It stays, as failed, until it is forgotten.
    case died(String)
    /// Nothing is left of engines that died or failed to start: start new ones, or give up.
    case startAgain(String)
    /// An ended instance is no longer needed.
    case forget(String)
    /// Nothing is left of any instance.
    case allEnded
  }

  /// An effect of a session to perform. Effects are performed in order.
  public enum Effect: Sendable, Equatable, Codable {
    /// Perform the action of an instance; never `none`, nor an action that `resources` replaces.
    case instance(String, InstanceLifecycle.Action)
    /// Hand an event of an instance to the scheduler; the control plane does so itself. An instance that releases has ended.
    case resources(String, ResourceEvent)
    /// Restart engines, after a pause.
    case startAgain(String, after: Duration)
    /// Give up engines that died too often: they are not restarted.
    case givenUp(String)
    /// Let the step end or cancel it, end the engines, then report `gaveWay`.
    case giveWay(String, Preemption)
    /// The session is closing, reported once: end all of it, then report `allEnded`.
    case closing
    /// Cancel a step, then report `endStep`.
    case cancelStep(String)
    /// The event was illegal; nothing has changed.
    case refused(SessionRefusal)
    /// The session is closed; forget it.
    case closed
  }

  /// The journaled state of a session.
  public struct Record: Sendable, Equatable, Codable {
    /// An instance and its request.
    public struct Instance: Sendable, Equatable, Codable {
      /// The state of the instance.
      public var recorded: SessionComposition.Recorded
      /// The request.
      public var request: ResourceRequest

      /// Creates an instance.
      public init(recorded: SessionComposition.Recorded, request: ResourceRequest) {
        self.recorded = recorded
        self.request = request
      }
    }

    /// How long it is kept without a sign of life; nil for no limit.
    public var lease: Duration?
    /// Whether it was closing.
    public var isClosing: Bool
    /// The names of its graphs, by the engine's keys.
    public var graphs: [String: String]
    /// Its instances.
    public var instances: [Instance]

    /// Creates a record.
    public init(lease: Duration?, isClosing: Bool, graphs: [String: String], instances: [Instance]) {
      self.lease = lease
      self.isClosing = isClosing
      self.graphs = graphs
      self.instances = instances
    }
  }
}
