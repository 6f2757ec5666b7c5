import Vocabulary
import Wire

/// Messages in which every field has a distinct value, so that a lost or swapped field is detected.
enum Samples {
  static let request = RunStepRequest.head(
    RunStepRequestHead(
      sessionID: "session_abcdefgh",
      dag: DagDef(operations: [
        OpDef(
          key: "0123456789abcdef", op: .addLabels, parents: ["first", "zweite Größe", ""], outputType: .dataframe,
          attributes: [
            .graphName: .text("graph_1"), .graphType: .int(4), .directed: .bool(false), .gid: .uint(.max),
            .arrowPropertyDefinition: .unset, .vid: .null, ParamKey(rawValue: 9999): .float(-0.5),
            ParamKey(rawValue: -1): .int(.min), .nodes: .list(list), .edges: .function(named),
          ],
          largeAttribute: .announced([
            ChunkMeta(size: 0, attributes: [.label: .text("person")]), ChunkMeta(size: 1 << 40),
          ]),
          queryArguments: [
            .bool(true), .bool(false), .int32(-7), .uint32(7), .int64(.min), .uint64(.max), .float(1.5),
            .double(-1e300), .string("ä"), .string(""), .bytes([0, 1, 2]), .bytes([]),
          ]),
        OpDef(key: "second", op: .unloadGraph, largeAttribute: .chunks([Chunk(buffer: [0, 255])]), queryArguments: []),
      ])))

  static let response = RunStepResponse.head(
    RunStepResponseHead(
      results: [
        OpResult(
          key: "k", code: .vineyardError, errorMessage: "no", result: [1, 2, 0, 3], hasLargeResult: true,
          metrics: "m", graph: graph),
        OpResult(key: "empty"),
      ],
      code: .fatalError, errorMessage: "Größe", exception: [0x80, 2, 0x2e]))

  static let list: AttributeList = {
    var inner = AttributeList()
    inner.ints = [1]
    var list = AttributeList()
    list.bytes = [[], [0], Array("text".utf8)]
    list.ints = [0, -1, .max]
    list.floats = [0, 1.25]
    list.bools = [false, true, false]
    list.functions = [named, NamedAttributes()]
    list.lists = [inner, AttributeList()]
    return list
  }()

  static let named = NamedAttributes(name: "labels", attributes: [ParamKey(rawValue: 0): .bool(true)])

  static let graph: GraphDef = {
    var info = VineyardInfo()
    info.oidType = .string
    info.vidType = .ulong
    info.vertexDataType = .null
    info.edgeDataType = .double
    info.schemaPath = "/tmp/schema.json"
    info.generateEID = true
    info.retainOID = true
    info.objectID = 7_529_784_235_444_404_904
    info.propertySchemaJSON = "{}"
    info.vertexMapType = .local
    info.fragments = [1, 2, 3]
    var property = PropertyDef()
    property.id = 1
    property.innerID = 2
    property.name = "age"
    property.type = .int
    property.defaultValue = PropertyValue(type: .int, bytes: [9])
    property.isPrimaryKey = true
    property.comment = "years"
    var label = TypeDef()
    label.version = 4
    label.label = "knows"
    label.labelID = 0
    label.kind = .edge
    label.properties = [property, PropertyDef()]
    label.comment = "c"
    var relation = EdgeKind(edge: "knows", source: "person", destination: "software")
    relation.edgeID = 1
    relation.sourceID = 2
    relation.destinationID = 0
    var graph = GraphDef()
    graph.version = 5
    graph.key = "graph_x"
    graph.type = .arrowProperty
    graph.isDirected = true
    graph.isMultigraph = true
    graph.compactEdges = true
    graph.usePerfectHash = true
    graph.labels = [label, TypeDef()]
    graph.edgeKinds = [relation, EdgeKind()]
    graph.propertyIDs = ["age": 1, "": 0]
    graph.info = .vineyard(info)
    return graph
  }()

  static let mutableGraph: GraphDef = {
    var info = MutableGraphInfo()
    info.vertexDataType = .int
    info.edgeDataType = .long
    info.propertySchemaJSON = #"{"vertex":{}}"#
    var graph = GraphDef()
    graph.info = .mutable(info)
    return graph
  }()
}

/// Writes the wire format by hand, for messages that no encoder would produce.
enum Raw {
  static func varint(_ value: UInt64) -> [UInt8] {
    value < 0x80 ? [UInt8(value)] : [UInt8(value & 0x7f) | 0x80] + varint(value >> 7)
  }

  static func field(_ number: UInt64, _ bytes: [UInt8]) -> [UInt8] {
    varint(number << 3 | 2) + varint(UInt64(bytes.count)) + bytes
  }

  static func number(_ number: UInt64, _ value: UInt64) -> [UInt8] { varint(number << 3) + varint(value) }

  /// Returns a step with one operation that consists of the given fields.
  static func step(_ operation: [UInt8]) -> [UInt8] { field(1, field(2, field(1, operation))) }
}
