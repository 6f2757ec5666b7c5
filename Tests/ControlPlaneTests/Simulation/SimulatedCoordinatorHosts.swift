import Scheduling
import Supervision

@testable import ControlPlane

/// Handling of hosts that appear, fall silent and return.
extension SimulatedCoordinator {
  mutating func hello(_ name: String, link: Int, running: [(child: String, isReady: Bool)]) {
    hosts[name, default: Host()].isLinked = true
    hosts[name]!.link = link
    if hosts[name]!.isLost {
      if sabotage == .trustReturningHosts { return admitIfClean(name) }
      hosts[name]!.leftovers = Set(running.map(\.child))
      for (child, _) in running { effects.append(.send(host: name, .kill(child))) }
      return admitIfClean(name)
    }
    for id in hosts[name]!.children.sorted() {
      guard let phase = children[id]?.machine.phase else { continue }
      if let process = running.first(where: { $0.child == id }) {
        reconcile(id, phase: phase, isReady: process.isReady, on: name)
      } else if ![.planned, .waiting, .crashLooping, .exited].contains(phase) {
        tellChild(id) { [now] in $0.exited(.failure, at: now) }
      }
    }
    for (child, _) in running where children[child]?.host != name {
      effects.append(.send(host: name, .kill(child)))
    }
  }

  private mutating func reconcile(_ id: String, phase: ChildLifecycle.Phase, isReady: Bool, on host: String) {
    tellChild(id) { [now] in $0.spawned(at: now) }
    if isReady { tellChild(id) { $0.becameReady() } }
    switch phase {
    case .terminating: effects.append(.send(host: host, .term(id)))
    case .killing, .planned, .waiting, .crashLooping, .exited: effects.append(.send(host: host, .kill(id)))
    default: break
    }
  }

  mutating func linkDown(_ name: String, link: Int) {
    guard let host = hosts[name], host.link == link, host.isLinked else { return }
    hosts[name]!.isLinked = false
    effects.append(.later(milliseconds: 25_000, .lookForHost(name, link: link)))
    for id in host.children.sorted() { tellChild(id) { [now] in $0.probeFailed(at: now) } }
  }

  mutating func processEnded(_ id: String, on name: String) {
    if hosts[name]?.leftovers.remove(id) != nil { return admitIfClean(name) }
    if children[id]?.host == name { tellChild(id) { [now] in $0.exited(.failure, at: now) } }
  }

  private mutating func admitIfClean(_ name: String) {
    guard hosts[name]!.isLost, hosts[name]!.leftovers.isEmpty else { return }
    hosts[name]!.isLost = false
    touchedHosts.insert(name)
    run(.resources(.host(name, capacity, labels: [:])))
  }

  mutating func lose(_ name: String) {
    hosts[name]!.isLost = true
    touchedHosts.insert(name)
    run(.resources(.hostLost(name)))
  }

  mutating func lost(_ name: String, _ owners: [String]) {
    for id in hosts[name]!.children.sorted() { giveUp(id) }
    for owner in owners {
      tellInstance(owner, .broke)
      evaluate(owner)
    }
  }

  /// Gives up what was on a lost host; if the host returns, its processes are ended before it gets work.
  mutating func giveUp(_ id: String) {
    changeChild(id) { [now] in $0.stop(at: now) }
    changeChild(id) { [now] in $0.exited(.failure, at: now) }
  }
}
