import Coordinator
import Engines
import GraphStore
import Testing
import Wire

@testable import ClientEndpoint

@Suite("Reading the client's words for a file")
struct CSVSourceTests {
  @Test("Path, options, columns and types are found")
  func whole() throws {
    let text =
      "/data/v.csv#delimiter=,&header_row=True&schema=id,name,age&column_types=int64_t,,int32_t"
      + "&include_all_columns=True&filetype=CSV"
    let source = try #require(CSVSource(text))
    #expect(source.path == "/data/v.csv")
    #expect(
      source.options
        == CSVOptions(
          delimiter: UInt8(ascii: ","), hasHeader: true,
          columns: [(.name("id"), "int64_t"), (.name("name"), nil), (.name("age"), "int32_t")],
          includesAllColumns: true))
  }

  @Test(
    "The delimiter may be any character, also one of the syntax",
    arguments: ["|", "\t", "#", "&", "=", ";", " "])
  func delimiters(delimiter: String) throws {
    let source = try #require(CSVSource("a#b.csv#delimiter=\(delimiter)&header_row=False&schema=0,1&filetype=CSV"))
    #expect(source.path == "a#b.csv")
    #expect(source.options.delimiter == delimiter.utf8.first)
    #expect(!source.options.hasHeader && !source.options.includesAllColumns)
    #expect(source.options.columns.map(\.reference) == [.index(0), .index(1)])
  }

  @Test(
    "What is not of that form is not taken for it",
    arguments: ["", "/data/v.csv", "x#delimiter=", "x#delimiter=ab&filetype=CSV", "x#delimiter=,&filetype=ORC"])
  func refuses(text: String) {
    #expect(CSVSource(text) == nil)
  }
}

@Suite("Reading the client's operations")
struct OperationDecoderTests {
  private func decode(_ op: OperationType, _ attributes: [ParamKey: AttributeValue] = [:]) throws -> AnalyticalOperation
  {
    let step = try OperationDecoder(OpDef(key: "k", op: op, parents: ["p"], attributes: attributes)).step(tables: [])
    #expect(step.key == "k" && step.parents == ["p"])
    guard case .analytical(let operation) = step.action else { throw WireError(.missing, "no operation") }
    return operation
  }

  @Test("An empty graph takes the client's options")
  func createGraph() throws {
    let operation = try decode(
      .createGraph,
      [
        .graphType: .int(4), .directed: .bool(false), .oidType: .text("std::string"), .vidType: .text("uint32_t"),
        .generateEid: .bool(false), .retainOid: .bool(true), .compactEdges: .bool(true),
      ])
    guard case .createGraph(let options, let layout) = operation else { return #expect(Bool(false)) }
    #expect(
      options == GraphOptions(isDirected: false, idType: .string, generatesEdgeIDs: false, retainsIDs: true))
    #expect(layout == GraphLayout(hasWideVertexNumbers: false, compactEdges: true))
  }

