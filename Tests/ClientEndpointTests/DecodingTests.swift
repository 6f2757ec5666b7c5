import Coordinator
import Engines
import GraphStore
import Testing
import Vocabulary
import Wire

@testable import ClientEndpoint

@Suite("Decoding of the client's description of a file")
struct CSVSourceTests {
  @Test("Path, options, columns and types are found")
  func whole() throws {
    let text =
      "/data/v.csv#delimiter=,&header_row=True&schema=id,name,age&column_types=int64_t,,int32_t"
      + "&include_all_columns=True&filetype=CSV"
    let source = try CSVSource(text)
    #expect(source.path == "/data/v.csv")
    #expect(
      source.options
        == CSVOptions(
          delimiter: UInt8(ascii: ","), hasHeader: true,
          columns: [(.name("id"), "int64_t"), (.name("name"), nil), (.name("age"), "int32_t")],
          includesAllColumns: true))
  }

  @Test(
    "The delimiter may be any character, even one of the syntax",
    arguments: ["|", "\t", "#", "&", "=", ";", " "])
  func delimiters(delimiter: String) throws {
    let source = try CSVSource("a#b.csv#delimiter=\(delimiter)&header_row=False&schema=0,1&filetype=CSV")
    #expect(source.path == "a#b.csv")
    #expect(source.options.delimiter == delimiter.utf8.first)
    #expect(!source.options.hasHeader && !source.options.includesAllColumns)
    #expect(source.options.columns.map(\.reference) == [.index(0), .index(1)])
  }

  @Test(
    "Malformed and unsupported descriptions are rejected, with the cause",
    arguments: [
      ("", "Parquet"), ("/data/v.parquet", "Parquet"), ("x#delimiter=", "0 bytes"),
      ("x#delimiter=ab&filetype=CSV", "2 bytes"), ("x#delimiter=§&header_row=True&filetype=CSV", "single byte"),
      ("x#delimiter=,&filetype=ORC", "'ORC'"), ("x#delimiter=,&header_row=2&filetype=CSV", "header_row=2"),
    ])
  func refuses(text: String, named: String) {
    let error = #expect(throws: EngineError.self) { try CSVSource(text) }
    #expect(error?.description.contains(named) == true)
    if named == "Parquet" {
      #expect(error?.hint.contains("pandas") == true && error?.hint.contains("--engine graphscope") == true)
    }
  }

  @Test(
    "The header option may be a Boolean, a number or a word, as Python writes them",
    arguments: [
      ("True", true), ("true", true), ("1", true), ("yes", true), ("False", false), ("0", false), ("false", false),
      ("no", false), ("None", false), ("", false),
    ])
  func header(text: String, hasHeader: Bool) throws {
    #expect(try CSVSource("x#delimiter=,&header_row=\(text)&filetype=CSV").options.hasHeader == hasHeader)
  }

  @Test("Names that begin with a combining accent do not merge with the preceding character")
  func accents() throws {
    let source = try CSVSource("x#delimiter=,&header_row=True&schema=id,\u{301}a&column_types=int64_t,&filetype=CSV")
    #expect(source.options.columns.map(\.reference) == [.name("id"), .name("\u{301}a")])
  }

  @Test("Column numbers consist of digits only", arguments: ["007", "+5", "-0", "٣", "1 "])
  func numbersThatAreNames(name: String) {
    #expect(ColumnReference(name) == .name(name))
    #expect(ColumnReference("12") == .index(12))
  }
}

@Suite("Decoding of the client's operations")
struct OperationDecoderTests {
  private func decode(_ op: OperationType, _ attributes: [ParamKey: AttributeValue] = [:]) throws -> Engines.Operation {
    let operation = try Operation(OpDef(key: "k", op: op, parents: ["p"], attributes: attributes), spooled: [:])
    #expect(operation.key == "k" && operation.parents == ["p"] && operation.type == op)
    return operation
  }

