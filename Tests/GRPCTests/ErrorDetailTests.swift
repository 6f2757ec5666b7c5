import NIOCore
import Testing
import Turns

@testable import GRPC

@Suite("Details of a status", .takesTurns)
struct ErrorDetailTests {
  private var status: GRPCStatus {
    var status = GRPCStatus(.unavailable, "später", reason: "STARTING", retryAfter: .milliseconds(1500))
    status.details.append(.info(reason: "R", domain: "d", metadata: ["a": "1", "b": ""]))
    status.details.append(.other(type: "type.googleapis.com/x.Y", bytes: [0, 255]))
    return status
  }

  @Test("Details can be decoded; invalid bytes give none")
  func roundTrip() throws {
    let bytes = try #require(status.encodedDetails)
    #expect(GRPCStatus.decodeDetails(bytes) == status.details)
    for cut in 1..<bytes.count {
      let details = GRPCStatus.decodeDetails(Array(bytes.prefix(cut)))
      #expect(status.details.starts(with: details), "\(cut)")
    }
    #expect(GRPCStatus.decodeDetails([0xff, 0xff]).isEmpty)
  }

  @Test("A status without details, or with details that are too long for a header, is sent without them")
  func bounded() {
    #expect(GRPCStatus(.internal, "m").encodedDetails == nil)
    var long = GRPCStatus(.internal, String(repeating: "m", count: 4000), reason: "R")
    #expect(long.encodedDetails == nil)
    long = GRPCStatus(.internal, "m", reason: String(repeating: "R", count: 4000))
    #expect(long.encodedDetails == nil)
  }

  @Test("Details are sent with the status, with and without messages")
  func travel() async throws {
    let status = status
    try await Pair.run { service in
      service.unary("Early", decode: .bytes, encode: .bytes) { _, _ in throw status }
      service.serverStreaming("Late", decode: .bytes, encode: .bytes) { request, writer, _ in
        try await writer.write(request)
        throw status
      }
    } _: { pair in
      #expect(try await pair.status("Early") == status)
      #expect(status.reason == "STARTING" && status.retryDelay == .milliseconds(1500))
      let late = try await pair.client.serverStreaming("/t.S/Late", .init(), encode: .bytes, decode: .bytes)
      let error = await #expect(throws: GRPCStatus.self) { for try await _ in late {} }
      #expect(error == status)
    }
  }
}
