import Scheduling

@testable import ControlPlane

/// The world outside the coordinator: hosts, their processes and connections, and the effects of a history on them.
extension Simulation {
  /// Opens a host's new connection, which reports what runs. Messages of older connections no longer arrive.
  mutating func connect(_ name: String) {
    hosts[name]!.link += 1
    let running = hosts[name]!.processes.sorted { $0.key < $1.key }.map { ($0.key, $0.value.isReady) }
    tellCoordinator(from: name, .hello(host: name, link: hosts[name]!.link, running: running))
  }

  private mutating func disconnect(_ name: String) {
    agenda.add(.heartbeatMissed(host: name, link: hosts[name]!.link), at: time + 5_000)
    hosts[name]!.link += 1
  }

  mutating func tellCoordinator(from name: String, _ message: SimulatedCoordinator.Input) {
    let host = hosts[name]!
    agenda.add(.toCoordinator(host: name, link: host.link, message), at: time + host.latency)
  }

  mutating func deliver(_ command: SimulatedCoordinator.Command, to name: String) {
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

  mutating func exit(_ child: String, on name: String) {
    hosts[name]!.processes[child] = nil
    tellCoordinator(from: name, .exited(host: name, child: child))
  }

  // MARK: - History

  mutating func apply(_ event: SimulatedEvent) {
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

  mutating func healEverything() {
    ticksLostUntil = 0
    for name in hosts.keys.sorted() {
      hosts[name]!.startMilliseconds = 100
      guard hosts[name]!.isCut else { continue }
      hosts[name]!.isCut = false
      if hosts[name]!.isReachable, plane != nil { connect(name) }
    }
  }
}
