@testable import Cluster

/// A coordinator, hosts and clients under virtual time. Everything follows from the seed of the fake cluster and the
/// history; the invariants are checked after every event.
struct Simulation {
  /// What did not hold, and after which event of the history.
  struct Failure: Equatable, CustomStringConvertible {
    var invariant: String
    var detail: String
    var event: Int

    var description: String { "\(invariant): \(detail) (after event \(event))" }
  }

  struct Settings {
    var scale: SimulationScale
    var sabotage = ControlPlane.Sabotage.none
    /// What a host has.
    var capacity = Resources(
      cpuMillicores: 9_000, memoryBytes: 24 << 30, analyticalSlots: 2, interactiveSlots: 2, learningSlots: 2)
    /// Look at everything after so many events that are handled; what an event touched is looked at every time.
    var fullCheckEvery = 1
    /// Crash in the transaction of that number, when so many of its effects are performed.
    var crashAt: (revision: Revision, effects: Int)?
  }

  enum Item {
    case history(Int)
    case toHost(String, link: Int, ControlPlane.Command)
    case toCoordinator(host: String, link: Int, ControlPlane.Input)
    case call(ControlPlane.Input)
    case heartbeatMissed(host: String, link: Int)
    case processReady(host: String, child: String, number: Int)
    case processExit(host: String, child: String, number: Int)
    case note(ControlPlane.Note, life: Int)
    case sweep
    case restart
  }

  private let history: [TimedEvent]
  private let settings: Settings
  private let start = ContinuousClock.now
  private var agenda = Agenda<Item>()
  private var time = 0
  private(set) var journal = MemoryJournal()
  private var plane: ControlPlane?
  private var hosts: [String: FakeHost] = [:]
  private var clients = FakeClients()
  private(set) var observer = Observer()
  /// How many coordinators there were.
  private(set) var life = 0
  private var ticksLostUntil = 0
  private var stalledUntil = 0
  private var crashAfterEffects: Int?
  private var eventIndex = 0
  private(set) var handled = 0
  private(set) var transactions = 0

  private init(_ history: [TimedEvent], _ settings: Settings) {
    self.history = history
    self.settings = settings
  }

  /// Runs a history to its end, closes every session, and waits until everything is over.
  /// - Returns: the simulation at its end, and the first failure.
  static func run(_ history: [TimedEvent], _ settings: Settings) -> (simulation: Simulation, failure: Failure?) {
    var simulation = Simulation(history, settings)
    let failure = simulation.run()
    return (simulation, failure)
  }

  private var now: ContinuousClock.Instant { start.advanced(by: .milliseconds(time)) }

  private mutating func run() -> Failure? {
    for number in 0..<settings.scale.hosts { hosts["h\(number)"] = FakeHost(number: number) }
    restart()
    agenda.add(.sweep, at: 15_000)
    for (index, event) in history.enumerated() { agenda.add(.history(index), at: event.milliseconds) }
    let end = history.last?.milliseconds ?? 0
    while let next = agenda.nextTime, next <= end {
      if let failure = handleNext() { return failure }
    }
    eventIndex = history.count
    healEverything()
    let patience = end + 3_600_000
    var closed = (life: 0, time: 0)
    while let next = agenda.nextTime, next <= patience, !isOver {
      if closed.life != life || self.time >= closed.time + 15_000 {
        closed = (life, self.time)
        for name in plane?.sessions.keys.sorted() ?? [] { input(.close(session: name)) }
      }
      if let failure = handleNext() { return failure }
    }
    return finalFailure()
  }

  private var isOver: Bool {
    plane.map { $0.sessions.isEmpty && stalledUntil <= time } ?? false
      && hosts.values.allSatisfy { $0.processes.isEmpty }
  }

  // MARK: - Handling

  private mutating func handleNext() -> Failure? {
    let entry = agenda.removeFirst()
    time = entry.time
    journal.wallClockMilliseconds += 1
    if isForCoordinator(entry.item), time < stalledUntil {
      agenda.postpone(entry, to: stalledUntil)
      return nil
    }
    handled += 1
    handle(entry.item)
    return check()
  }

