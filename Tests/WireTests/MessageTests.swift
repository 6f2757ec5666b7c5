import Testing
import Turns
import Vocabulary

@testable import Wire

@Suite("Messages", .takesTurns)
struct MessageTests {
  @Test("keep every field when encoded and decoded")
  func roundTrips() throws {
    func check<M: WireMessage>(_ message: M) throws {
      #expect(try M.decode(message.encodedBytes) == message)
    }
    try check(Samples.request)
    try check(Samples.response)
    try check(RunStepResponse.head(RunStepResponseHead(results: [OpResult(key: "nx", graph: Samples.mutableGraph)])))
    var groot = GraphDef()
    groot.info = .other(message: "gs.rpc.graph.GrootInfoPb", [8, 1])
    try check(RunStepResponse.head(RunStepResponseHead(results: [OpResult(key: "store", graph: groot)])))
    try check(RunStepRequest.head(RunStepRequestHead(sessionID: "", dag: DagDef())))
    try check(
      ConnectSessionRequest(cleanupInstance: true, danglingTimeoutSeconds: -1, version: "0.29.0", reconnect: true))
    try check(
      ConnectSessionResponse(
        sessionID: "s", clusterType: .k8s, numWorkers: 2, namespace: "n", engineConfig: "{}", hostNames: ["a", "b"]))
    try check(HeartBeatRequest(sessionID: "s"))
    try check(HeartBeatResponse())
    try check(FetchLogsRequest(sessionID: "s"))
    try check(FetchLogsResponse(info: "i", error: "e"))
    try check(CloseSessionRequest(sessionID: "s"))
    try check(CloseSessionResponse())
    try check(AddLibRequest(sessionID: "s", archive: [0, 1, 0]))
    try check(AddLibResponse())
    try check(CreateAnalyticalInstanceRequest(sessionID: "s"))
    try check(CreateAnalyticalInstanceResponse(instanceID: "i", engineConfig: "{}", hostNames: ["h"]))
    try check(
      CreateInteractiveInstanceRequest(
        sessionID: "s", objectID: -1, schemaPath: "p", parameters: ["a": "b", "": ""], withCypher: true))
    try check(CreateInteractiveInstanceResponse(gremlinEndpoint: "g", cypherEndpoint: "c", objectID: 1))
    try check(
      CreateLearningInstanceRequest(
        sessionID: "s", objectID: 1, handle: "h", config: "c", backend: LearningBackend(rawValue: 77)))
    try check(CreateLearningInstanceResponse(objectID: 1, handle: "h", config: "c", endpoints: ["e", "f"]))
    try check(CloseAnalyticalInstanceRequest(sessionID: "s", instanceID: "i"))
    try check(CloseAnalyticalInstanceResponse())
    try check(CloseInteractiveInstanceRequest(sessionID: "s", objectID: 2))
    try check(CloseInteractiveInstanceResponse())
    try check(CloseLearningInstanceRequest(sessionID: "s", objectID: 2))
    try check(CloseLearningInstanceResponse())
  }

  @Test("have equal bytes when they are equal")
  func stableBytes() throws {
    #expect(try RunStepRequest.decode(Samples.request.encodedBytes).encodedBytes == Samples.request.encodedBytes)
  }

  @Test("omit empty texts and zeros when encoded")
  func defaults() {
    #expect(HeartBeatResponse().encodedBytes == [])
    #expect(ConnectSessionRequest().encodedBytes == [])
    #expect(HeartBeatRequest(sessionID: "ab").encodedBytes == [0x0a, 2, 0x61, 0x62])
  }

  @Test("distinguish false and zero from absence in an attribute")
  func oneofPresence() throws {
    for value in [AttributeValue.bool(false), .int(0), .bytes([]), .null, .unset] {
      let step = RunStepRequest.head(
        RunStepRequestHead(
          sessionID: "s", dag: DagDef(operations: [OpDef(key: "k", op: .runApp, attributes: [.axis: value])])))
      #expect(try RunStepRequest.decode(step.encodedBytes) == step)
    }
  }

