import Scheduling
import StateStore

@testable import ControlPlane

/// A coordinator, hosts and clients in virtual time. Everything is determined by the seed of the fake cluster and the history;
/// the invariants are checked after every event.
struct Simulation {
  /// A violated invariant, and the event of the history after which it was detected.
  struct Failure: Equatable, CustomStringConvertible {
    var invariant: String
    var detail: String
    var event: Int

    var description: String { "\(invariant): \(detail) (after event \(event))" }
  }

  struct Settings {
    var scale: SimulationScale
    var sabotage = SimulatedCoordinator.Sabotage.none
    /// The capacity of a host.
    var capacity = Resources(
      cpuMillicores: 9_000, memoryBytes: 24 << 30, analyticalSlots: 2, interactiveSlots: 2, learningSlots: 2)
    /// The number of events between full checks; what an event touched is checked every time.
    var fullCheckEvery = 1
    /// Crash in this transaction, after this many of its effects are performed.
    var crashAt: (revision: Revision, effects: Int)?
  }

  enum Item {
    case history(Int)
    case toHost(String, link: Int, SimulatedCoordinator.Command)
    case toCoordinator(host: String, link: Int, SimulatedCoordinator.Input)
    case call(SimulatedCoordinator.Input)
    case heartbeatMissed(host: String, link: Int)
    case processReady(host: String, child: String, number: Int)
    case processExit(host: String, child: String, number: Int)
    case note(SimulatedCoordinator.Note, life: Int)
    case work(WorkItem)
    case sweep
    case restart
  }

  let history: [TimedEvent]
  let settings: Settings
  let start = ContinuousClock.now
  var agenda = Agenda<Item>()
  var time = 0
  var journal = MemoryJournal()
  var plane: SimulatedCoordinator?
  var hosts: [String: FakeHost] = [:]
  var work = FakeWork()
  var clients = FakeClients()
  var observer = Observer()
  /// The number of coordinators so far.
  var life = 0
  var ticksLostUntil = 0
  var stalledUntil = 0
  var crashAfterEffects: Int?
  var eventIndex = 0
  var handled = 0
  var transactions = 0

  private init(_ history: [TimedEvent], _ settings: Settings) {
    self.history = history
    self.settings = settings
  }

  /// Runs a history to its end, closes every session, and waits until everything is over.
  /// - Returns: The simulation at its end, and the first failure.
  static func run(_ history: [TimedEvent], _ settings: Settings) -> (simulation: Simulation, failure: Failure?) {
    var simulation = Simulation(history, settings)
    let failure = simulation.run()
    return (simulation, failure)
  }

  var now: ContinuousClock.Instant { start.advanced(by: .milliseconds(time)) }

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
        for name in plane?.plane.services.keys.sorted() ?? [] { input(.service(name, .stop)) }
        for name in plane?.plane.jobs.keys.sorted() ?? [] { input(.job(name, .cancel)) }
      }
      if let failure = handleNext() { return failure }
    }
    return finalFailure()
  }

  var isOver: Bool {
    plane.map { plane in
      plane.sessions.isEmpty && plane.plane.services.isEmpty && plane.plane.jobs.isEmpty && stalledUntil <= time
    } ?? false
      && work.isEmpty && hosts.values.allSatisfy { $0.processes.isEmpty }
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
    case .history, .toHost, .processReady, .processExit, .work, .restart: false
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
    case .work(let item): handle(item)
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
      case .wakeSession, .wakeChild, .wakePlane: if time >= ticksLostUntil { input(.note(note)) }
      default: input(.note(note))
      }
    case .sweep:
      agenda.add(.sweep, at: time + 15_000)
      if time >= ticksLostUntil { input(.sweep) }
    case .restart: restart()
    }
  }

  /// Journal first, then act; a crash may come after each effect.
  mutating func input(_ input: SimulatedCoordinator.Input) {
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

  private mutating func perform(_ effect: SimulatedCoordinator.Effect) {
    switch effect {
    case .send(let name, let command):
      // A coordinator has no connection to a host that it has not heard from since.
      guard let host = hosts[name], plane!.hosts[name]?.link == host.link else { return }
      agenda.add(.toHost(name, link: host.link, command), at: time + host.latency)
    case .work(let command): agenda.add(.work(.command(command)), at: time + 5)
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
    plane = SimulatedCoordinator.rebuilt(
      from: journal, sabotage: settings.sabotage, capacity: settings.capacity, at: now)
    plane!.recover()
    transact()
    for name in hosts.keys.sorted() where hosts[name]!.isReachable { connect(name) }
  }

  // MARK: - Checking

  private mutating func check() -> Failure? {
    if let plane {
      observer.checkTouched(plane)
      observer.checkWork(plane, work)
      if handled % settings.fullCheckEvery == 0 { observer.checkAll(plane, journal: journal, hosts: hosts) }
    }
    return observer.failure.map { Failure(invariant: $0.invariant, detail: $0.detail, event: eventIndex) }
  }

  private mutating func finalFailure() -> Failure? {
    if let plane {
      observer.checkAll(plane, journal: journal, hosts: hosts)
      observer.checkWork(plane, work)
      observer.checkEnd(plane, journal: journal, hosts: hosts)
    } else {
      observer.fail("everything ends", "the coordinator is not there")
    }
    return observer.failure.map { Failure(invariant: $0.invariant, detail: $0.detail, event: eventIndex) }
  }
}
