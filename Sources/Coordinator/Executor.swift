import ControlPlane
import Logging
import Objects
import Scheduling
import StateStore
import Synchronization

/// The time limits of instances. A grant may wait, because engines are started several at a time after a restart. Engines end
/// slow starts themselves; these limits are a fallback.
let controlTimeouts = InstanceLifecycle.Timeouts(allocation: .seconds(86_400), start: .seconds(900))

/// Performs the effects of the control plane. Effects for a session whose caller triggered the event are returned to that caller,
/// who performs them here once the preceding changes are journaled.
extension Coordinator {
  /// The callbacks for the desk.
  var executor: ResourceDesk.Executor {
    ResourceDesk.Executor(
      perform: { [weak self] in self?.perform($0, for: $1) },
      tell: { [weak self] in self?.tell($0, $1) },
      fault: { [weak self] in
        self?.logger.critical(
          "the control plane is inconsistent; please report this as a bug", metadata: ["error": "\($0)"])
      })
  }

  private func perform(_ effect: SessionControl.Effect, for session: Session) {
    switch effect {
    case .instance(let name, let action): perform(action, of: name, session)
    case .giveWay(_, let preemption): errands.begin { [self] in await giveWay(session, preemption) }
    case .cancelStep: session.cancelSteps()
    // Already handled by the scheduler.
    case .resources: break
    // Handled by the caller: `restart` and `release`.
    case .startAgain, .givenUp, .refused, .closing, .closed: break
    }
  }

  private func perform(_ action: InstanceLifecycle.Action, of name: String, _ session: Session) {
    switch action {
    // An interactive or learning instance is started by the call that requested it.
    case .allocate: session.tasks.endWait(name)
    case .start: if name == analyticalInstance { beginStart(of: session) }
    // A serving instance is ended by the call that stops it; a starting one is cancelled.
    case .stop, .kill: session.tasks.cancel(name)
    // The lifecycles already prevent new work; the caller journals what is reported.
    case .drain, .report: break
    // These appear as `resources`; and processes do not outlive the coordinator.
    case .none, .askForResources, .withdraw, .release, .requeue, .find: break
    }
  }

  /// Reports to the owner of a waiting request how long it may wait.
  private func tell(_ owner: ObjectReference, _ report: WaitingReport) {
    guard let id = owner.session, let session = state.withLock({ $0.sessions[id] }) else { return }
    if owner.kind == .session {
      errands.begin { [self] in await tell(session, report) }
    } else {
      session.log.info("\(owner.name.dropFirst(id.count + 1)) is waiting: \(report.text)")
    }
  }
}

extension Session {
  /// Cancels the steps that run or wait.
  func cancelSteps() { for cancel in running.withLock({ Array($0.values) }) { cancel() } }
}
