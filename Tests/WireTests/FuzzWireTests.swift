import Fuzzing
import Testing
import Turns
import Wire

@Suite("Fuzzing of messages and archives", .takesTurns)
struct FuzzWireTests {
  @Test("Any bytes are rejected or read as every message, and what was read can be written again")
  func messages() throws {
    let corpus =
      HostileInputTests.samples + [
        ConnectSessionRequest(danglingTimeoutSeconds: 60, version: "0.29.0").encodedBytes,
        CloseSessionRequest(sessionID: "session_x").encodedBytes,
      ]
    var fuzzer = Fuzzer(
      "wire-messages", corpus: corpus, words: [Array("session".utf8), Array("gs.rpc.BoolValue".utf8)])
    let slow = try fuzzer.run { input in
      var outcome = ""
      func read<M: WireMessage>(_: M.Type) throws {
        guard let message = try? M.decode(input) else {
          outcome += "0"
          return
        }
        let again = try M.decode(wholeMessage(message, received: input))
        #expect(wholeMessage(again, received: input).count == wholeMessage(message, received: input).count)
        outcome += "1"
      }
      try read(ConnectSessionRequest.self)
      try read(ConnectSessionResponse.self)
      try read(HeartBeatRequest.self)
      try read(FetchLogsRequest.self)
      try read(FetchLogsResponse.self)
      try read(CloseSessionRequest.self)
      try read(AddLibRequest.self)
      try read(AddLibResponse.self)
      try read(RunStepRequest.self)
      try read(RunStepResponse.self)
      try read(CreateAnalyticalInstanceRequest.self)
      try read(CreateAnalyticalInstanceResponse.self)
      try read(CreateInteractiveInstanceRequest.self)
      try read(CreateInteractiveInstanceResponse.self)
      try read(CreateLearningInstanceRequest.self)
      try read(CreateLearningInstanceResponse.self)
      try read(CloseAnalyticalInstanceRequest.self)
      try read(CloseInteractiveInstanceRequest.self)
      try read(CloseLearningInstanceRequest.self)
      return outcome
    }
    #expect(slow.isEmpty)
  }

  @Test("Result archives are rejected or read")
  func archives() {
    let numbers = (0..<20).map { Int64($0) }
    let corpus = numbers.withUnsafeBufferPointer { values in
      [
        ResultArchive.array(.int64(values)), ResultArchive.array(.int64(values), shape: [4, 5]),
        ResultArchive.dataframe([("id", .int64(values)), ("again", .int64(values))]), ResultArchive.dataframe([]),
      ]
    }
    var fuzzer = Fuzzer("result-archives", corpus: corpus)
    let slow = fuzzer.run { input in
      input.withUnsafeBytes { bytes in
        let array = try? ResultArchive.readArray(bytes)
        if let array { #expect(array.values.count == array.shape.reduce(1, *)) }
        let frame = try? ResultArchive.readDataframe(bytes)
        return "\(array.map { "\($0.values)".prefix(6) } ?? "") \(frame != nil)"
      }
    }
    #expect(slow.isEmpty)
  }
}