  private func isForCoordinator(_ item: Item) -> Bool {
    switch item {
    case .toCoordinator, .call, .note, .sweep, .heartbeatMissed: true
    case .history, .toHost, .processReady, .processExit, .restart: false
    }
  }

  private mutating func handle(_ item: Item) {
    switch item {
    case .history(let index):
      eventIndex = index
      apply(history[index].event)
    case .toHost(let name, let link, let command):
      guard hosts[name]!.link == link, hosts[name]!.isReachable else { return }
      deliver(command, to: name)
    case .toCoordinator(let name, let link, let message):
      if hosts[name]!.link == link, hosts[name]!.isReachable { input(message) }
    case .call(let call): input(call)
    case .heartbeatMissed(let name, let link): input(.linkDown(host: name, link: link))
    case .processReady(let name, let child, let number):
      guard hosts[name]!.processes[child]?.number == number else { return }
      hosts[name]!.processes[child]!.isReady = true
      tellCoordinator(from: name, .ready(child: child))
    case .processExit(let name, let child, let number):
      if hosts[name]!.processes[child]?.number == number { exit(child, on: name) }
    case .note(let note, let life):
      guard life == self.life else { return }
      switch note {
      case .wakeSession, .wakeChild: if time >= ticksLostUntil { input(.note(note)) }
      default: input(.note(note))
      }
    case .sweep:
      agenda.add(.sweep, at: time + 15_000)
      if time >= ticksLostUntil { input(.sweep) }
    case .restart: restart()
    }
  }

  /// Journal first, act second; a crash may come after each effect.
  private mutating func input(_ input: ControlPlane.Input) {
    guard plane != nil else { return }
    plane!.handle(input, at: now)
    transact()
  }

  private mutating func transact() {
    observer.touched(plane!)
    let (changes, effects) = plane!.takeTransaction()
    var crash = crashAfterEffects
    if !changes.isEmpty {
      transactions += 1
      let transaction = StateTransaction(id: "t\(transactions)", author: "coordinator", summary: "", changes: changes)
      let revision = journal.commit(transaction)
      observer.committed(changes, revision: revision)
      if settings.crashAt?.revision == revision { crash = settings.crashAt!.effects }
    }
    for (number, effect) in effects.enumerated() {
      if let crash, number >= crash { break }
      perform(effect)
    }
    if crash != nil { self.crash() }
  }

  private mutating func perform(_ effect: ControlPlane.Effect) {
    switch effect {
    case .send(let name, let command):
      // A coordinator has no connection to a host that it has not heard since.
      guard let host = hosts[name], plane!.hosts[name]?.link == host.link else { return }
      agenda.add(.toHost(name, link: host.link, command), at: time + host.latency)
    case .later(let milliseconds, let note): agenda.add(.note(note, life: life), at: time + milliseconds)
    case .wake(let deadline, let note):
      let due = (deadline - start).components
      let milliseconds = Int(due.seconds) * 1_000 + Int(due.attoseconds / 1_000_000_000_000_000)
      agenda.add(.note(note, life: life), at: max(time, milliseconds))
    }
  }

  // MARK: - The coordinator's death and return

  private mutating func crash() {
    crashAfterEffects = nil
    observer.compare(plane!, with: journal, settings: settings)
    plane = nil
    stalledUntil = 0
    agenda.add(.restart, at: time + 2_000)
  }

  private mutating func restart() {
    life += 1
    plane = ControlPlane.rebuilt(from: journal, sabotage: settings.sabotage, capacity: settings.capacity, at: now)
    plane!.recover()
    transact()
    for name in hosts.keys.sorted() where hosts[name]!.isReachable { connect(name) }
  }

  // MARK: - Hosts

  /// A host's new connection: it tells what runs. Nothing of older connections arrives any more.
  private mutating func connect(_ name: String) {
    hosts[name]!.link += 1
    let running = hosts[name]!.processes.sorted { $0.key < $1.key }.map { ($0.key, $0.value.isReady) }
    tellCoordinator(from: name, .hello(host: name, link: hosts[name]!.link, running: running))
  }

  private mutating func disconnect(_ name: String) {
    agenda.add(.heartbeatMissed(host: name, link: hosts[name]!.link), at: time + 5_000)
    hosts[name]!.link += 1
  }

