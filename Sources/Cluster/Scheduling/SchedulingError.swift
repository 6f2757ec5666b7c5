/// Why the scheduler refused.
public struct SchedulingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What to decide by.
  public enum Code: String, Sendable, Codable, CaseIterable {
    /// Negative or absurd amounts, no members or too many.
    case invalid
    /// The owner holds or waits already.
    case ownerKnown
    /// The owner holds nothing.
    case nothingHeld
    /// It exceeds what the hosts have even when idle.
    case impossible
    /// It exceeds the tenant's quota: for ever when it was submitted, now when a holder wants to grow.
    case quota
    /// As many of the tenant's requests wait as may.
    case tenantQueueFull
    /// As many requests wait as may, of all tenants.
    case queueFull
    /// More is held on the host than its new capacity.
    case hostInUse
    /// The hosts have no room now for what a holder wants to grow by, or for what a journal says that is held there.
    case noRoom
    /// The holder was asked to give everything back and cannot grow.
    case draining
  }

  /// What to decide by.
  public let code: Code
  /// What failed, with the numbers, and what to do: sentences.
  public let description: String

  init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }

  static func ownerKnown(_ owner: String) -> Self {
    Self(.ownerKnown, "\(owner) holds or waits for resources already; release or withdraw them first.")
  }

  static func nothingHeld(_ owner: String) -> Self { Self(.nothingHeld, "\(owner) holds no resources.") }
}
