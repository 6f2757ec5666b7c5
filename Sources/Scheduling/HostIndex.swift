import Objects

/// The hosts, their bookings, and lists that find a fitting host without examining every host.
struct HostIndex: Sendable {
  /// The maximum number of hosts.
  static let maximumHosts = 65_536
  /// The number of selectors that get a list of their own; for further selectors, the list of all hosts is searched.
  private static let maximumSelectors = 64

  struct Host: Sendable {
    let name: String
    var capacity: Resources
    var labels: [String: String]
    var isPresent = true
    /// The amounts booked by holders.
    var used = Resources.zero
    /// The amounts reserved for the next requests.
    var reserved = Resources.zero
    /// The part of `used` that is being drained.
    var draining = Resources.zero
    /// The part of `used` that may be preempted.
    var preemptible = Resources.zero
    /// The owners with allocations on this host, each once.
    var holders: [ObjectReference] = []
    /// The rank of the host in the order of names.
    fileprivate var rank: UInt64 = 0
    fileprivate var key: UInt64 = 0
    fileprivate var lists: [Int] = []
    fileprivate(set) var measures = HostList.Measures()

    var free: Resources { (capacity - used).nonnegative }

    fileprivate mutating func settle() {
      let open = free
      let later = open + draining - reserved
      measures.offer = open.lower(later.nonnegative)
      measures.capacity = capacity
      measures.reach = (later + preemptible).nonnegative
      let emptiness = UInt64((max(0, 1 - used.dominantPart(of: capacity)) * Double(1 << 30)).rounded(.down))
      key = emptiness << 32 | rank
    }

    fileprivate var entry: (Int) -> HostList.Entry {
      { [key, measures] slot in HostList.Entry(key: key, slot: slot, measures: measures) }
    }
  }

  /// The hosts by slot; nil for unused slots.
  private var hosts: [Host?] = []
  private var slots: [String: Int] = [:]
  private var unused: [Int] = []
  private var lists: [HostList] = [HostList()]
  private var selectors: [[String: String]: Int] = [:]
  /// Whether hosts came or went, so that the lists must be rebuilt.
  private var isStale = false
  /// The total capacity of the hosts that are present.
  private(set) var total = Resources.zero
  /// The total bookings on the hosts that are present.
  private(set) var used = Resources.zero
  /// The number of hosts that are present.
  private(set) var count = 0

  func slot(of name: String) -> Int? { slots[name] }

  subscript(_ slot: Int) -> Host { hosts[slot]! }

  /// All known hosts, in the order of names.
  var sorted: [Host] { hosts.compactMap { $0 }.sorted { $0.name < $1.name } }

  /// The slots of the hosts that are present, in the order of names.
  var present: [Int] {
    slots.values.filter { hosts[$0]!.isPresent }.sorted { hosts[$0]!.name < hosts[$1]!.name }
  }

  // MARK: - Changes

  /// Adds a host, brings it back, or changes it. Its bookings must fit the capacity.
  mutating func set(_ name: String, capacity: Resources, labels: [String: String]) {
    if let slot = slots[name] {
      if hosts[slot]!.labels != labels || !hosts[slot]!.isPresent { isStale = true }
      if hosts[slot]!.isPresent {
        total = total - hosts[slot]!.capacity
      } else {
        used = used + hosts[slot]!.used
        count += 1
      }
      hosts[slot]!.isPresent = true
      hosts[slot]!.labels = labels
      total = total + capacity
      change(slot) { $0.capacity = capacity }
    } else {
      let slot = unused.popLast() ?? hosts.count
      if slot == hosts.count { hosts.append(nil) }
      hosts[slot] = Host(name: name, capacity: capacity, labels: labels)
      hosts[slot]!.settle()
      slots[name] = slot
      total = total + capacity
      count += 1
      isStale = true
    }
  }

  /// Marks a host as lost. It is removed at once if nothing is held there, otherwise after the last release.
  mutating func remove(_ slot: Int) {
    guard hosts[slot]!.isPresent else { return }
    total = total - hosts[slot]!.capacity
    used = used - hosts[slot]!.used
    count -= 1
    if !isStale { for list in hosts[slot]!.lists { lists[list].remove(key: hosts[slot]!.key) } }
    hosts[slot]!.isPresent = false
    hosts[slot]!.reserved = .zero
    forgetIfIdle(slot)
  }

  /// Changes the bookings or reservations of a host.
  mutating func change(_ slot: Int, _ body: (inout Host) -> Void) {
    let (old, before) = (hosts[slot]!.key, hosts[slot]!.used)
    body(&hosts[slot]!)
    hosts[slot]!.settle()
    guard hosts[slot]!.isPresent else { return }
    used = used + hosts[slot]!.used - before
    guard !isStale else { return }
    let entry = hosts[slot]!.entry(slot)
    for list in hosts[slot]!.lists { lists[list].replace(key: old, by: entry) }
  }

  /// Removes a lost host on which nothing is held any more.
  mutating func forgetIfIdle(_ slot: Int) {
    guard let host = hosts[slot], !host.isPresent, host.used == .zero, host.holders.isEmpty else { return }
    slots[host.name] = nil
    hosts[slot] = nil
    unused.append(slot)
  }

  // MARK: - Searches

  /// Returns the first host with these labels that has room for the amount and is accepted.
  mutating func first(
    selector: [String: String], fromEmptiest: Bool, with wanted: Resources, of measure: HostList.Measure,
    accept: (Int, HostList.Measures) -> Bool
  ) -> Int? {
    prepare()
    guard let number = list(of: selector) else {
      let hosts = self.hosts
      return lists[0].first(fromEmptiest: fromEmptiest, with: wanted, of: measure) {
        Self.matches(hosts[$0]!, selector) && accept($0, $1)
      }
    }
    return lists[number].first(fromEmptiest: fromEmptiest, with: wanted, of: measure, accept: accept)
  }

  /// Whether a host is present and has these labels.
  func isEligible(_ slot: Int, selector: [String: String]) -> Bool {
    hosts[slot]!.isPresent && Self.matches(hosts[slot]!, selector)
  }

  private static func matches(_ host: Host, _ selector: [String: String]) -> Bool {
    selector.allSatisfy { host.labels[$0.key] == $0.value }
  }

  private mutating func list(of selector: [String: String]) -> Int? {
    if selector.isEmpty { return 0 }
    if let number = selectors[selector] { return number }
    guard selectors.count < Self.maximumSelectors else { return nil }
    let number = lists.count
    selectors[selector] = number
    lists.append(HostList())
    fill(number, selector: selector)
    return number
  }

  private mutating func prepare() {
    guard isStale else { return }
    isStale = false
    let order = present
    for slot in hosts.indices where hosts[slot] != nil { hosts[slot]!.lists = [] }
    for (rank, slot) in order.enumerated() {
      hosts[slot]!.rank = UInt64(rank)
      hosts[slot]!.settle()
    }
    fill(0, selector: [:])
    for (selector, number) in selectors { fill(number, selector: selector) }
  }

  private mutating func fill(_ number: Int, selector: [String: String]) {
    var entries: [HostList.Entry] = []
    for slot in hosts.indices where hosts[slot] != nil && isEligible(slot, selector: selector) {
      hosts[slot]!.lists.append(number)
      entries.append(hosts[slot]!.entry(slot))
    }
    lists[number] = HostList(entries)
  }
}
