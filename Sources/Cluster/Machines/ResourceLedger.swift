/// Who holds what on which host, and who waits for it, as a pure value.
///
/// A request is a *gang*: amounts for several members, each on one host. All are granted at once or none. Requests are
/// granted in the order in which they came; the first that does not fit makes all later ones wait. Members go to the
/// first host, in the order of names, that has room.
///
/// | event        | effect                                                                             |
/// |--------------|------------------------------------------------------------------------------------|
/// | `setHost`    | the host is there, with that capacity                                                |
/// | `removeHost` | nothing is placed there any more; what is held there stays held until it is released |
/// | `request`    | queued; refused when it could never fit the hosts of now                             |
/// | `withdraw`   | leaves the queue                                                                     |
/// | `release`    | given back, whole                                                                    |
/// | `grantWaiting` | those that wait first and fit are granted                                          |
/// | `restore`    | what a journal says was granted, or waited, is so again                              |
///
/// Only `grantWaiting` grants. It is called last in a transaction, when all withdrawals that belong together are made:
/// otherwise one withdrawal could grant what the next one gives up.
///
/// Invariants, see `violations`: on every host the allocations sum up to what is booked, and never exceed the capacity;
/// nobody both waits and holds.
public struct ResourceLedger: Sendable, Equatable {
  /// The most members of a gang.
  public static let maximumMembers = 4_096

  private struct Host: Equatable {
    let name: String
    var capacity: Resources
    var used = Resources.zero
    var isPresent = true
  }

  private struct Request: Equatable {
    let owner: String
    let members: [Resources]
  }

  /// In the order of names.
  private var hosts: [Host] = []
  private var allocations: [String: Allocation] = [:]
  private var queue: [Request] = []
  private let maximumQueue: Int

  /// An empty ledger.
  /// - Parameter maximumQueue: the most requests that wait; later ones are refused.
  public init(maximumQueue: Int = 10_000) { self.maximumQueue = maximumQueue }

  /// Everything that is held, in no order.
  public var holders: Dictionary<String, Allocation>.Values { allocations.values }

  /// Who waits, in order.
  public var waiting: [String] { queue.map(\.owner) }

  /// What an owner holds.
  public func allocation(of owner: String) -> Allocation? { allocations[owner] }

  /// What a host has and what is booked on it; nil when it is not known.
  public func usage(of host: String) -> (capacity: Resources, used: Resources)? {
    index(of: host).map { (hosts[$0].capacity, hosts[$0].used) }
  }

  /// A host appears, returns, or has another capacity now.
  /// - Throws: `LedgerError` when the capacity is less than what is held there.
  public mutating func setHost(_ name: String, capacity: Resources) throws(LedgerError) {
    guard capacity.isValid else { throw .invalid("capacity of host \(name)") }
    let place = insertionIndex(of: name)
    if place < hosts.count, hosts[place].name == name {
      guard hosts[place].used.fits(in: capacity) else { throw .hostInUse(name) }
      hosts[place].capacity = capacity
      hosts[place].isPresent = true
    } else {
      hosts.insert(Host(name: name, capacity: capacity), at: place)
    }
  }

  /// A host is lost or taken out of service.
  /// - Returns: who still holds something there, in the order of names. The host is forgotten when they released it.
  public mutating func removeHost(_ name: String) -> [String] {
    guard let index = index(of: name) else { return [] }
    hosts[index].isPresent = false
    if hosts[index].used == .zero {
      hosts.remove(at: index)
      return []
    }
    return allocations.values.filter { $0.placements.contains { $0.host == name } }.map(\.owner).sorted()
  }

  /// Asks for all members' amounts at once; the request waits until `grantWaiting` grants it.
  /// - Throws: `LedgerError` when the owner holds or waits already, the request could never be granted, or too many wait.
  public mutating func request(_ owner: String, members: [Resources]) throws(LedgerError) {
    guard allocations[owner] == nil, !queue.contains(where: { $0.owner == owner }) else { throw .ownerKnown(owner) }
    guard !members.isEmpty, members.count <= Self.maximumMembers, members.allSatisfy({ $0.isValid && $0 != .zero })
    else {
      throw .invalid("request of \(owner)")
    }
    guard firstFit(members, room: { $0.isPresent ? $0.capacity : nil }) != nil else { throw .impossible(owner) }
    guard queue.count < maximumQueue else { throw .queueFull(maximumQueue) }
    queue.append(Request(owner: owner, members: members))
  }

  /// Takes a waiting request back; no error when there is none.
  public mutating func withdraw(_ owner: String) { queue.removeAll { $0.owner == owner } }

  /// Gives everything back that an owner holds.
  /// - Throws: `LedgerError` when the owner holds nothing: it released twice, or never held anything.
  public mutating func release(_ owner: String) throws(LedgerError) {
    guard let allocation = allocations.removeValue(forKey: owner) else { throw .nothingHeld(owner) }
    allocation.placements.forEach { unbook($0) }
  }

