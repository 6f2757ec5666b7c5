import Engines
import GraphStore
import Testing
import Vocabulary
import Wire

@testable import GraphScopeEngines

@Suite("Operations prepared for the engine")
struct OperationTests {
  private func prepare(
    _ operation: OperationType, _ attributes: [ParamKey: AttributeValue] = [:], on handles: [ObjectHandle],
    _ objects: NativeObjects = .modern
  ) throws -> [ParamKey: AttributeValue] {
    let preparation = OperationPreparation(
      inputs: NativeInputs(handles, in: objects),
      installation: Installation(home: "/gs", engine: "/gs/bin/grape_engine"))
    return try preparation.prepared(OpDef(key: "k", op: operation, attributes: attributes)).attributes
  }

  @Test("A graph is unloaded by its key and its number in the store")
  func unload() throws {
    let attributes = try prepare(.unloadGraph, on: [.graph("graph_1")])
    #expect(attributes[.graphName] == .text("graph_1"))
    #expect(attributes[.vineyardID] == .int(42))
  }

  @Test("Projected labels and properties become numbers, with those of properties in order")
  func project() throws {
    let attributes = try prepare(
      .projectGraph,
      [
        .vertexCollections: .text(#"{"software":["price","name"],"person":null}"#),
        .edgeCollections: .text(#"{"created":[]}"#),
      ], on: [.graph("graph_1")])
    guard case .list(let list)? = attributes[.arrowPropertyDefinition] else {
      Issue.record("no definition")
      return
    }
    let vertices = list.functions[0].attributes
    #expect(vertices[ParamKey(rawValue: 1)] == .list(ints(0, 1)))
    // The hidden property 1 of persons is omitted.
    #expect(vertices[ParamKey(rawValue: 0)] == .list(ints(0)))
    #expect(list.functions[1].attributes[ParamKey(rawValue: 1)] == .list(ints()))
    #expect(attributes[.vertexCollections] == nil)
  }

  @Test("Errors of projections name the cause")
  func projectRefused() {
    func code(_ vertices: String, _ edges: String) -> EngineError.Code? {
      let error = #expect(throws: EngineError.self) {
        try prepare(
          .projectGraph, [.vertexCollections: .text(vertices), .edgeCollections: .text(edges)], on: [.graph("graph_1")])
      }
      return error?.code
    }
    #expect(code(#"{"nobody":null}"#, "{}") == .unknownName)
    #expect(code(#"{"person":["age"]}"#, "{}") == .invalidValue)
    #expect(code(#"{"person":["shoe size"]}"#, "{}") == .unknownName)
    #expect(code(#"{"person":null}"#, #"{"created":null}"#) == .invalidValue)
    #expect(code("[", "{}") == .invalidArgument)
  }

  @Test("A graph with one label of each kind is projected by numbers, with its only property chosen implicitly")
  func simple() throws {
    let attributes = try prepare(
      .projectToSimple, [.vPropKey: .text("None"), .ePropKey: .text("None")], on: [.graph("p2p")])
    #expect(attributes[.graphType] == .int(5))
    #expect(attributes[.vPropID] == .int(-1))
    #expect(attributes[.vDataType] == .text("grape::EmptyType"))
    #expect(attributes[.ePropID] == .int(0))
    #expect(attributes[.eDataType] == .text("double"))
    #expect(attributes[.oidType] == .text("int64_t"))
    #expect(attributes[.vidType] == .text("uint64_t"))
  }

  @Test("A graph with several labels is flattened")
  func flattened() throws {
    let attributes = try prepare(
      .projectToSimple, [.vPropKey: .text("name"), .ePropKey: .text("weight")], on: [.graph("graph_1")])
    #expect(attributes[.graphType] == .int(7))
    #expect(attributes[.vPropKey] == .text("0"))
    #expect(attributes[.ePropKey] == .text("0"))
    #expect(attributes[.vDataType] == .text("std::string"))
    #expect(throws: EngineError.self) {
      try prepare(.projectToSimple, [.vPropKey: .text("price"), .ePropKey: .text("None")], on: [.graph("graph_1")])
    }
  }

  @Test("An algorithm is bound with the types of the graph, and run under the engine's keys")
  func application() throws {
    let bound = try prepare(.bindApp, on: [.graph("simple"), .application(algorithm: "sssp", archive: [])])
    #expect(bound[.appAlgo] == .text("sssp"))
    #expect(bound[.gar] == nil)
    #expect(bound[.graphType] == .int(5))
    #expect(bound[.eDataType] == .text("double"))
    let run = try prepare(.runApp, on: [.boundApplication("app_1")])
    #expect(run[.appName] == .text("app_1"))
    #expect(run[.graphName] == .text("simple"))
  }

