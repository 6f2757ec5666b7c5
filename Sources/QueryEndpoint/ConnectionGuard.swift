import NIOCore
import Synchronization

/// The open connections of a server: it counts them, and ends them when the server stops.
final class ConnectionGuard: Sendable {
  /// Sent into the pipeline of each connection when the server stops.
  struct Draining: Sendable {}

  private struct State {
    var channels: [ObjectIdentifier: any Channel] = [:]
    var isDraining = false
  }

  private let state = Mutex(State())
  private let maximum: Int

  init(maximum: Int) { self.maximum = maximum }

  /// The number of open connections.
  var count: Int { state.withLock { $0.channels.count } }

  /// Admits a connection; false if there are too many, or if the server stops.
  func admit(_ channel: any Channel) -> Bool {
    let isAdmitted = state.withLock { state in
      guard !state.isDraining, state.channels.count < maximum else { return false }
      state.channels[ObjectIdentifier(channel)] = channel
      return true
    }
    if isAdmitted {
      channel.closeFuture.whenComplete { [weak self] _ in
        self?.state.withLock { _ = $0.channels.removeValue(forKey: ObjectIdentifier(channel)) }
      }
    }
    return isAdmitted
  }

  /// Lets connections end what they are doing, and closes those that have not after a time.
  func drain(within time: TimeAmount) async {
    let channels = state.withLock { state in
      state.isDraining = true
      return Array(state.channels.values)
    }
    for channel in channels {
      channel.pipeline.fireUserInboundEventTriggered(Draining())
      let end = channel.eventLoop.scheduleTask(in: time) { channel.close(promise: nil) }
      channel.closeFuture.whenComplete { _ in end.cancel() }
    }
    for channel in channels { try? await channel.closeFuture.get() }
  }
}
