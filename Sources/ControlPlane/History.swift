/// A recorded sequence of events and effects of a control plane, which tests replay: the same events must lead to the same
/// effects.
///
/// A history file has one JSON value per line: first the `Header`, then the entries.
public enum History {
  /// The first line of a history.
  public struct Header: Sendable, Equatable, Codable {
    /// The time limits of the control plane.
    public var timeouts: InstanceLifecycle.Timeouts

    /// Creates a header.
    public init(timeouts: InstanceLifecycle.Timeouts) { self.timeouts = timeouts }
  }

  /// An event and its effects.
  public struct Entry: Sendable, Equatable, Codable {
    /// What happened.
    public var event: ControlPlane.Event
    /// The time of the event since the start of the history.
    public var time: Duration
    /// The effects of the event.
    public var effects: [ControlPlane.Effect]

    /// Creates an entry.
    public init(event: ControlPlane.Event, time: Duration, effects: [ControlPlane.Effect]) {
      self.event = event
      self.time = time
      self.effects = effects
    }
  }

  /// The error of an entry whose effects differ when it is replayed.
  public struct Difference: Error, Sendable, Equatable, CustomStringConvertible {
    /// The index of the entry, from 0.
    public var number: Int
    /// The recorded entry.
    public var entry: Entry
    /// The effects when replayed.
    public var effects: [ControlPlane.Effect]

    /// The event with the recorded and the replayed effects.
    public var description: String {
      "entry \(number), \(entry.event): recorded \(entry.effects), replayed \(effects)"
    }
  }

  /// Replays entries, starting with an empty control plane.
  /// - Returns: The control plane at the end.
  /// - Throws: `Difference` for the first entry with different effects.
  public static func replay(_ entries: [Entry], _ header: Header) throws(Difference) -> ControlPlane {
    var plane = ControlPlane(timeouts: header.timeouts)
    let start = ContinuousClock.now
    for (number, entry) in entries.enumerated() {
      let effects = plane.handle(entry.event, at: start + entry.time)
      guard effects == entry.effects else { throw Difference(number: number, entry: entry, effects: effects) }
    }
    return plane
  }
}
