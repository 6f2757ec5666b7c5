import GRPC
import Synchronization

/// Rejects calls while another coordinator leads, with the address of the leader, and while this one starts: it listens before
/// it changes the state of an earlier process. `grpc.health.v1.Health` is always answered, with NOT_SERVING in this time.
final class StandbyGate: ServerInterceptor {
  private enum State {
    case open
    case starting
    case standby(leader: String?)
  }

  private let state: Mutex<State>
  private let health: HealthService

  /// Makes a gate that is closed until this process has started, or leads. `health` reports whether it is open.
  init(isStandby: Bool, health: HealthService) {
    state = Mutex(isStandby ? .standby(leader: nil) : .starting)
    self.health = health
  }

  /// Accepts calls.
  func open() {
    state.withLock { $0 = .open }
    health.set(isServing: true)
  }

  /// Rejects calls, and refers to the leader's address if it is known.
  func shut(leader: String?) {
    state.withLock { $0 = .standby(leader: leader) }
    health.set(isServing: false)
  }

  /// The message for calls that arrive while this process starts.
  static let startingText = "This coordinator is starting and recovers its sessions. Try again"

  /// Whether this process is still starting.
  var isStarting: Bool { if case .starting = state.withLock({ $0 }) { true } else { false } }

  func begin(_ context: ServerContext) throws {
    switch state.withLock({ $0 }) {
    case .open: return
    case _ where HealthService.isPath(context.path): return
    case .starting:
      throw GRPCStatus(.unavailable, Self.startingText, reason: "STARTING", retryAfter: .seconds(1))
    case .standby(let leader):
      let remedy =
        leader.map { "Connect to the leader at \($0)" } ?? "No coordinator is the leader at the moment. Try again"
      throw GRPCStatus(
        .unavailable, "This coordinator is a standby. \(remedy)", reason: "STANDBY",
        retryAfter: leader == nil ? .seconds(1) : nil)
    }
  }
}
