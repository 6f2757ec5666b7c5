/// The hosts, what is booked on them, and lists in which one that fits is found without looking at all of them.
struct HostIndex: Sendable {
  /// The most hosts.
  static let maximumHosts = 65_536
  /// Selectors that have a list of their own; hosts for further ones are found in the list of all.
  private static let maximumSelectors = 64

  struct Host: Sendable {
    let name: String
    var capacity: Resources
    var labels: [String: String]
    var isPresent = true
    /// Booked by holders.
    var used = Resources.zero
    /// Kept for requests that are next.
    var reserved = Resources.zero
    /// The part of what is used that is on its way back.
    var draining = Resources.zero
    /// The part of what is used that may be asked back.
    var preemptible = Resources.zero
    /// Those that hold something here, each once.
    var holders: [String] = []
    /// Its place in the order of names.
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

  /// By slot; nil for slots that are not in use.
  private var hosts: [Host?] = []
  private var slots: [String: Int] = [:]
  private var unused: [Int] = []
  private var lists: [HostList] = [HostList()]
  private var selectors: [[String: String]: Int] = [:]
  /// Whether hosts came or went and the lists must be made anew.
  private var isStale = false
  /// What the hosts have that are there.
  private(set) var total = Resources.zero
  /// What is booked on hosts that are there.
  private(set) var used = Resources.zero
  /// Hosts that are there.
  private(set) var count = 0

  func slot(of name: String) -> Int? { slots[name] }

  subscript(_ slot: Int) -> Host { hosts[slot]! }

  /// All that are known, in the order of names.
  var sorted: [Host] { hosts.compactMap { $0 }.sorted { $0.name < $1.name } }

  /// Slots of all that are there, in the order of names.
  var present: [Int] {
    slots.values.filter { hosts[$0]!.isPresent }.sorted { hosts[$0]!.name < hosts[$1]!.name }
  }

  // MARK: - Changes

  /// A host appears, returns or changes. What is used must fit the capacity.
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

  /// A host is lost; it is forgotten at once when nothing is held there, otherwise when it was given back.
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

  /// Changes what is booked or kept on a host.
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

  /// Forgets a lost host on which nothing is held any more.
  mutating func forgetIfIdle(_ slot: Int) {
    guard let host = hosts[slot], !host.isPresent, host.used == .zero, host.holders.isEmpty else { return }
    slots[host.name] = nil
    hosts[slot] = nil
    unused.append(slot)
  }

  // MARK: - Searches

  /// The first host of those with these labels that has so much and is accepted.
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

  /// Whether a host is there and has these labels.
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