  @Test("Operations on missing objects are rejected with the cause")
  func gone() {
    let error = #expect(throws: EngineError.self) { try prepare(.projectToSimple, on: [.graph("unloaded")]) }
    #expect(error?.code == .illegalState)
  }

  @Test("Tables are announced to the engine as the client announced them")
  func tables() throws {
    let item = Payload(
      attributes: [.label: .text("person")], content: .file(SpooledData(path: "/x", byteCount: 7)))
    let table = TableSource(
      role: .vertices(label: "person", id: .init("id")), location: .arrowStream(path: "/x", byteCount: 7),
      original: item)
    let preparation = OperationPreparation(
      inputs: NativeInputs([.graph("graph_1"), .tables([table])], in: .modern),
      installation: Installation(home: "/gs", engine: "/gs/bin/grape_engine"))
    let operation = try preparation.prepared(OpDef(key: "k", op: .addLabels))
    #expect(operation.largeAttribute == .announced([ChunkMeta(size: 7, attributes: [.label: .text("person")])]))
    #expect(operation.attributes[.graphName] == .text("graph_1"))
  }

  @Test("A client's operation reaches the engine unchanged")
  func asWritten() throws {
    let data = LargeAttribute.announced([ChunkMeta(size: 0, attributes: [.label: .text("a")]), ChunkMeta(size: 7)])
    let file = SpooledData(path: "/x", byteCount: 7)
    let operation = try Engines.Operation(
      key: "k", type: .modifyEdges, parents: ["p"], output: .results, arguments: [.modifyType: .int(1)],
      query: [.int32(4), .uint64(.max)],
      payloads: [Payload(attributes: [.label: .text("a")]), Payload(content: .file(file))])
    #expect(
      OpDef(operation)
        == OpDef(
          key: "k", op: .modifyEdges, parents: ["p"], outputType: .results, attributes: [.modifyType: .int(1)],
          largeAttribute: data, queryArguments: [.int32(4), .uint64(.max)]))
    let inline = try Engines.Operation(key: "k", type: .modifyEdges, payloads: [Payload(content: .bytes([1, 2]))])
    #expect(OpDef(inline).largeAttribute == .chunks([Chunk(buffer: [1, 2])]))
    #expect(OpDef(try Engines.Operation(key: "k", type: .runApp)).largeAttribute == .empty)
  }

  private func ints(_ values: Int64...) -> AttributeList {
    var list = AttributeList()
    list.ints = values
    return list
  }
}

@Suite("Selectors")
struct SelectorTests {
  private func translated(_ text: String, _ kind: ContextDescription.Kind) throws -> String? {
    try SelectorTranslation(kind: kind, schema: NativeSchema(modernSchema)).selector(text)
  }

  @Test("Names become numbers in results with labels; others stay as they are")
  func translation() throws {
    #expect(try translated("r", .vertexData) == "r")
    #expect(try translated("v.id", .vertexData) == "v.id")
    #expect(try translated("r.auth", .vertexProperty) == "r.auth")
    #expect(try translated("v:software.id", .labeledVertexProperty) == "v:label1.id")
    #expect(try translated("v:software.price", .labeledVertexProperty) == "v:label1.property1")
    #expect(try translated("r:person", .labeledVertexData) == "r:label0")
    #expect(try translated("r:person.rank", .labeledVertexProperty) == "r:label0.rank")
    #expect(try translated("anything", .tensor) == nil)
  }

  @Test(
    "Invalid selectors are rejected with an error for their kind",
    arguments: [
      ("x.id", ContextDescription.Kind.vertexData), ("v.name", .vertexData), ("r.x", .vertexData),
      ("r", .vertexProperty),
      ("person.id", .labeledVertexData), ("q:person.id", .labeledVertexProperty), ("v:person", .labeledVertexProperty),
    ])
  func refused(_ text: String, _ kind: ContextDescription.Kind) {
    let error = #expect(throws: EngineError.self) { try translated(text, kind) }
    #expect(error?.code == .invalidSyntax)
  }

