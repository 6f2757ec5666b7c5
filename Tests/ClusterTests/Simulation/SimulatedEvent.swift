@testable import Cluster

/// Something that happens to the simulated cluster from outside. Every event is possible at any time; one that names
/// what is not there does nothing. So every part of a history is a history, and histories can be shrunk.
enum SimulatedEvent: Equatable {
  case open(session: Int, leaseSeconds: Int?)
  case heartbeat(session: Int)
  case loseClient(session: Int)
  case reconnect(session: Int)
  case close(session: Int)
  case unloadGraph(session: Int)
  case request(session: Int, instance: Int, kind: InstanceKind, workers: Int)
  case stop(session: Int, instance: Int)
  case step(session: Int, instance: Int, step: Int, milliseconds: Int)
  case killHost(Int)
  case restoreHost(Int)
  case cutNetwork(host: Int)
  case healNetwork(host: Int)
  case slowStarts(host: Int, milliseconds: Int)
  case killProcess(host: Int)
  /// The coordinator dies within its next transaction, when it is journaled and so many of its effects are performed.
  case crash(effects: Int)
  case wallClockJumps(seconds: Int)
  case ticksAreLost(seconds: Int)
  /// The coordinator's process gets no time.
  case stall(seconds: Int)
}

/// An event and how long after the one before it happens.
struct TimedEvent: Equatable, CustomStringConvertible {
  var milliseconds: Int
  var event: SimulatedEvent

  var description: String { "+\(milliseconds) ms \(event)" }
}

/// How large a simulated cluster is and what happens to it.
struct SimulationScale: Sendable {
  var hosts: Int
  var sessions: Int
  var events: Int
  /// The mean time between events.
  var milliseconds: Int
  /// Of 1,000 events, so many crash the coordinator.
  var crashesPerMille: Int

  /// All invariants are checked after every event.
  static let small = SimulationScale(hosts: 6, sessions: 5, events: 120, milliseconds: 1_500, crashesPerMille: 25)
  static let large = SimulationScale(
    hosts: 2_000, sessions: 1_000, events: 20_000, milliseconds: 30, crashesPerMille: 0)
}

/// A history from a seed.
func randomHistory(seed: UInt64, scale: SimulationScale) -> [TimedEvent] {
  var random = SplitMix(seed: seed)
  var history: [TimedEvent] = []
  for number in 0..<scale.events {
    let event =
      Int.random(in: 0..<1_000, using: &random) < scale.crashesPerMille
      ? SimulatedEvent.crash(effects: Int.random(in: 0..<6, using: &random))
      : randomEvent(number: number, scale: scale, using: &random)
    let milliseconds = Int.random(in: 0...(2 * scale.milliseconds), using: &random)
    history.append(TimedEvent(milliseconds: milliseconds, event: event))
  }
  return history
}

private func randomEvent(number: Int, scale: SimulationScale, using random: inout SplitMix) -> SimulatedEvent {
  let session = Int.random(in: 0..<scale.sessions, using: &random)
  let instance = Int.random(in: 0..<4, using: &random)
  let host = Int.random(in: 0..<scale.hosts, using: &random)
  switch Int.random(in: 0..<100, using: &random) {
  case 0..<16: return .open(session: session, leaseSeconds: [nil, 20, 60, 600].randomElement(using: &random)!)
  case 16..<44:
    let workers = Int.random(in: 1...6, using: &random)
    return .request(
      session: session, instance: instance, kind: .allCases.randomElement(using: &random)!, workers: workers)
  case 44..<56:
    let milliseconds = Int.random(in: 1...20_000, using: &random)
    return .step(session: session, instance: instance, step: number, milliseconds: milliseconds)
  case 56..<64: return .heartbeat(session: session)
  case 64..<66: return .loseClient(session: session)
  case 66..<68: return .reconnect(session: session)
  case 68..<71: return .close(session: session)
  case 71..<72: return .unloadGraph(session: session)
  case 72..<77: return .stop(session: session, instance: instance)
  case 77..<79: return .killHost(host)
  case 79..<83: return .restoreHost(host)
  case 83..<85: return .cutNetwork(host: host)
  case 85..<89: return .healNetwork(host: host)
  case 89..<91: return .slowStarts(host: host, milliseconds: [10, 5_000, 100_000].randomElement(using: &random)!)
  case 91..<96: return .killProcess(host: host)
  case 96..<97: return .wallClockJumps(seconds: Int.random(in: -100_000...100_000, using: &random))
  case 97..<98: return .ticksAreLost(seconds: Int.random(in: 1...60, using: &random))
  case 98..<99: return .stall(seconds: Int.random(in: 1...60, using: &random))
  default: return .heartbeat(session: session)
  }
}
