/// Why a ledger refused.
public enum LedgerError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Negative amounts, or no members or too many.
  case invalid(String)
  /// The owner holds or waits already.
  case ownerKnown(String)
  /// The owner holds nothing that could be released.
  case nothingHeld(String)
  /// No free host, and no host that is busy now, could take it.
  case impossible(String)
  /// As many wait as may.
  case queueFull(Int)
  /// More is held on the host than its new capacity.
  case hostInUse(String)
  /// A journal's allocation does not fit its host.
  case noRoom(owner: String, host: String)

  /// What failed, why and what to do.
  public var description: String {
    switch self {
    case .invalid(let what):
      "The \(what) is not valid: amounts must not be negative, a member asks for something, and a request has 1 to \(ResourceLedger.maximumMembers) members."
    case .ownerKnown(let owner): "\(owner) holds or waits for resources already; release or withdraw them first."
    case .nothingHeld(let owner): "\(owner) holds no resources that could be released."
    case .impossible(let owner):
      "What \(owner) asks for exceeds what the hosts have even when idle; ask for less or add hosts."
    case .queueFull(let bound): "\(bound) requests wait for resources already; try again later."
    case .hostInUse(let host): "More is held on host \(host) than its new capacity; stop what runs there first."
    case .noRoom(let owner, let host):
      "Host \(host) has no room for what \(owner) is recorded to hold there; the journal and the hosts disagree."
    }
  }
}
