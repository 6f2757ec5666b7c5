import NIOCore
import Testing

@testable import Transport

@Suite("Keepalive")
struct KeepAliveTests {
  private let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

  private func at(_ seconds: Int64) -> NIODeadline { start + .seconds(seconds) }

  @Test("A peer that is silent for the interval is sent one PING, and given up if it does not answer in time")
  func silent() {
    var keepAlive = KeepAlive(interval: .seconds(10), timeout: .seconds(3))
    #expect(keepAlive.tick(at(0), lastHeard: at(0)) == .wait(until: at(10)))
    #expect(keepAlive.tick(at(10), lastHeard: at(0)) == .ping(until: at(13)))
    #expect(keepAlive.tick(at(12), lastHeard: at(0)) == .wait(until: at(13)))
    #expect(keepAlive.tick(at(13), lastHeard: at(0)) == .lost)
  }

  @Test("A peer that answers, or sends anything else, starts a new interval")
  func answers() {
    var keepAlive = KeepAlive(interval: .seconds(10), timeout: .seconds(3))
    #expect(keepAlive.tick(at(10), lastHeard: at(0)) == .ping(until: at(13)))
    #expect(keepAlive.tick(at(13), lastHeard: at(11)) == .wait(until: at(21)))
    #expect(keepAlive.tick(at(21), lastHeard: at(11)) == .ping(until: at(24)))
    #expect(keepAlive.tick(at(24), lastHeard: at(24)) == .wait(until: at(34)))
  }

  @Test("A peer that sends continuously is never sent a PING")
  func busy() {
    var keepAlive = KeepAlive(interval: .seconds(10), timeout: .seconds(3))
    for second in stride(from: Int64(0), to: 100, by: 9) {
      #expect(keepAlive.tick(at(second + 9), lastHeard: at(second + 8)) == .wait(until: at(second + 18)))
    }
  }
}
