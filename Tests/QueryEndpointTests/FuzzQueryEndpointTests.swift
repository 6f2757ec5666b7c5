import Fuzzing
import NIOCore
import QueryAlgebra
import QueryValues
import Testing

@testable import QueryEndpoint

@Suite("Fuzzing of query endpoints")
struct FuzzQueryEndpointTests {
  fileprivate static let limits = QueryEndpointLimits()

  @Test("Messages of Bolt are rejected or read")
  func bolt() throws {
    let encoder = BoltValueEncoder(FixedGraph(), hasElementIDs: true, isUTC: true, maximumNesting: 128)
    var run = ByteBuffer()
    run.packStructure(0x10, 3)
    run.pack("RETURN $a")
    var parameters = ByteBuffer()
    try encoder.message(.success(FixedService.values.map { ($0.name, $0.value) }), into: &parameters)
    run.writeBytes(parameters.readableBytesView.dropFirst(2))
    run.packMap(0)
    let corpus: [[UInt8]] = [
      Array(run.readableBytesView), [0xb1, 0x3f, 0xa1, 0x81, 0x6e, 0x64], [0xb0, 0x0f], [0xb3, 0x66, 0xa0, 0x90, 0xa0],
    ]
    var fuzzer = Fuzzer("bolt", corpus: corpus, words: [[0xb3], [0x91], [0xa1, 0x81], [0xd6]], inputs: 3_000)
    let slow = fuzzer.run { input in
      do throws(PackStreamError) {
        let request = try BoltRequest(ByteBuffer(bytes: input), limits: Self.limits)
        return String("\(request)".prefix { $0 != "(" })
      } catch {
        return error.reason.filter { !$0.isNumber }
      }
    }
    #expect(slow.isEmpty)
  }

  @Test("Messages of Gremlin in both formats are rejected or read")
  func gremlin() {
    let bytecode: [UInt8] = [0x15, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0x56, 0, 0, 0, 1, 0x01, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    let predicate: [UInt8] = [0x1e, 0, 0, 0, 0, 2] + Array("gt".utf8) + [0, 0, 0, 1, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    let json = #"""
      {"requestId":{"@type":"g:UUID","@value":"01020304-0506-0708-090a-0b0c0d0e0f10"},"op":"bytecode","processor":"traversal",\#
      "args":{"gremlin":{"@type":"g:Bytecode","@value":{"step":[["V"],["has","age",{"@type":"g:P","@value":{"predicate":"gt",\#
      "value":{"@type":"g:Int32","@value":1}}}]]}},"aliases":{"g":"g"}}}
      """#
    let requests = [
      GraphBinaryTests.request("bytecode", "traversal", [("gremlin", bytecode), ("x", predicate)]),
      GraphBinaryTests.request("eval", "", [("gremlin", GraphBinaryTests.text("g.V()"))]),
      ByteBuffer(bytes: [0x21] + Array((GremlinFormat.graphSON3.name + json).utf8)),
    ]
    let words = (UInt8(1)...0x2f).map { [$0, 0] } + ["g:Map", "g:Set", "@type", "[[", "\"V\""].map { Array($0.utf8) }
    var fuzzer = Fuzzer("gremlin", corpus: requests.map { Array($0.readableBytesView) }, words: words, inputs: 3_000)
    let reader = GremlinRequestReader(limits: Self.limits)
    let slow = fuzzer.run { input in
      do throws(GremlinFormatError) {
        let (request, format) = try reader.request(binary: ByteBuffer(bytes: input))
        if case .rejected(let code, let why) = request.operation { return "\(code) \(why.filter { !$0.isNumber })" }
        return "\(format) \("\(request.operation)".prefix { $0 != "(" })"
      } catch {
        return error.reason.filter { !$0.isNumber }
      }
    }
    #expect(slow.isEmpty)
  }

  @Test("Whatever a client sends, each request has one answer at most, and every query ends")
  func sessions() {
    let corpus: [[UInt8]] = [
      [0, 1, 14, 6, 15, 7, 16, 17], [0, 1, 14, 5, 6, 15, 7, 16, 6, 15, 9, 11], [0, 1, 14, 6, 11, 6, 18],
    ]
    var fuzzer = Fuzzer("bolt-session", corpus: corpus, words: [[0, 1, 14]], inputs: 3_000)
    let slow = fuzzer.run { input in
      var play = Play()
      for byte in input { play.take(byte) }
      play.handle(.disconnected)
      #expect(play.answers <= play.requests + play.violations)
      #expect(play.open.isEmpty)
      return "\(play.states.suffix(4))"
    }
    #expect(slow.isEmpty)
  }

  /// A session that is given events by numbers.
  private struct Play {
    var session = BoltSession(
      version: BoltVersion(major: 5, minor: 8),
      identity: BoltSession.Identity(address: nil, agent: "", database: "g", connection: ""),
      limits: FuzzQueryEndpointTests.limits)
    var requests = 0
    var answers = 0
    var violations = 0
    var open: Set<Int> = []
    var states: [String] = []

    static let messages: [BoltRequest] = [
      .hello(ValueMap()), .logon(ValueMap()), .logoff, .route(address: nil), .telemetry, .begin(ValueMap()),
      .run(query: "q", parameters: ValueMap(), extra: ValueMap()), .pull(count: 2, result: -1),
      .discard(count: -1, result: 0), .commit, .rollback, .reset, .goodbye, .rejected(QueryError(.type, "x")),
    ]

    mutating func take(_ byte: UInt8) {
      let id = session.nextResult - 1
      if Int(byte) < Self.messages.count {
        requests += 1
        return handle(.received(Self.messages[Int(byte)]))
      }
      switch byte {
      case 14: handle(.authenticated(true))
      case 15: handle(.opened(id, columns: ["n"]))
      case 16: handle(.rows(id, [[.null]], plan: nil))
      case 17: handle(.rows(id, [], plan: nil))
      case 18: handle(.failed(id, QueryError(.internal, "x")))
      case 19: handle(.writable(false))
      case 20: handle(.writable(true))
      case 21: handle(.expired)
      case 22: handle(.draining)
      default: break
      }
    }

    mutating func handle(_ event: BoltSession.Event) {
      for action in session.handle(event, now: .now) {
        switch action {
        case .send: answers += 1
        case .open(let id, _): open.insert(id)
        case .cancel(let id): open.remove(id)
        default: break
        }
      }
      states.append("\(session.state)")
    }
  }
}