  @Test("keep the last of several attributes with the same key, and read an entry without a value as unset")
  func mapEntries() throws {
    func entry(_ key: UInt64, _ value: [UInt8]?) -> [UInt8] {
      Raw.field(6, Raw.number(1, key) + (value.map { Raw.field(2, $0) } ?? []))
    }
    let bytes = Raw.step(entry(3, Raw.number(3, 4)) + entry(3, Raw.number(3, 5)) + entry(18, nil))
    guard case .head(let head) = try RunStepRequest.decode(bytes) else { throw WireError(.missing, "no head") }
    #expect(head.dag.operations.first?.attributes == [.graphType: .int(5), .directed: .unset])
  }

  @Test("skip fields of newer versions")
  func unknownFields() throws {
    let bytes = Raw.field(1, Array("s".utf8)) + Raw.field(100, [1, 2, 3]) + Raw.number(101, 5) + [0xb5, 6, 1, 2, 3, 4]
    #expect(try HeartBeatRequest.decode(bytes) == HeartBeatRequest(sessionID: "s"))
  }

  @Test("show a NUL in a text as its symbol, because a C string would end there")
  func nulInText() throws {
    let log = FetchLogsResponse(info: "a\0b", error: "")
    #expect(try FetchLogsResponse.decode(log.encodedBytes).info == "a\u{2400}b")
  }

  @Test("return text and numbers of attributes only for values of these types")
  func attributeAccessors() {
    #expect(AttributeValue.text("ä").text == "ä")
    #expect(AttributeValue.bytes([0xff]).text == nil)
    #expect(AttributeValue.int(4).text == nil)
    #expect(AttributeValue.int(-4).integer == -4)
    #expect(AttributeValue.uint(.max).integer == nil)
    #expect(AttributeValue.bool(true).boolean == true)
    #expect(AttributeValue.int(1).boolean == nil)
    #expect("\(ParamKey.ePropKey)" == "E_PROP_KEY")
    #expect("\(ParamKey(rawValue: 12345))" == "12345")
  }
}

@Suite("Bodies of a step", .takesTurns)
struct BodyTests {
  @Test("report the range of their chunk instead of copying it", arguments: [0, 1, 100, 127, 128, 70_000])
  func bodies(count: Int) throws {
    let chunk = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
    for hasNext in [false, true] {
      for key in ["", "0123456789abcdef"] {
        let sent = RunStepRequest.body(RunStepRequestBody(operationKey: key, hasNext: hasNext, chunk: 0..<count))
        let bytes = wholeMessage(sent, received: chunk)
        #expect(sent.encoded { $0.byteCount + $0.payloadByteCount } == bytes.count)
        guard case .body(let body) = try RunStepRequest.decode(bytes) else { throw WireError(.missing, "no body") }
        #expect(Array(bytes[body.chunk]) == chunk)
        #expect(body.operationKey == key)
        #expect(body.hasNext == hasNext)
      }
      let sent = RunStepResponse.body(RunStepResponseBody(hasNext: hasNext, chunk: 0..<count))
      let bytes = wholeMessage(sent, received: chunk)
      guard case .body(let body) = try RunStepResponse.decode(bytes) else { throw WireError(.missing, "no body") }
      #expect(Array(bytes[body.chunk]) == chunk)
      #expect(body.hasNext == hasNext)
    }
  }

  @Test("are read with their fields in any order, as Python encodes them")
  func fieldOrder() throws {
    let bytes = Raw.field(2, Raw.field(1, [7, 8, 9]) + Raw.field(2, Array("key".utf8)) + Raw.number(3, 1))
    let expected = RunStepRequestBody(operationKey: "key", hasNext: true, chunk: 4..<7)
    #expect(try RunStepRequest.decode(bytes) == .body(expected))
  }

  @Test("are rejected when they contain both head and body, or neither")
  func oneofs() {
    let body = Raw.field(2, Raw.field(1, [1]))
    #expect(refusal { try RunStepRequest.decode(body + body) } == .malformed)
    #expect(refusal { try RunStepResponse.decode(Raw.field(1, []) + body) } == .malformed)
    #expect(refusal { try RunStepResponse.decode([]) } == .missing)
    #expect(refusal { try RunStepRequest.decode(Raw.field(2, Raw.field(2, [0xff]))) } == .invalidText)
  }
}

/// Returns the code of the error that `body` throws; nil if it throws none.
func refusal<T>(_ body: () throws -> T) -> WireError.Code? {
  do {
    _ = try body()
    return nil
  } catch let error as WireError {
    return error.code
  } catch {
    return nil
  }
}
