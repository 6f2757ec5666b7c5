import NIOCore

/// Ends a connection that has not authenticated itself in time, or over which nothing passes for long while no query runs.
/// Used on its event loop alone.
final class IdleWatch {
  private let eventLoop: any EventLoop
  private let limits: QueryEndpointLimits
  private let isAuthenticated: @Sendable () -> Bool
  private let isBusy: @Sendable () -> Bool
  private let giveUp: @Sendable () -> Void
  private var last = NIODeadline.now()
  private var timer: Scheduled<Void>?

  init(
    _ eventLoop: any EventLoop, limits: QueryEndpointLimits, isAuthenticated: @escaping @Sendable () -> Bool,
    isBusy: @escaping @Sendable () -> Bool, giveUp: @escaping @Sendable () -> Void
  ) {
    self.eventLoop = eventLoop
    self.limits = limits
    self.isAuthenticated = isAuthenticated
    self.isBusy = isBusy
    self.giveUp = giveUp
    schedule(in: limits.timeToAuthenticate) { $0.checkAuthentication() }
  }

  /// Notes that bytes passed.
  func touch() { last = .now() }

  func stop() { timer?.cancel() }

  private func schedule(in time: TimeAmount, _ check: @escaping @Sendable (IdleWatch) -> Void) {
    let me = NIOLoopBound(self, eventLoop: eventLoop)
    timer = eventLoop.scheduleTask(in: time) { check(me.value) }
  }

  private func checkAuthentication() {
    guard isAuthenticated() else { return giveUp() }
    schedule(in: limits.idle) { $0.checkIdle() }
  }

  private func checkIdle() {
    let quiet = NIODeadline.now() - last
    guard quiet < limits.idle || isBusy() else { return giveUp() }
    schedule(in: max(limits.idle - quiet, .seconds(1))) { $0.checkIdle() }
  }
}
