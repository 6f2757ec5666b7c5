import Objects

/// An error of the scheduler.
public struct SchedulingError: Error, Sendable, Equatable, Codable, CustomStringConvertible {
  /// The kind of an error.
  public enum Code: String, Sendable, Codable, CaseIterable {
    /// Amounts are negative or absurdly large, or there are no members or too many.
    case invalid
    /// The owner already holds or waits.
    case ownerKnown
    /// The owner holds nothing.
    case nothingHeld
    /// The request exceeds the hosts even when they are idle.
    case impossible
    /// It exceeds the tenant's quota: permanently for a submitted request, currently for a holder that grows.
    case quota
    /// The maximum number of the tenant's requests is waiting.
    case tenantQueueFull
    /// The maximum number of requests is waiting, of all tenants.
    case queueFull
    /// More is held on the host than its new capacity.
    case hostInUse
    /// The hosts lack room now, for a holder to grow or for an allocation recovered from a journal.
    case noRoom
    /// The holder is being drained and cannot grow.
    case draining
  }

  /// The kind of the error.
  public let code: Code
  /// What failed, with numbers, and what to do, in sentences.
  public let description: String

  init(_ code: Code, _ description: String) {
    self.code = code
    self.description = description
  }

  static func ownerKnown(_ owner: ObjectReference) -> Self {
    Self(.ownerKnown, "\(owner) already holds or waits for resources; release them or withdraw the request first.")
  }

  static func nothingHeld(_ owner: ObjectReference) -> Self { Self(.nothingHeld, "\(owner) holds no resources.") }
}
