import TestSupport

@testable import ControlPlane

/// An external event of the simulated cluster. Every event is possible at any time; one that names something unknown does
/// nothing. Every part of a history is therefore a history, and histories can be shrunk.
enum SimulatedEvent: Equatable {
  case open(session: Int, leaseSeconds: Int?)
  case heartbeat(session: Int)
  case loseClient(session: Int)
  case reconnect(session: Int)
  case close(session: Int)
  case unloadGraph(session: Int)
  case request(session: Int, instance: Int, kind: InstanceKind, workers: Int)
  case stop(session: Int, instance: Int)
  /// A step on the analytical instance that the session requested last.
  case step(session: Int, step: Int, milliseconds: Int)
  case serve(service: Int, graph: Int)
  case switchGraph(service: Int, graph: Int)
  case abandonSwitch(service: Int)
  case stopService(service: Int)
  case submit(job: Int, limitSeconds: Int?)
  case cancel(job: Int)
  case killHost(Int)
  case restoreHost(Int)
  case cutNetwork(host: Int)
  case healNetwork(host: Int)
  case slowStarts(host: Int, milliseconds: Int)
  case killProcess(host: Int)
  /// The coordinator dies during its next transaction, after it is journaled and this many of its effects are performed.
  case crash(effects: Int)
  case wallClockJumps(seconds: Int)
  case ticksAreLost(milliseconds: Int)
  /// The coordinator's process is suspended.
  case stall(milliseconds: Int)
}

/// An event and its time, which stays the same when other events are omitted.
struct TimedEvent: Equatable, CustomStringConvertible {
  var milliseconds: Int
  var event: SimulatedEvent

  var description: String { "at \(milliseconds) ms \(event)" }
}

/// The size of a simulated cluster and the frequency of its events.
struct SimulationScale: Sendable {
  var hosts: Int
  var sessions: Int
  var events: Int
  /// The mean time between events.
  var milliseconds: Int
  /// The number of crashes of the coordinator per 1,000 events.
  var crashesPerMille: Int

  static let small = SimulationScale(hosts: 6, sessions: 5, events: 120, milliseconds: 1_500, crashesPerMille: 25)
  static let medium = SimulationScale(
    hosts: 60, sessions: 40, events: 1_500, milliseconds: 300, crashesPerMille: 8)
  static let large = SimulationScale(
    hosts: 2_000, sessions: 1_000, events: 20_000, milliseconds: 30, crashesPerMille: 1)
}

/// Generates a history from a seed, mostly about sessions that were opened and hosts that were hit.
func randomHistory(seed: UInt64, scale: SimulationScale) -> [TimedEvent] {
  var generator = HistoryGenerator(random: SplitMix(seed: seed), scale: scale)
  var time = 1_000
  var work = WorkGenerator(random: SplitMix(seed: ~seed))
  return (0..<scale.events).flatMap { number in
    let event = generator.next(number)
    time += generator.amount(0...(2 * scale.milliseconds))
    return ([event] + work.next(number)).map { TimedEvent(milliseconds: time, event: $0) }
  }
}

private struct HistoryGenerator {
  var random: SplitMix
  let scale: SimulationScale
  private var opened: [Int] = []
  private var dead: [Int] = []
  private var cut: [Int] = []

  init(random: SplitMix, scale: SimulationScale) {
    self.random = random
    self.scale = scale
  }

  mutating func amount(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

  mutating func next(_ number: Int) -> SimulatedEvent {
    if amount(0...999) < scale.crashesPerMille { return .crash(effects: amount(0...5)) }
    let host = amount(0...(scale.hosts - 1))
    switch amount(0...99) {
    case 0..<12: return open()
    case 12..<80: return ofSession(opened.randomElement(using: &random) ?? 0, number)
    case 80..<82:
      dead.append(host)
      return .killHost(host)
    case 82..<84: return .restoreHost(takeOne(of: \.dead) ?? host)
    case 84..<86:
      cut.append(host)
      return .cutNetwork(host: host)
    case 86..<89: return .healNetwork(host: takeOne(of: \.cut) ?? host)
    case 89..<91: return .slowStarts(host: host, milliseconds: [10, 10, 5_000, 100_000].randomElement(using: &random)!)
    case 91..<95: return .killProcess(host: host)
    case 95..<97: return .wallClockJumps(seconds: amount(-100_000...100_000))
    case 97..<98: return .ticksAreLost(milliseconds: pause())
    default: return .stall(milliseconds: pause())
    }
  }

  private mutating func open() -> SimulatedEvent {
    let session = amount(0...(scale.sessions - 1))
    if !opened.contains(session) { opened.append(session) }
    return .open(session: session, leaseSeconds: [nil, 20, 60, 600].randomElement(using: &random)!)
  }

  private mutating func ofSession(_ session: Int, _ number: Int) -> SimulatedEvent {
    let instance = amount(0...3)
    switch amount(0...54) {
    case 0..<20:
      let kind = InstanceKind.allCases.randomElement(using: &random)!
      return .request(session: session, instance: instance, kind: kind, workers: amount(1...4))
    case 20..<40: return .step(session: session, step: number, milliseconds: amount(1...20_000))
    case 40..<46: return .heartbeat(session: session)
    case 46..<47: return .loseClient(session: session)
    case 47..<49: return .reconnect(session: session)
    case 49..<51: return .close(session: session)
    case 51..<52: return .unloadGraph(session: session)
    default: return .stop(session: session, instance: instance)
    }
  }

  /// Mostly short compared with other events; rarely a minute.
  private mutating func pause() -> Int {
    amount(0...19) == 0 ? amount(1...60_000) : amount(1...(20 * scale.milliseconds))
  }

  private mutating func takeOne(of list: WritableKeyPath<Self, [Int]>) -> Int? {
    guard !self[keyPath: list].isEmpty else { return nil }
    return self[keyPath: list].remove(at: amount(0...(self[keyPath: list].count - 1)))
  }
}

/// Generates clients' requests for graph services and jobs.
private struct WorkGenerator {
  var random: SplitMix
  private var submitted: [Int] = []

  init(random: SplitMix) { self.random = random }

  private mutating func amount(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

  mutating func next(_ number: Int) -> [SimulatedEvent] {
    guard amount(0...99) < 15 else { return [] }
    let (service, graph) = (amount(0...1), amount(0...3))
    switch amount(0...11) {
    case 0..<3: return [.serve(service: service, graph: graph)]
    case 3..<6: return [.switchGraph(service: service, graph: graph)]
    case 6: return [.abandonSwitch(service: service)]
    case 7: return [.stopService(service: service)]
    case 8..<11:
      submitted.append(number)
      return [.submit(job: number, limitSeconds: [nil, 5, 30].randomElement(using: &random)!)]
    default: return submitted.randomElement(using: &random).map { [.cancel(job: $0)] } ?? []
    }
  }
}