  @Test("A frame keeps the order of its columns")
  func frame() throws {
    let translation = SelectorTranslation(kind: .labeledVertexProperty, schema: try NativeSchema(modernSchema))
    #expect(
      try translation.frame(#"{"z":"v:person.id","a":"v:person.name"}"#)
        == #"{"z":"v:label0.id","a":"v:label0.property0"}"#)
    #expect(throws: EngineError.self) { try translation.frame("[1]") }
  }
}

@Suite("Schemas")
struct SchemaTests {
  @Test("Query engines number edge labels after vertex labels, and properties by the order of all names")
  func queries() throws {
    let text = try QuerySchema.text(
      #"{"types":[{"id":0,"label":"v","type":"VERTEX","propertyDefList":[{"id":0,"name":"b"},{"id":1,"name":"a"}]},"#
        + #"{"id":0,"label":"e","type":"EDGE","propertyDefList":[{"id":0,"name":"c"}]}],"partitionNum":1}"#)
    #expect(
      text
        == #"{"types":[{"id":0,"label":"v","type":"VERTEX","propertyDefList":[{"id":2,"name":"b"},{"id":1,"name":"a"}]},"#
        + #"{"id":1,"label":"e","type":"EDGE","propertyDefList":[{"id":3,"name":"c"}]}],"partitionNum":1}"#)
  }

  @Test("The class of a graph has the name of its ready-made library")
  func fragments() throws {
    let fragment = try FragmentType([
      .graphType: .int(5), .oidType: .text("int64_t"), .vidType: .text("uint64_t"),
      .vDataType: .text("grape::EmptyType"),
      .eDataType: .text("int64_t"),
    ])
    #expect(fragment.signature == "cb14ed7e6c64671e433b3dc47cff5d9d700d0176694d6c07511691562cffe2ab")
    let strings = try FragmentType([.graphType: .int(4), .oidType: .text("std::string"), .vidType: .text("uint64_t")])
    #expect(strings.signature == "010faa853c156b122f3d62b7c4718ad9376c4283a6f50370c2918899a21cbe59")
    let local = try FragmentType([
      .graphType: .int(4), .oidType: .text("int64_t"), .vidType: .text("uint64_t"), .vertexMapType: .int(2),
      .compactEdges: .bool(true),
    ])
    #expect(
      local.name == "vineyard::ArrowFragment<int64_t,uint64_t,vineyard::ArrowLocalVertexMap<int64_t,uint64_t>,true>")
    #expect(throws: EngineError.self) { try FragmentType([.graphType: .int(2)]) }
  }
}

/// Two vertex labels and two edge labels. The second property of persons is hidden.
let modernSchema = """
  {"partitionNum":1,"types":[
   {"id":0,"label":"person","type":"VERTEX","propertyDefList":[{"id":0,"name":"name","data_type":"STRING"},
    {"id":1,"name":"age","data_type":"LONG"}],"valid_properties":[1,0],"rawRelationShips":[]},
   {"id":1,"label":"software","type":"VERTEX","propertyDefList":[{"id":0,"name":"name","data_type":"STRING"},
    {"id":1,"name":"price","data_type":"LONG"}],"valid_properties":[1,1],"rawRelationShips":[]},
   {"id":0,"label":"knows","type":"EDGE","propertyDefList":[{"id":0,"name":"weight","data_type":"DOUBLE"}],
    "valid_properties":[1],"rawRelationShips":[{"srcVertexLabel":"person","dstVertexLabel":"person"}]},
   {"id":1,"label":"created","type":"EDGE","propertyDefList":[{"id":0,"name":"weight","data_type":"DOUBLE"}],
    "valid_properties":[1],"rawRelationShips":[{"srcVertexLabel":"person","dstVertexLabel":"software"}]}],
   "valid_vertices":[1,1],"valid_edges":[1,1]}
  """

extension NativeObjects {
  /// Three graphs: one with several labels, one with a single label of each kind, and a simple one with an algorithm bound to it.
  static var modern: NativeObjects {
    var objects = NativeObjects()
    objects.graphs["graph_1"] = graph("graph_1", .arrowProperty, modernSchema)
    objects.graphs["p2p"] = graph(
      "p2p", .arrowProperty,
      #"{"types":[{"id":0,"label":"v","type":"VERTEX","propertyDefList":[],"valid_properties":[]},"#
        + #"{"id":0,"label":"e","type":"EDGE","propertyDefList":[{"id":0,"name":"w","data_type":"DOUBLE"}],"#
        + #""valid_properties":[1],"rawRelationShips":[{"srcVertexLabel":"v","dstVertexLabel":"v"}]}],"#
        + #""valid_vertices":[1],"valid_edges":[1]}"#)
    let simple = graph("simple", .arrowProjected, "{}")
    objects.graphs["simple"] = simple
    objects.applications["app_1"] = Application(graph: "simple", definition: simple, library: "/lib.so")
    return objects
  }

  private static func graph(_ key: String, _ type: GraphType, _ schema: String) -> GraphDef {
    var info = VineyardInfo()
    (info.oidType, info.vidType) = (.long, .ulong)
    if type == .arrowProjected { (info.vertexDataType, info.edgeDataType) = (.null, .double) }
    info.objectID = 42
    info.propertySchemaJSON = schema
    var graph = GraphDef()
    (graph.key, graph.type, graph.info) = (key, type, .vineyard(info))
    return graph
  }
}

extension Installation {
  init(home: String, engine: String) {
    self.init(
      home: home, version: "0.29.0", engine: engine, vineyardd: nil, vineyardRegistry: nil, mpi: nil, python: nil,
      packages: nil, algorithms: nil)
  }
}
