import TestSupport
import Testing
import Turns

@testable import Wire

@Suite("Hostile input", .takesTurns)
struct HostileInputTests {
  static let samples: [[UInt8]] = [
    Samples.request.encodedBytes, Samples.response.encodedBytes,
    wholeMessage(
      RunStepRequest.body(RunStepRequestBody(operationKey: "k", hasNext: true, chunk: 0..<3)), received: [1, 2, 3]),
    CreateInteractiveInstanceRequest(sessionID: "s", parameters: ["a": "b"]).encodedBytes,
  ]

  /// Decodes bytes as every type of message. Only an error may result; what was decoded can be encoded and decoded again.
  private func readAsEverything(_ bytes: [UInt8]) throws {
    func read<M: WireMessage>(_: M.Type) throws {
      guard let message = try? M.decode(bytes) else { return }
      let again = try M.decode(wholeMessage(message, received: bytes))
      #expect(wholeMessage(again, received: bytes).count == wholeMessage(message, received: bytes).count)
    }
    try read(RunStepRequest.self)
    try read(RunStepResponse.self)
    try read(ConnectSessionResponse.self)
    try read(CreateInteractiveInstanceRequest.self)
    try read(CreateLearningInstanceRequest.self)
    try read(AddLibRequest.self)
  }

  @Test("truncated at any byte is rejected or read, never fatal", arguments: samples)
  func truncation(sample: [UInt8]) throws {
    for count in 0..<sample.count { try readAsEverything(Array(sample.prefix(count))) }
  }

  @Test("with random bytes changed is rejected or read, never fatal", arguments: samples)
  func damage(sample: [UInt8]) throws {
    var random = SplitMix(seed: 29)
    for _ in 0..<5000 {
      var bytes = sample
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let position = Int.random(in: 0..<bytes.count, using: &random)
        bytes[position] =
          Bool.random(using: &random)
          ? bytes[position] ^ (1 << UInt8.random(in: 0..<8, using: &random))
          : UInt8.random(in: 0...255, using: &random)
      }
      try readAsEverything(bytes)
    }
  }

  @Test("of random bytes is rejected or read, never fatal")
  func noise() throws {
    var random = SplitMix(seed: 7)
    for _ in 0..<5000 {
      let count = Int.random(in: 0..<64, using: &random)
      try readAsEverything((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
    }
  }

  @Test("with deeply nested lists is rejected before any recursion")
  func nesting() throws {
    func nested(_ depth: Int) -> [UInt8] {
      var list: [UInt8] = []
      for _ in 0..<depth { list = Raw.field(10, list) }
      return Raw.step(Raw.field(6, Raw.field(2, Raw.field(11, list))))
    }
    #expect(refusal { try RunStepRequest.decode(nested(50)) } == nil)
    #expect(refusal { try RunStepRequest.decode(nested(65)) } == .tooDeep)
    #expect(refusal { try RunStepRequest.decode(nested(20_000)) } == .tooDeep)
  }

  @Test("that expands out of proportion is rejected")
  func expansion() {
    // Two bytes stand for an empty operation, which becomes a struct of more than a hundred bytes.
    let operations = [UInt8](repeating: 0, count: 4 << 20).indices.map { UInt8($0 % 2 == 0 ? 0x0a : 0) }
    #expect(refusal { try RunStepRequest.decode(Raw.field(1, Raw.field(2, operations))) } == .tooLarge)
  }

  @Test("that repeats a singular message is rejected")
  func duplicates() {
    let dag = Raw.field(2, [])
    #expect(refusal { try RunStepRequest.decode(Raw.field(1, dag + dag)) } == .malformed)
  }

  @Test("with invalid text is rejected, and the error names the field")
  func texts() {
    #expect(refusal { try HeartBeatRequest.decode(Raw.field(1, [0x61, 0])) } == .invalidText)
    #expect(refusal { try HeartBeatRequest.decode(Raw.field(1, [0xc3])) } == .invalidText)
    #expect(refusal { try RunStepRequest.decode(Raw.step(Raw.field(4, [0xff]))) } == .invalidText)
    do {
      _ = try HeartBeatRequest.decode(Raw.field(1, [0x61, 0]))
    } catch {
      #expect("\(error)".contains("gs.rpc.HeartBeatRequest.session_id at byte 0"))
    }
  }

  @Test("with unknown numbers of operations, types or results is rejected by name")
  func unknownNumbers() {
    do {
      _ = try RunStepRequest.decode(Raw.step(Raw.number(3, 999)))
      Issue.record("an unknown operation was accepted")
    } catch {
      #expect(error.code == .unknownValue)
      #expect("\(error)".contains("OpDef.op is 999"))
    }
    #expect(refusal { try RunStepRequest.decode(Raw.step(Raw.number(5, 9))) } == .unknownValue)
    let argument = Raw.field(1, Array("type.googleapis.com/google.protobuf.Int64Value".utf8))
    #expect(refusal { try RunStepRequest.decode(Raw.step(Raw.field(8, Raw.field(1, argument)))) } == .unknownValue)
  }

  @Test(
    "that violates the wire format is rejected",
    arguments: [
      [0x0a], [0x0a, 5, 0x61], [0x0a, 0x80], [0x0b], [0x0c], [0x00, 0x00], [0x08, 1], [0x0d, 1, 2, 3, 4],
      [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
      [0x10] + [UInt8](repeating: 0x80, count: 10) + [1], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0], [0x11, 1],
    ] as [[UInt8]])
  func wireFormat(bytes: [UInt8]) {
    #expect(refusal { try HeartBeatRequest.decode(bytes) } == .malformed)
  }

  @Test("with a negative size of announced data is rejected")
  func negativeSize() {
    let meta = Raw.field(2, Raw.field(1, Raw.number(1, UInt64(bitPattern: -5))))
    #expect(refusal { try RunStepRequest.decode(Raw.step(Raw.field(7, meta))) } == .malformed)
  }
}
