import Access
import Coordinator
import Foundation
import GRPC
import LogStore
import Testing
import Transport

@testable import ClientEndpoint

@Suite("The access gate for all calls")
struct AccessGateTests {
  private let directory = NSTemporaryDirectory() + "/gate-\(UUID().uuidString)"

  /// A gate with a user by token and a viewer by the host 10.0.0.1, and its parts.
  private func with(_ body: (AccessGate, AccessControl, String) throws -> Void) throws {
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let logs = try LogStore(directory: directory, instance: "test")
    defer { logs.close() }
    let alice = Identity(principal: Principal("alice"), tenant: "a", role: .user)
    let (token, secret) = try AccessToken.make(alice, created: Date(), expires: nil)
    let viewer = AccessPolicy.Grant(principal: "vic", tenant: "v", role: .viewer)
    let policy = try AccessPolicy(networks: [try NetworkPrefix("10.0.0.1"): viewer], owner: 1)
    let access = try AccessControl(policy, tokens: TokenSet([token]), logs: logs)
    try body(AccessGate(access), access, secret)
  }

  private func call(
    _ method: String = "ConnectSession", host: String = "10.0.0.2", connection: UInt64 = 1, token: String? = nil
  ) -> ServerContext {
    var metadata = Metadata()
    if let token { try? metadata.add("authorization", "Bearer " + token) }
    return ServerContext(
      path: "/gs.rpc.CoordinatorService/\(method)", peer: .tcp(host: host, port: 1), connection: connection,
      metadata: metadata)
  }

  private func code(_ gate: AccessGate, _ context: ServerContext) -> GRPCStatus.Code {
    do { try gate.begin(context) } catch { return (error as? GRPCStatus)?.code ?? .unknown }
    return .ok
  }

  @Test("A viewer may send only heartbeats, including with future methods")
  func viewer() throws {
    try with { gate, _, _ in
      #expect(code(gate, call("HeartBeat", host: "10.0.0.1")) == .ok)
      for method in ["ConnectSession", "CloseSession", "RunStep", "FetchLogs", "AddLib", "HeartBeats", "Unheard"] {
        #expect(code(gate, call(method, host: "10.0.0.1")) == .permissionDenied, "\(method)")
      }
    }
  }

  @Test("Unknown callers and invalid tokens are rejected, and become too many attempts")
  func strangers() throws {
    try with { gate, _, secret in
      #expect(code(gate, call("HeartBeat")) == .unauthenticated)
      for _ in 0..<10 { #expect(code(gate, call(token: "gsc_wrong")) == .unauthenticated) }
      #expect(code(gate, call(token: "gsc_wrong")) == .resourceExhausted)
      #expect(code(gate, call(token: secret)) == .ok)
    }
  }

  @Test("Two tokens on one connection are two callers, and a call without one is a third")
  func sharedConnection() throws {
    try with { gate, _, secret in
      for _ in 0..<2 {
        let first = call("HeartBeat", host: "10.0.0.1", token: secret)
        try gate.begin(first)
        #expect(Caller(first).principal == Principal("alice"))
        let second = call("HeartBeat", host: "10.0.0.1")
        try gate.begin(second)
        #expect(Caller(second).principal == Principal("vic"))
      }
    }
  }

  @Test("The identity of a connection is determined again after a change of the tokens")
  func change() throws {
    try with { gate, access, secret in
      #expect(code(gate, call(token: secret)) == .ok)
      try access.replace(TokenSet())
      #expect(code(gate, call(token: secret)) == .unauthenticated)
    }
  }

  @Test("Without a gate a caller is an operator of the default tenant, named by its address")
  func unconfigured() {
    let caller = Caller(call())
    #expect(caller.identity == Identity(principal: Principal("host 10.0.0.2"), tenant: "default", role: .operator))
  }
}
