import Glibc

/// Checks whether children are ready and alive.
extension Supervisor {
  /// The interval between two checks for readiness.
  private static let readinessPause = Duration.milliseconds(50)

  /// Starts or stops probes according to a child's current phase.
  func keepProbing(_ child: SupervisedChild) {
    let kind: SupervisedChild.Probing.Kind =
      switch child.phase {
      case .starting, .adopted: isPolled(child.specification.readiness) ? .readiness : .none
      case .ready, .unresponsive: child.specification.liveness == nil ? .none : .liveness
      default: .none
      }
    guard kind != child.probing.kind else { return }
    cancelProbe(of: child)
    child.probing.kind = kind
    switch kind {
    case .none: break
    case .readiness: askLater(child, after: .zero)
    case .liveness: askLater(child, after: child.specification.liveness!.interval)
    }
  }

  private func isPolled(_ readiness: ChildSpecification.Readiness) -> Bool {
    switch readiness {
    case .started, .line: false
    case .port, .file, .probe: true
    }
  }

  private func cancelProbe(of child: SupervisedChild) {
    if let timer = child.probing.timer { thread.cancel(timer) }
    child.probing.task?.cancel()
    child.probing.timer = nil
    child.probing.task = nil
    child.probing.serial += 1
  }

  private func askLater(_ child: SupervisedChild, after pause: Duration) {
    child.probing.timer = thread.at(.now + pause) {
      child.probing.timer = nil
      switch child.probing.kind {
      case .none: break
      case .readiness: self.askWhetherReady(child)
      case .liveness: self.askWhetherAlive(child)
      }
    }
  }

  private func askWhetherReady(_ child: SupervisedChild) {
    switch child.specification.readiness {
    case .started, .line: break
    case .port(let port): answeredReadiness(child, portAccepts(port))
    case .file(let path): answeredReadiness(child, access(path, F_OK) == 0)
    case .probe(let probe): ask(child, probe)
    }
  }

  private func answeredReadiness(_ child: SupervisedChild, _ isReady: Bool) {
    if isReady { becameReady(child) } else { askLater(child, after: Self.readinessPause) }
  }

  private func askWhetherAlive(_ child: SupervisedChild) {
    guard let liveness = child.specification.liveness else { return }
    askLater(child, after: liveness.interval)
    if child.probing.task != nil {
      // An answer now would be too late.
      child.probing.task?.cancel()
      child.probing.task = nil
      child.probing.serial += 1
      return answeredLiveness(child, false)
    }
    ask(child, liveness.probe)
  }

  private func answeredLiveness(_ child: SupervisedChild, _ isAlive: Bool) {
    let action = isAlive ? child.lifecycle.probeSucceeded() : child.lifecycle.probeFailed(at: .now)
    if action == .signalTerm {
      child.doom = .notAlive(failures: child.specification.policy.probeFailuresTolerated + 1)
    }
    perform(action, on: child)
  }

  private func ask(_ child: SupervisedChild, _ probe: @escaping ChildSpecification.Probe) {
    let serial = child.probing.serial
    // Not a child task: the supervisor is driven by events of its children, and the end of a child cancels its probe.
    child.probing.task = Task {
      let answer = await probe()
      guard child.probing.serial == serial else { return }
      child.probing.task = nil
      switch child.probing.kind {
      case .none: break
      case .readiness: self.answeredReadiness(child, answer)
      case .liveness: self.answeredLiveness(child, answer)
      }
    }
  }
}