  @Test("Graphs of other kinds are named as what is missing")
  func otherGraphs() throws {
    guard case .other = try decode(.createGraph, [.graphType: .int(2)]) else { return #expect(Bool(false)) }
    guard case .other = try decode(.createGraph, [.isFromVineyardID: .bool(true)]) else { return #expect(Bool(false)) }
    guard case .other(let name) = try decode(.reportGraph) else { return #expect(Bool(false)) }
    #expect(name == "REPORT_GRAPH")
  }

  @Test("A projection distinguishes no properties from all properties")
  func project() throws {
    let operation = try decode(
      .projectGraph,
      [
        .vertexCollections: .text(#"{"person": ["age", "name"], "software": null}"#),
        .edgeCollections: .text(#"{"knows": []}"#),
      ])
    guard case .project(let vertices, let edges) = operation else { return #expect(Bool(false)) }
    #expect(vertices["person"] == ["age", "name"])
    #expect(vertices["software"] == .some(nil))
    #expect(edges["knows"] == .some([]))
  }

  @Test("Frame columns keep the client's order; ranges keep the type of their bounds")
  func frame() throws {
    let operation = try decode(
      .contextToDataframe,
      [.selector: .text(#"{"z": "v.id", "a": "r"}"#), .vertexRange: .text(#"{"begin": 1, "end": "x"}"#)])
    guard case .exportFrame(let columns, let range) = operation else { return #expect(Bool(false)) }
    #expect(columns == [FrameColumn(name: "z", selector: "v.id"), FrameColumn(name: "a", selector: "r")])
    #expect(range == VertexRange(begin: .integer(1), end: .string("x")))
  }

  @Test(
    "Attributes that are missing or malformed are named",
    arguments: [
      (OperationType.createApp, [:], "APP_ALGO"),
      (.projectGraph, [.vertexCollections: .text("[]")], "VERTEX_COLLECTIONS"),
      (.projectGraph, [.vertexCollections: .text("{")], "VERTEX_COLLECTIONS"),
      (.contextToDataframe, [.selector: .text(#"{"a": 1}"#)], "selector of 'a'"),
      (.contextToNumpy, [.vertexRange: .text(#"{"begin": 1.5}"#)], "vertex range"),
      (.createGraph, [.oidType: .text("float")], "OID_TYPE"),
      (.addLabels, [.extendLabelData: .int(9)], "EXTEND_LABEL_DATA"),
    ] as [(OperationType, [ParamKey: AttributeValue], String)])
  func malformed(op: OperationType, attributes: [ParamKey: AttributeValue], named: String) {
    let error = #expect(throws: EngineError.self) { try decode(op, attributes) }
    #expect(error?.code == .invalidArgument)
    #expect(error?.description.uppercased().contains(named.uppercased()) == true)
  }
}

@Suite("Answering a step")
struct StepAnswerTests {
  @Test(
    "Every failure carries a code and an exception, or the client would raise nothing",
    arguments: EngineError.Code.allCases)
  func failures(code: EngineError.Code) {
    var outcome = StepOutcome()
    outcome.results = [("a", .done), ("b", .boundApplication(key: "app_x"))]
    outcome.failure = ("c", EngineError(code, "it failed", evidence: "because", hint: "Try again"))
    let answer = StepAnswer(outcome)
    #expect(answer.head.code != .ok)
    #expect(answer.head.errorMessage == "it failed: because. Try again")
    #expect(answer.head.results.map(\.key) == ["a", "b", "c"])
    #expect(String(decoding: answer.head.exception, as: UTF8.self).contains("it failed: because. Try again"))
  }

  @Test("An error that quotes a text of any length is bounded")
  func longError() {
    var outcome = StepOutcome()
    outcome.failure = ("c", EngineError(.unknownName, String(repeating: "é", count: 1 << 20)))
    let answer = StepAnswer(outcome)
    #expect(answer.head.errorMessage.utf8.count < 17 << 10)
    #expect(answer.head.exception.count < 17 << 10)
  }

  @Test("Archives are announced in the head and follow in order")
  func archives() {
    var outcome = StepOutcome()
    outcome.results = [
      ("a", .archive([1])), ("b", .context(ContextDescription(key: "ctx_1", kind: .vertexData))), ("c", .archive([])),
    ]
    let answer = StepAnswer(outcome)
    #expect(answer.head.code == .ok && answer.head.exception.isEmpty)
    #expect(answer.head.results.map(\.hasLargeResult) == [true, false, true])
    let bodies = answer.bodies.map { body -> [UInt8] in
      guard case .bytes(let bytes) = body else { return [0xff] }
      return bytes
    }
    #expect(bodies == [[1], []])
    #expect(
      String(decoding: answer.head.results[1].result, as: UTF8.self)
        == #"{"context_key":"ctx_1","context_schema":"","context_type":"vertex_data"}"#)
  }

  @Test("What an engine says in the client's own words passes as it is")
  func ownWords() {
    var graph = GraphDef()
    graph.key = "graph_1"
    var outcome = StepOutcome()
    outcome.results = [
      ("a", .definedGraph(graph)), ("b", .value([7])), ("c", .stream(ResultStream { nil })),
    ]
    let answer = StepAnswer(outcome)
    #expect(answer.head.results[0].graph == graph)
    #expect(answer.head.results[1].result == [7] && !answer.head.results[1].hasLargeResult)
    #expect(answer.head.results[2].hasLargeResult && answer.bodies.count == 1)
  }
}
