import ArgumentParser
import GRPC
import ServerConfiguration
import Testing
import Transport

@testable import gscoordinator

@Suite("The limits of the endpoint")
struct EndpointLimitsTests {
  private func limits(_ memory: Int, _ environment: [String: String] = [:]) throws -> (Int, Int, Int) {
    let settings = try ConfigurationOptions.parse([]).resolve(environment: environment).settings
    let limits = try EndpointLimits.resolve(settings, memory: memory)
    return (limits.messageBudgetBytes, limits.connection.received.total, limits.connection.queued.total)
  }

  @Test("The defaults are fractions of the memory: half of it in total, counting received bytes twice")
  func parts() throws {
    #expect(try limits(2 << 30) == (512 << 20, 128 << 20, 256 << 20))
    #expect(try limits(64 << 30) == (4 << 30, 4 << 30, 8 << 30))
    #expect(try limits(100 << 20) == (64 << 20, 16 << 20, 64 << 20))
    for gibibytes in 1...1024 {
      let (messages, received, queued) = try limits(gibibytes << 30)
      #expect(messages + 2 * received + queued <= gibibytes << 29)
    }
  }

  @Test("Configured values take precedence")
  func configured() throws {
    let environment = [
      "GSCOORDINATOR_LIMITS_IN_FLIGHT_BYTES": "2000000", "GSCOORDINATOR_LIMITS_HELD_BYTES": "3000000",
      "GSCOORDINATOR_LIMITS_QUEUED_BYTES": "4000000",
    ]
    #expect(try limits(2 << 30, environment) == (2_000_000, 3_000_000, 4_000_000))
    #expect(throws: ConfigurationError.self) { try limits(2 << 30, ["GSCOORDINATOR_LIMITS_HELD_BYTES": "1"]) }
  }
}
