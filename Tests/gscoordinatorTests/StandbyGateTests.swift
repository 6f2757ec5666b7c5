import GRPC
import Testing
import Transport

@testable import gscoordinator

@Suite("The gate of a coordinator that is starting or standing by")
struct StandbyGateTests {
  private func refusal(_ gate: StandbyGate, _ path: String) -> GRPCStatus? {
    do { try gate.begin(ServerContext(path: path, peer: .unix(nil), metadata: Metadata())) } catch {
      return error as? GRPCStatus
    }
    return nil
  }

  @Test("Calls are rejected with a reason and, if useful, a time to try again; health is always answered")
  func reasons() {
    let health = HealthService(services: [])
    let check = "/grpc.health.v1.Health/Check"
    let call = "/gs.rpc.CoordinatorService/HeartBeat"
    let starting = StandbyGate(isStandby: false, health: health)
    #expect(refusal(starting, call)?.reason == "STARTING" && refusal(starting, call)?.retryDelay == .seconds(1))
    #expect(refusal(starting, check) == nil)
    starting.open()
    #expect(refusal(starting, call) == nil)
    let standby = StandbyGate(isStandby: true, health: health)
    #expect(refusal(standby, call)?.reason == "STANDBY" && refusal(standby, call)?.retryDelay == .seconds(1))
    #expect(refusal(standby, check) == nil)
    standby.shut(leader: "other:1")
    #expect(refusal(standby, call)?.retryDelay == nil)
  }
}
