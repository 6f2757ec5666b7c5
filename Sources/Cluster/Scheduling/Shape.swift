/// What requests ask for, without who asks: requests of one shape fit or do not fit alike.
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

/// The shapes of all requests that wait, each once.
struct ShapeTable: Sendable {
  struct Entry: Sendable {
    let shape: Shape
    /// The sum over the members.
    let total: Resources
    /// Members in the order in which they are placed.
    let order: [Int]
    /// Requests of this shape that wait.
    fileprivate(set) var count = 0
    /// The state of the hosts, see `Scheduler.freed`, in which it did not fit. 0 for none.
    fileprivate(set) var blockedAt: UInt64 = 0
  }

  private var entries: [Entry?] = []
  private var numbers: [Shape: Int] = [:]
  private var unused: [Int] = []

  /// The latest state in which any did not fit, and how many did not.
  private var latest: UInt64 = 0
  private var blocked = 0

  subscript(_ number: Int) -> Entry { entries[number]! }

  func blockedAt(_ number: Int) -> UInt64 { entries[number]!.blockedAt }

  /// Whether none fits.
  func areAllBlocked(at state: UInt64) -> Bool { latest == state && blocked == numbers.count }

  /// A shape does not fit; states only grow.
  mutating func block(_ number: Int, at state: UInt64) {
    if latest != state { (latest, blocked) = (state, 0) }
    if entries[number]!.blockedAt != state { blocked += 1 }
    entries[number]!.blockedAt = state
  }

  /// Another request of a shape waits.
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

  /// One of them waits no more.
  mutating func remove(_ number: Int) {
    entries[number]!.count -= 1
    guard entries[number]!.count == 0 else { return }
    if entries[number]!.blockedAt == latest { blocked -= 1 }
    numbers[entries[number]!.shape] = nil
    entries[number] = nil
    unused.append(number)
  }
}
