import HTTP2
import NIOCore

/// Decides when a silent peer is sent a PING, and when it is given up. A pure value; the time is a parameter.
///
/// | state  | tick, heard of lately | tick, silent for the interval | tick, silent for the timeout since the ping |
/// |--------|-----------------------|-------------------------------|---------------------------------------------|
/// | quiet  | wait                  | ping, asked                   | –                                           |
/// | asked  | wait, quiet           | –                             | lost                                        |
struct KeepAlive {
  enum Action: Equatable {
    /// Call `tick` again at this time.
    case wait(until: NIODeadline)
    /// Send a PING, and call `tick` again at this time.
    case ping(until: NIODeadline)
    /// The peer does not answer.
    case lost
  }

  private let interval: TimeAmount
  private let timeout: TimeAmount
  private var asked: NIODeadline?

  /// - Parameters:
  ///   - interval: how long a peer may be silent before a PING is sent.
  ///   - timeout: how long the answer may take.
  init(interval: TimeAmount, timeout: TimeAmount) {
    self.interval = interval
    self.timeout = timeout
  }

  /// Returns the action at the time `now`, with the last byte received at `lastHeard`.
  mutating func tick(_ now: NIODeadline, lastHeard: NIODeadline) -> Action {
    if let asked, lastHeard < asked {
      return now >= asked + timeout ? .lost : .wait(until: asked + timeout)
    }
    asked = nil
    guard now >= lastHeard + interval else { return .wait(until: lastHeard + interval) }
    asked = now
    return .ping(until: now + timeout)
  }
}

extension HTTP2ChannelHandler {
  /// Performs the keepalive action that is due and schedules the next check.
  func lookForLife() {
    switch keepAlive?.tick(.now(), lastHeard: lastHeard) {
    case nil: break
    case .lost:
      fail(HTTP2Error(.cancel, "The peer gives no sign of life", evidence: "no answer to a PING"))
      close()
    case .ping(let next):
      http2?.ping(Self.lifePing)
      lookForLife(at: next)
    case .wait(let next): lookForLife(at: next)
    }
  }

  private func lookForLife(at time: NIODeadline) {
    keepAliveTimer = eventLoop.assumeIsolated().scheduleTask(deadline: time) { [weak self] in self?.lookForLife() }
  }

  /// Ends the connection gracefully at an age, varied by up to a tenth.
  func endAt(_ age: TimeAmount) {
    let tenth = age.nanoseconds / 10
    after(age + .nanoseconds(.random(in: -tenth...tenth))) { handler in
      handler.shutdown()
      handler.after(handler.limits.maxAgeGrace) { $0.endOfAge?($0) }
    }
  }
}