  private mutating func tellCoordinator(from name: String, _ message: ControlPlane.Input) {
    let host = hosts[name]!
    agenda.add(.toCoordinator(host: name, link: host.link, message), at: time + host.latency)
  }

  private mutating func deliver(_ command: ControlPlane.Command, to name: String) {
    switch command {
    case .spawn(let child, let kind):
      guard let number = hosts[name]!.spawn(child, kind) else { return observer.fail("no process runs twice", child) }
      if !hosts[name]!.demand.fits(in: settings.capacity) {
        observer.fail("no host runs more than it has room for", "\(child) on \(name)")
      }
      tellCoordinator(from: name, .spawned(child: child))
      if hosts[name]!.processes[child]!.diesAtOnce {
        agenda.add(.processExit(host: name, child: child, number: number), at: time + 30)
      } else {
        agenda.add(.processReady(host: name, child: child, number: number), at: time + hosts[name]!.startMilliseconds)
      }
    case .term(let child):
      guard let process = hosts[name]!.processes[child], !process.ignoresTerm else { return }
      agenda.add(.processExit(host: name, child: child, number: process.number), at: time + 20)
    case .kill(let child): if hosts[name]!.processes[child] != nil { exit(child, on: name) }
    }
  }

  private mutating func exit(_ child: String, on name: String) {
    hosts[name]!.processes[child] = nil
    tellCoordinator(from: name, .exited(host: name, child: child))
  }

  // MARK: - History

  private mutating func apply(_ event: SimulatedEvent) {
    switch event {
    case .killHost(let number):
      guard hosts["h\(number)"]!.isAlive else { return }
      if hosts["h\(number)"]!.isReachable { disconnect("h\(number)") }
      hosts["h\(number)"]!.die()
    case .restoreHost(let number):
      guard !hosts["h\(number)"]!.isAlive else { return }
      hosts["h\(number)"]!.isAlive = true
      if hosts["h\(number)"]!.isReachable, plane != nil { connect("h\(number)") }
    case .cutNetwork(let number):
      if hosts["h\(number)"]!.isReachable { disconnect("h\(number)") }
      hosts["h\(number)"]!.isCut = true
    case .healNetwork(let number):
      guard hosts["h\(number)"]!.isCut else { return }
      hosts["h\(number)"]!.isCut = false
      if hosts["h\(number)"]!.isReachable, plane != nil { connect("h\(number)") }
    case .slowStarts(let number, let milliseconds): hosts["h\(number)"]!.startMilliseconds = milliseconds
    case .killProcess(let number):
      if let child = hosts["h\(number)"]!.processes.keys.min() { exit(child, on: "h\(number)") }
    case .crash(let effects): crashAfterEffects = effects
    case .wallClockJumps(let seconds): journal.wallClockMilliseconds += Int64(seconds) * 1_000
    case .ticksAreLost(let milliseconds): ticksLostUntil = time + milliseconds
    case .stall(let milliseconds): stalledUntil = time + milliseconds
    default:
      if let call = clients.call(event) { agenda.add(.call(call), at: time) }
    }
  }

  private mutating func healEverything() {
    ticksLostUntil = 0
    for name in hosts.keys.sorted() {
      hosts[name]!.startMilliseconds = 100
      guard hosts[name]!.isCut else { continue }
      hosts[name]!.isCut = false
      if hosts[name]!.isReachable, plane != nil { connect(name) }
    }
  }

  // MARK: - Checking

  private mutating func check() -> Failure? {
    if let plane {
      observer.checkTouched(plane)
      if handled % settings.fullCheckEvery == 0 { observer.checkAll(plane, journal: journal, hosts: hosts) }
    }
    return observer.failure.map { Failure(invariant: $0.invariant, detail: $0.detail, event: eventIndex) }
  }

  private mutating func finalFailure() -> Failure? {
    if let plane {
      observer.checkAll(plane, journal: journal, hosts: hosts)
      observer.checkEnd(plane, journal: journal, hosts: hosts)
    } else {
      observer.fail("everything ends", "the coordinator is not there")
    }
    return observer.failure.map { Failure(invariant: $0.invariant, detail: $0.detail, event: eventIndex) }
  }
}
