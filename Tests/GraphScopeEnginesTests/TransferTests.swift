import Engines
import JSON
import Testing
import Vocabulary
import Wire

@testable import GraphScopeEngines

@Suite("Objects moved between the store and files")
struct TransferTests {
  private func order(
    _ operation: OperationType, _ attributes: [ParamKey: AttributeValue], graph: GraphDef? = nil, frame: String? = nil
  ) throws -> StoreTransfer.Order? {
    try StoreTransfer.Order(OpDef(key: "k", op: operation, attributes: attributes), graph: graph, frame: frame)
  }

  @Test("A data frame is written to the client's path with the client's options")
  func write() throws {
    let written = try order(
      .dataSink, [.fd: .text("file:///tmp/r.csv"), .storageOptions: .text("{}"), .writeOptions: .text(#"{"a":1}"#)],
      frame: "o0042")
    #expect(
      written
        == .write(frame: "o0042", path: "file:///tmp/r.csv", storageOptions: "{}", writeOptions: #"{"a":1}"#))
    #expect(
      try written.map { JSONValue.object(try $0.members()).encoded }
        == #"{"verb":"write","thing":"o0042","path":"file:///tmp/r.csv","storage_options":{},"write_options":{"a":1}}"#)
  }

  @Test("Options that are not JSON are rejected")
  func options() throws {
    let order = StoreTransfer.Order.load(path: "/tmp/g", storageOptions: "[1]")
    let error = #expect(throws: EngineError.self) { try order.members() }
    #expect(error?.code == .invalidArgument)
  }

  @Test("A graph is saved by its number in the store, whatever the client's number")
  func save() throws {
    var info = VineyardInfo()
    info.objectID = 42
    var graph = GraphDef()
    graph.info = .vineyard(info)
    let saved = try order(
      .serializeGraph, [.graphSerializationPath: .text("/tmp/g"), .vineyardID: .int(7)], graph: graph)
    #expect(saved == .save(graph: 42, path: "/tmp/g", storageOptions: ""))
  }

  @Test("Objects that are not in the store, and missing destinations, are rejected; other operations move nothing")
  func refusals() throws {
    func code(_ operation: OperationType, _ attributes: [ParamKey: AttributeValue]) -> EngineError.Code? {
      let error = #expect(throws: EngineError.self) { try order(operation, attributes) }
      return error?.code
    }
    #expect(code(.dataSink, [.fd: .text("file:///tmp/r.csv")]) == .illegalState)
    #expect(code(.serializeGraph, [.graphSerializationPath: .text("/tmp/g")]) == .illegalState)
    #expect(code(.deserializeGraph, [:]) == .invalidArgument)
    #expect(code(.deserializeGraph, [.graphSerializationPath: .text("/tmp/\0g")]) == .invalidArgument)
    #expect(try order(.createGraph, [:]) == nil)
  }

  @Test(
    "A loaded graph has the class that the store names",
    arguments: [
      ("int64,uint64,vineyard::ArrowVertexMap<int64,uint64>,false", "int64_t", "uint64_t", false, false),
      ("std::string,uint32,vineyard::ArrowLocalVertexMap<x,uint32>,true", "std::string", "uint32_t", true, true),
    ])
  func loaded(_ arguments: String, _ oid: String, _ vid: String, _ isLocal: Bool, _ isCompact: Bool) throws {
    let report = JSONValue.object([
      ("id", .integer(9)), ("class", .string("vineyard::ArrowFragment<\(arguments)>")),
    ]).encoded
    let creation = try StoredGraph(report: report).creation(key: "k")
    #expect(creation.op == .createGraph)
    #expect(creation.attributes[.vineyardID] == .int(9))
    #expect(creation.attributes[.isFromVineyardID] == .bool(true))
    #expect(creation.attributes[.oidType] == .text(oid))
    #expect(creation.attributes[.vidType] == .text(vid))
    #expect(creation.attributes[.compactEdges] == .bool(isCompact))
    #expect(creation.attributes[.vertexMapType] == .int(isLocal ? 2 : 1))
    #expect(try FragmentType(creation.attributes).graphType == .arrowProperty)
  }

  @Test(
    "An object in the store that is not a graph is an error",
    arguments: [
      "", "{}", #"{"id":1,"class":"vineyard::Tensor<int64>"}"#, #"{"id":1,"class":"vineyard::ArrowFragment<>"}"#,
      #"{"id":"1","class":"vineyard::ArrowFragment<int64,uint64,m,false>"}"#,
      #"{"id":1,"class":"vineyard::ArrowFragment<char,uint64,m,false>"}"#,
    ])
  func unreadable(_ report: String) {
    #expect(throws: EngineError.self) { try StoredGraph(report: report) }
  }

  @Test("Only the newest frames are remembered")
  func frames() {
    var objects = NativeObjects()
    for number in 0...NativeObjects.maximumFrames { objects.noteFrame("o\(number)", of: "k\(number)") }
    objects.noteFrame("again", of: "k5")
    objects.noteFrame(nil, of: "k6")
    #expect(objects.frames.count == NativeObjects.maximumFrames)
    #expect(objects.frames["k0"] == nil)
    #expect(objects.frames["k5"] == "again")
    #expect(objects.frames["k6"] == "o6")
  }
}
