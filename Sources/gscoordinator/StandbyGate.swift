import GRPC
import Synchronization

/// Refuses all calls while another coordinator leads, and tells clients where that one is.
final class StandbyGate: ServerInterceptor {
  private enum State {
    case open
    case standby(leader: String?)
  }

  private let state: Mutex<State>

  /// A gate that is open, or shut until somebody leads.
  init(isOpen: Bool) { state = Mutex(isOpen ? .open : .standby(leader: nil)) }

  /// Lets calls pass.
  func open() { state.withLock { $0 = .open } }

  /// Refuses calls, in favour of the leader's address if that is known.
  func shut(leader: String?) { state.withLock { $0 = .standby(leader: leader) } }

  func begin(_ context: ServerContext) throws {
    guard case .standby(let leader) = state.withLock({ $0 }) else { return }
    let remedy =
      leader.map { "The leader is at \($0): connect there" } ?? "No coordinator leads at the moment: try again"
    throw GRPCStatus(.unavailable, "This coordinator is a standby. \(remedy)")
  }
}
