import Scheduling
import Supervision

@testable import ControlPlane

/// The processes of instances, on hosts.
extension SimulatedCoordinator {
  mutating func tellChild(_ id: String, _ event: (inout ChildLifecycle) -> ChildLifecycle.Action) {
    guard let owner = children[id]?.owner else { return }
    changeChild(id, event)
    evaluate(owner)
  }

  mutating func changeChild(_ id: String, _ event: (inout ChildLifecycle) -> ChildLifecycle.Action) {
    guard let host = children[id]?.host, let kind = kind(of: children[id]!.owner) else { return }
    touchedChildren.insert(id)
    switch event(&children[id]!.machine) {
    case .spawn: effects.append(.send(host: host, .spawn(id, kind)))
    case .signalTerm: effects.append(.send(host: host, .term(id)))
    case .signalKill: effects.append(.send(host: host, .kill(id)))
    case .none, .waitUntil, .reportReady, .reportUnresponsive, .reportCrashLoop, .reportFailed, .done: break
    }
  }

  func childNames(of owner: String) -> [String] {
    (0..<(request(of: owner)?.members.count ?? 0)).map { "\(owner)/\($0)" }.filter { children[$0] != nil }
  }

  /// Reports to an instance what its children's phases imply.
  mutating func evaluate(_ owner: String) {
    let phases = childNames(of: owner).map { children[$0]!.machine.phase }
    guard !phases.isEmpty else { return }
    if phases.allSatisfy({ $0 == .exited }) {
      tellInstance(owner, .ended)
    } else if phases.contains(where: { $0 == .exited || $0 == .crashLooping }) {
      tellInstance(owner, .broke)
    } else if phases.allSatisfy({ $0 == .ready }) {
      tellInstance(owner, .becameReady)
    } else {
      tellInstance(owner, .impaired)
    }
  }

  mutating func ended(_ owner: String) {
    routes.remove(owner)
    var number = 0
    while let child = children.removeValue(forKey: "\(owner)/\(number)") {
      hosts[child.host]!.children.remove("\(owner)/\(number)")
      number += 1
    }
  }

  mutating func makeChildren(of owner: String, areThere: Bool) {
    guard let allocation = allocation(of: owner), let kind = kind(of: owner) else { return }
    for (number, placement) in allocation.placements.enumerated() {
      let id = "\(owner)/\(number)"
      children[id] = Child(machine: ChildLifecycle(policy: Self.policy(kind)), owner: owner, host: placement.host)
      hosts[placement.host, default: Host()].children.insert(id)
      changeChild(id) { [now] in areThere ? $0.adopt(at: now) : $0.start() }
      if hosts[placement.host]!.isLost { giveUp(id) }
    }
    evaluate(owner)
  }

  mutating func stopChildren(of owner: String) {
    routes.remove(owner)
    if childNames(of: owner).isEmpty {
      guard touchedByRecovery.contains(owner) else { return tellInstance(owner, .ended) }
      makeChildren(of: owner, areThere: true)
    }
    for child in childNames(of: owner) { changeChild(child) { [now] in $0.stop(at: now) } }
    evaluate(owner)
  }
}
