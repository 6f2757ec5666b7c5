import Fuzzing
import Testing
import Turns

@testable import HTTP2

@Suite("Fuzzing of frames", .takesTurns)
struct FuzzHTTP2Tests {
  private static let corpus: [[UInt8]] = [
    Frame.settingsAck + Frame.headers(1) + Frame.data(1, [1, 2, 3], end: true),
    Frame.headers(1, end: true) + Frame.ping + Frame.reset(1) + Frame.headers(3, extra: [("a", "b")]),
    Frame.settings([(4, 100_000), (1, 0), (5, 20_000)]) + Frame.headers(1)
      + Frame.make(8, stream: 1, [0, 0, 16, 0]) + Frame.make(2, stream: 3, [0, 0, 0, 1, 16]),
    Frame.make(1, flags: 0, stream: 1, Frame.block(Frame.usual))
      + Frame.make(9, flags: 4, stream: 1, Frame.block([("x", "y")])),
    Frame.make(1, flags: 0x2C, stream: 1, [3, 0, 0, 0, 0, 9] + Frame.block(Frame.usual) + [0, 0, 0])
      + Frame.make(7, [0, 0, 0, 0, 0, 0, 0, 0]),
    Frame.make(1, flags: 0, stream: 1, Frame.block(Frame.usual) + [0x40, 1, 97, 0x7F, 0x82, 0xFF, 3])
      + Frame.make(9, flags: 0, stream: 1, [UInt8](repeating: 97, count: 16_384))
      + Frame.make(9, flags: 4, stream: 1, [UInt8](repeating: 97, count: 100)),
  ]

  /// Feeds bytes in pieces of a size; returns what the server has seen, sent and decided.
  private func outcome(_ bytes: [UInt8], by size: Int) -> String {
    let server = Endpoint(.server)
    var text = ""
    do {
      _ = try server.drained()
      try server.receive(Frame.preface)
      for start in stride(from: 0, to: bytes.count, by: size) {
        try server.receive(Array(bytes[start..<min(start + size, bytes.count)]))
      }
    } catch {
      text = "\((error as? HTTP2Error)?.message ?? "\(error)")"
    }
    for stream in server.accepted {
      text += " \(stream.headerLists) \(stream.sawOversizedHeaders) \(stream.hasEnded) \(stream.received.count)"
    }
    let sent = (try? server.drained()) ?? []
    text += " " + Frame.parse(sent).map { "\($0.type)" }.joined(separator: ",")
    server.connection.close(.cancel)
    #expect(server.accepted.allSatisfy { $0.closedWith != nil })
    return text
  }

  @Test("A server survives any frames, and does not depend on how they are cut")
  func frames() {
    var fuzzer = Fuzzer("http2-server", corpus: Self.corpus, inputs: 1_000)
    let slow = fuzzer.run { input in
      let whole = outcome(input, by: max(1, input.count))
      // Frames before an error may have been answered already.
      let cut = outcome(input, by: 7)
      if !whole.contains(where: \.isUppercase) { #expect(whole == cut) }
      return whole
    }
    #expect(slow.isEmpty)
  }

  @Test("A client survives any frames")
  func clientFrames() throws {
    let corpus =
      Self.corpus + [
        Frame.settings() + Frame.make(1, flags: 4, stream: 1, [0x88]) + Frame.data(1, [1, 2], end: true),
        Frame.settings() + Frame.make(1, flags: 5, stream: 1, [0x88]) + Frame.make(7, [0, 0, 0, 1, 0, 0, 0, 0]),
      ]
    var fuzzer = Fuzzer("http2-client", corpus: corpus, inputs: 1_000)
    let slow = try fuzzer.run { input in
      let client = Endpoint(.client)
      let stream = RecordingStream()
      try client.request(stream)
      _ = try client.drained()
      var text = ""
      do { try client.receive(input) } catch { text = (error as? HTTP2Error)?.message ?? "" }
      _ = try? client.drained()
      client.connection.close(.cancel)
      #expect(stream.closedWith != nil)
      return "\(text) \(stream.headerLists) \(stream.hasEnded)"
    }
    #expect(slow.isEmpty)
  }
}