  @Test("An empty graph has the client's options")
  func createGraph() throws {
    let operation = try decode(
      .createGraph,
      [
        .graphType: .int(4), .directed: .bool(false), .oidType: .text("std::string"), .vidType: .text("uint32_t"),
        .generateEid: .bool(false), .retainOid: .bool(true), .compactEdges: .bool(true),
      ])
    #expect(operation.graphOrigin == .tables)
    #expect(
      try operation.graphOptions()
        == GraphOptions(isDirected: false, idType: .string, generatesEdgeIDs: false, retainsIDs: true))
    #expect(try operation.graphLayout() == GraphLayout(hasWideVertexNumbers: false, compactEdges: true))
  }

  @Test("Unsupported kinds of graphs are named in the error")
  func otherGraphs() throws {
    let mutable = try decode(.createGraph, [.graphType: .int(2), .oidType: .text("anything")])
    #expect(mutable.graphOrigin == .mutable && mutable.title == "CREATE_GRAPH of a networkx graph")
    let stored = try decode(.createGraph, [.graphType: .int(4), .isFromVineyardID: .bool(true)])
    #expect(stored.graphOrigin == .store && stored.title == "CREATE_GRAPH from an object store")
    let archive = try decode(.createGraph, [.isFromVineyardID: .bool(false), .isFromGar: .bool(true)])
    #expect(archive.graphOrigin == .archive && archive.title == "CREATE_GRAPH from a GraphAr archive")
    #expect(try decode(.reportGraph).title == "REPORT_GRAPH")
  }

  @Test("A projection distinguishes no properties from all properties")
  func project() throws {
    let operation = try decode(
      .projectGraph,
      [
        .vertexCollections: .text(#"{"person": ["age", "name"], "software": null}"#),
        .edgeCollections: .text(#"{"knows": []}"#),
      ])
    let vertices = try operation.collections(.vertexCollections)
    let edges = try operation.collections(.edgeCollections)
    #expect(vertices["person"] == ["age", "name"])
    #expect(vertices["software"] == .some(nil))
    #expect(edges["knows"] == .some([]))
  }

  @Test("Frame columns keep the client's order; ranges keep the type of their bounds")
  func frame() throws {
    let operation = try decode(
      .contextToDataframe,
      [.selector: .text(#"{"z": "v.id", "a": "r"}"#), .vertexRange: .text(#"{"begin": 1, "end": "x"}"#)])
    #expect(
      try operation.frameColumns() == [FrameColumn(name: "z", selector: "v.id"), FrameColumn(name: "a", selector: "r")])
    #expect(try operation.vertexRange() == VertexRange(begin: .integer(1), end: .string("x")))
  }

  @Test(
    "Missing and malformed attributes are named in the error",
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

  @Test("Data received with an operation is not copied, item by item")
  func payloads() throws {
    let announced = OpDef(
      key: "k", op: .modifyVertices,
      largeAttribute: .announced([ChunkMeta(size: 0), ChunkMeta(size: 7, attributes: [.label: .text("a")])]))
    let file = SpooledData(path: "/x", byteCount: 7)
    #expect(
      try Operation(announced, spooled: [1: file]).payloads
        == [Payload(), Payload(attributes: [.label: .text("a")], content: .file(file))])
    let inline = OpDef(key: "k", op: .modifyVertices, largeAttribute: .chunks([Chunk(buffer: [1, 2])]))
    #expect(try Operation(inline, spooled: [:]).payloads == [Payload(content: .bytes([1, 2]))])
  }
}

@Suite("Answering a step")
struct StepAnswerTests {
  @Test(
    "Every failure has a code and an exception, without which the client would raise nothing",
    arguments: EngineError.Code.allCases)
  func failures(code: EngineError.Code) throws {
    var outcome = StepOutcome()
    outcome.results = [("a", .done), ("b", .boundApplication(key: "app_x"))]
    outcome.failure = ("c", EngineError(code, "it failed", evidence: "because", hint: "Try again"))
    let answer = try StepAnswer(outcome)
    #expect(answer.head.code != .ok)
    #expect(answer.head.errorMessage == "it failed: because. Try again")
    #expect(answer.head.results.map(\.key) == ["a", "b", "c"])
    #expect(String(decoding: answer.head.exception, as: UTF8.self).contains("it failed: because. Try again"))
  }

  @Test("An error that quotes long text is truncated")
  func longError() throws {
    var outcome = StepOutcome()
    outcome.failure = ("c", EngineError(.unknownName, String(repeating: "é", count: 1 << 20)))
    let answer = try StepAnswer(outcome)
    #expect(answer.head.errorMessage.utf8.count < 17 << 10)
    #expect(answer.head.exception.count < 17 << 10)
  }

  @Test("Archives are announced in the head and follow in order")
  func archives() throws {
    var outcome = StepOutcome()
    outcome.results = [
      ("a", .archive([1])), ("b", .context(ContextDescription(key: "ctx_1", kind: .vertexData))), ("c", .archive([])),
    ]
    let answer = try StepAnswer(outcome)
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

  @Test("An engine's answer in the client's format is passed unchanged")
  func ownWords() throws {
    var graph = GraphDef()
    graph.key = "graph_1"
    var outcome = StepOutcome()
    outcome.results = [
      ("a", .encodedGraph(EncodedGraph(key: "graph_1", objectID: nil, definition: graph.encodedBytes))),
      ("b", .value([7])), ("c", .stream(ResultStream { nil })),
    ]
    let answer = try StepAnswer(outcome)
    #expect(answer.head.results[0].graph == graph)
    #expect(answer.head.results[1].result == [7] && !answer.head.results[1].hasLargeResult)
    #expect(answer.head.results[2].hasLargeResult && answer.bodies.count == 1)
  }
}
