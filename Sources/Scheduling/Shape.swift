import Objects

/// The resources and constraints of a request, without its owner: requests of the same shape fit, or do not fit, alike.
struct Shape: Sendable, Hashable {
  let members: [ResourceRequest.Member]
  let membersApart: Bool
  let apartFrom: String?
  let placement: ResourceRequest.Placement
  let sessions: Int

  init(_ request: ResourceRequest) {
    members = request.members
    membersApart = request.membersApart
    apartFrom = request.apartFrom
    placement = request.placement
    sessions = request.sessions
  }
}

/// The shapes of all waiting requests, each once.
struct ShapeTable: Sendable {
  struct Entry: Sendable {
    let shape: Shape
    /// The sum over the members.
    let total: Resources
    /// The members in the order of placement.
    let order: [Int]
    /// The number of waiting requests of this shape.
    fileprivate(set) var count = 0
    /// The state of the hosts (see `Scheduler.freed`) in which it did not fit; 0 for none.
    fileprivate(set) var blockedAt: UInt64 = 0
  }

  private var entries: [Entry?] = []
  private var numbers: [Shape: Int] = [:]
  private var unused: [Int] = []

  /// The latest state in which a shape did not fit, and how many shapes did not fit in it.
  private var latest: UInt64 = 0
  private var blocked = 0

  subscript(_ number: Int) -> Entry { entries[number]! }

  func blockedAt(_ number: Int) -> UInt64 { entries[number]!.blockedAt }

  /// Whether no shape fits.
  func areAllBlocked(at state: UInt64) -> Bool { latest == state && blocked == numbers.count }

  /// Records that a shape does not fit; states only increase.
  mutating func block(_ number: Int, at state: UInt64) {
    if latest != state { (latest, blocked) = (state, 0) }
    if entries[number]!.blockedAt != state { blocked += 1 }
    entries[number]!.blockedAt = state
  }

  /// Adds a waiting request of a shape.
  mutating func add(_ shape: Shape) -> Int {
    if let number = numbers[shape] {
      entries[number]!.count += 1
      return number
    }
    let number = unused.popLast() ?? entries.count
    if number == entries.count { entries.append(nil) }
    let order = GangSearch.order(of: shape.members)
    entries[number] = Entry(shape: shape, total: .sum(shape.members.lazy.map(\.resources)), order: order, count: 1)
    numbers[shape] = number
    return number
  }

  /// Removes a waiting request of a shape.
  mutating func remove(_ number: Int) {
    entries[number]!.count -= 1
    guard entries[number]!.count == 0 else { return }
    if entries[number]!.blockedAt == latest { blocked -= 1 }
    numbers[entries[number]!.shape] = nil
    entries[number] = nil
    unused.append(number)
  }
}