  /// Grants what waits, in order, up to the first that does not fit.
  public mutating func grantWaiting() -> [Allocation] {
    var granted: [Allocation] = []
    while let first = queue.first, let allocation = place(first) {
      queue.removeFirst()
      granted.append(allocation)
    }
    return granted
  }

  /// Books what a journal says was granted. First set the hosts of the journal, then restore, then remove lost hosts.
  /// - Throws: `LedgerError` when the owner is known already or the hosts have no room; nothing is booked then.
  public mutating func restore(_ allocation: Allocation) throws(LedgerError) {
    let owner = allocation.owner
    guard allocations[owner] == nil, !queue.contains(where: { $0.owner == owner }) else { throw .ownerKnown(owner) }
    for (number, placement) in allocation.placements.enumerated() {
      guard placement.resources.isValid, placement.resources != .zero, let index = index(of: placement.host),
        placement.resources.fits(in: hosts[index].capacity - hosts[index].used)
      else {
        allocation.placements.prefix(number).forEach { unbook($0) }
        throw .noRoom(owner: owner, host: placement.host)
      }
      hosts[index].used = hosts[index].used + placement.resources
    }
    allocations[owner] = allocation
  }

  /// Puts a request that a journal says was waiting at the end of the queue again. It may be one that the hosts of now
  /// could never take.
  /// - Throws: `LedgerError` when the owner is known already.
  public mutating func restore(waiting owner: String, members: [Resources]) throws(LedgerError) {
    guard allocations[owner] == nil, !queue.contains(where: { $0.owner == owner }) else { throw .ownerKnown(owner) }
    guard !members.isEmpty, members.count <= Self.maximumMembers, members.allSatisfy({ $0.isValid && $0 != .zero })
    else { throw .invalid("request of \(owner)") }
    queue.append(Request(owner: owner, members: members))
  }

  /// What does not hold and must; empty as long as the ledger is right. Looks at everything.
  public func violations() -> [String] {
    var booked: [String: Resources] = [:]
    for placement in allocations.values.lazy.flatMap(\.placements) {
      booked[placement.host, default: .zero] = booked[placement.host, default: .zero] + placement.resources
    }
    var found: [String] = []
    for host in hosts {
      let sum = booked.removeValue(forKey: host.name) ?? .zero
      if sum != host.used { found.append("host \(host.name): allocations sum up to \(sum), booked is \(host.used)") }
      if !host.used.fits(in: host.capacity) { found.append("host \(host.name) is overcommitted") }
    }
    found += booked.keys.sorted().map { "host \($0) is unknown and has allocations" }
    found += queue.filter { allocations[$0.owner] != nil }.map { "\($0.owner) both waits and holds" }
    return found
  }

  // MARK: - Placement

  private mutating func place(_ request: Request) -> Allocation? {
    guard let chosen = firstFit(request.members, room: { $0.isPresent ? $0.capacity - $0.used : nil }) else {
      return nil
    }
    var placements: [Allocation.Placement] = []
    for (index, resources) in zip(chosen, request.members) {
      hosts[index].used = hosts[index].used + resources
      placements.append(Allocation.Placement(host: hosts[index].name, resources: resources))
    }
    let allocation = Allocation(owner: request.owner, placements: placements)
    allocations[request.owner] = allocation
    return allocation
  }

  /// The host of each member, or nil when not all find one. `room` is what a host offers, nil for nothing.
  private func firstFit(_ members: [Resources], room: (Host) -> Resources?) -> [Int]? {
    var taken: [Int: Resources] = [:]
    var chosen: [Int] = []
    for (number, member) in members.enumerated() {
      // What had no room for an equal member has none for this one.
      var index = number > 0 && members[number - 1] == member ? chosen[number - 1] : 0
      while index < hosts.count {
        if let room = room(hosts[index]), member.fits(in: room - (taken[index] ?? .zero)) { break }
        index += 1
      }
      guard index < hosts.count else { return nil }
      taken[index] = (taken[index] ?? .zero) + member
      chosen.append(index)
    }
    return chosen
  }

  // MARK: - Hosts

  private mutating func unbook(_ placement: Allocation.Placement) {
    guard let index = index(of: placement.host) else { return }
    hosts[index].used = hosts[index].used - placement.resources
    if !hosts[index].isPresent && hosts[index].used == .zero { hosts.remove(at: index) }
  }

  private func index(of name: String) -> Int? {
    let place = insertionIndex(of: name)
    return place < hosts.count && hosts[place].name == name ? place : nil
  }

  /// The first place whose host's name is not before `name`.
  private func insertionIndex(of name: String) -> Int {
    var low = 0
    var high = hosts.count
    while low < high {
      let middle = (low + high) / 2
      if hosts[middle].name < name { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
