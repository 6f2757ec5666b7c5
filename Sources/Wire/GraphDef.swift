import CGraphScopeProto
import Vocabulary

/// The definition of a graph as sent to the client.
public struct GraphDef: Sendable, Equatable {
  /// Version of the schema; 0 for the graphs of a session.
  public var version: Int64 = 0
  /// The name by which later operations refer to the graph.
  public var key = ""
  /// The layout. The client rejects a graph whose layout is not the one it expects.
  public var type = GraphType.unknown
  /// Whether edges are directed.
  public var isDirected = false
  /// Whether the graph has parallel edges.
  public var isMultigraph = false
  /// Whether edges are stored compressed, as the request asked.
  public var compactEdges = false
  /// Whether the vertex map is a perfect hash, as the request asked.
  public var usePerfectHash = false
  /// The labels of a property graph.
  public var labels: [TypeDef] = []
  /// The relations of the edge labels: which vertex labels they connect.
  public var edgeKinds: [EdgeKind] = []
  /// Numbers of property names; empty for the graphs of a session.
  public var propertyIDs: [String: Int32] = [:]
  /// The part of the definition that depends on the layout.
  public var info = GraphInfo.none

  /// Creates an empty definition.
  public init() {}
}

/// The part of a graph's definition that depends on its layout.
public enum GraphInfo: Sendable, Equatable {
  /// No information.
  case none
  /// The facts about an immutable graph.
  case vineyard(VineyardInfo)
  /// The facts about a mutable graph.
  case mutable(MutableGraphInfo)
  /// A layout that this server does not support: the full name of the message, and its bytes.
  case other(message: String, [UInt8])
}

/// Facts about an immutable graph.
public struct VineyardInfo: Sendable, Equatable {
  /// Type of original vertex ids.
  public var oidType = DataType.unknown
  /// Type of internal vertex ids.
  public var vidType = DataType.unknown
  /// Type of vertex data in a simple graph; `.null` if there is none.
  public var vertexDataType = DataType.unknown
  /// Type of edge data in a simple graph; `.null` if there is none.
  public var edgeDataType = DataType.unknown
  /// Path of the schema file on the engine's machine. The client only sends it back.
  public var schemaPath = ""
  /// Whether edges have an id column.
  public var generateEID = false
  /// Whether original ids are kept as a column.
  public var retainOID = false
  /// Object id of the whole graph.
  public var objectID: Int64 = 0
  /// The schema, a JSON object.
  public var propertySchemaJSON = ""
  /// Where the vertex map is kept.
  public var vertexMapType = VertexMapType.unknown
  /// Object ids of the fragments, one for each worker.
  public var fragments: [Int64] = []

  /// Creates a value with all facts unknown.
  public init() {}
}

/// Facts about a mutable graph.
public struct MutableGraphInfo: Sendable, Equatable {
  /// Type of vertex data in a projected graph.
  public var vertexDataType = DataType.unknown
  /// Type of edge data in a projected graph.
  public var edgeDataType = DataType.unknown
  /// The attributes seen so far and their types, a JSON object.
  public var propertySchemaJSON = ""

  /// Creates a value with all facts unknown.
  public init() {}
}

extension GraphDef: BridgedMessage {
  init(reading c: UnsafePointer<Gs__Rpc__Graph__GraphDefPb>) throws(WireError) {
    let c = c.pointee
    version = c.version
    key = try text(c.key, "GraphDefPb.key")
    type = try enumeration(c.graph_type.rawValue, "GraphDefPb.graph_type")
    isDirected = c.directed != 0
    isMultigraph = c.is_multigraph != 0
    compactEdges = c.compact_edges != 0
    usePerfectHash = c.use_perfect_hash != 0
    labels = try messages(c.n_type_defs, c.type_defs)
    edgeKinds = try messages(c.n_edge_kinds, c.edge_kinds)
    for index in 0..<c.n_property_name_to_id {
      guard let entry = c.property_name_to_id[index]?.pointee else { continue }
      propertyIDs[try text(entry.key, "GraphDefPb.property_name_to_id")] = entry.value
    }
    let info: UnsafeMutablePointer<Google__Protobuf__Any>? = c.extension
    self.info = if let info { try GraphInfo(reading: info) } else { .none }
  }

  func fill(_ c: inout Gs__Rpc__Graph__GraphDefPb, in arena: Arena) {
    c.version = version
    c.key = arena.text(key)
    c.graph_type = Gs__Rpc__Graph__GraphTypePb(number(type))
    c.directed = isDirected ? 1 : 0
    c.is_multigraph = isMultigraph ? 1 : 0
    c.compact_edges = compactEdges ? 1 : 0
    c.use_perfect_hash = usePerfectHash ? 1 : 0
    (c.n_type_defs, c.type_defs) = (labels.count, arena.messages(labels))
    (c.n_edge_kinds, c.edge_kinds) = (edgeKinds.count, arena.messages(edgeKinds))
    typealias Entry = Gs__Rpc__Graph__GraphDefPb__PropertyNameToIdEntry
    let ids = propertyIDs.sorted { $0.key < $1.key }
    c.n_property_name_to_id = ids.count
    c.property_name_to_id = arena.list(ids, of: UnsafeMutablePointer<Entry>?.self) { name, id in
      let entry = arena.make(Entry.self)
      entry.pointee.key = arena.text(name)
      entry.pointee.value = id
      return entry
    }
    if info != .none { c.extension = info.build(in: arena) }
  }
}

extension GraphInfo: Bridged {
  init(reading c: UnsafePointer<Google__Protobuf__Any>) throws(WireError) {
    switch try c.pointee.messageName() {
    case "gs.rpc.graph.VineyardInfoPb": self = .vineyard(try VineyardInfo.unpack(c.pointee.packed))
    case "gs.rpc.graph.MutableGraphInfoPb": self = .mutable(try MutableGraphInfo.unpack(c.pointee.packed))
    case let name: self = .other(message: name, bytes(c.pointee.value))
    }
  }

  func fill(_ c: inout Google__Protobuf__Any, in arena: Arena) {
    switch self {
    case .none: break
    case .vineyard(let info):
      c.pack(Gs__Rpc__Graph__VineyardInfoPb.self, as: "gs.rpc.graph.VineyardInfoPb", in: arena) {
        info.fill(&$0, in: arena)
      }
    case .mutable(let info):
      c.pack(Gs__Rpc__Graph__MutableGraphInfoPb.self, as: "gs.rpc.graph.MutableGraphInfoPb", in: arena) {
        info.fill(&$0, in: arena)
      }
    case .other(let name, let bytes): c.set(bytes, as: name, in: arena)
    }
  }
}

extension VineyardInfo: Bridged {
  init(reading c: UnsafePointer<Gs__Rpc__Graph__VineyardInfoPb>) throws(WireError) {
    let c = c.pointee
    oidType = try enumeration(c.oid_type.rawValue, "VineyardInfoPb.oid_type")
    vidType = try enumeration(c.vid_type.rawValue, "VineyardInfoPb.vid_type")
    vertexDataType = try enumeration(c.vdata_type.rawValue, "VineyardInfoPb.vdata_type")
    edgeDataType = try enumeration(c.edata_type.rawValue, "VineyardInfoPb.edata_type")
    schemaPath = try text(c.schema_path, "VineyardInfoPb.schema_path")
    generateEID = c.generate_eid != 0
    retainOID = c.retain_oid != 0
    objectID = c.vineyard_id
    propertySchemaJSON = try text(c.property_schema_json, "VineyardInfoPb.property_schema_json")
    vertexMapType = try enumeration(c.vertex_map_type.rawValue, "VineyardInfoPb.vertex_map_type")
    fragments = try list(c.n_fragments, c.fragments) { $0 }
  }

  func fill(_ c: inout Gs__Rpc__Graph__VineyardInfoPb, in arena: Arena) {
    c.oid_type = Gs__Rpc__Graph__DataTypePb(number(oidType))
    c.vid_type = Gs__Rpc__Graph__DataTypePb(number(vidType))
    c.vdata_type = Gs__Rpc__Graph__DataTypePb(number(vertexDataType))
    c.edata_type = Gs__Rpc__Graph__DataTypePb(number(edgeDataType))
    c.schema_path = arena.text(schemaPath)
    c.generate_eid = generateEID ? 1 : 0
    c.retain_oid = retainOID ? 1 : 0
    c.vineyard_id = objectID
    c.property_schema_json = arena.text(propertySchemaJSON)
    c.vertex_map_type = Gs__Rpc__Graph__VertexMapTypePb(number(vertexMapType))
    (c.n_fragments, c.fragments) = (fragments.count, arena.list(fragments, of: Int64.self) { $0 })
  }
}

extension MutableGraphInfo: Bridged {
  init(reading c: UnsafePointer<Gs__Rpc__Graph__MutableGraphInfoPb>) throws(WireError) {
    vertexDataType = try enumeration(c.pointee.vdata_type.rawValue, "MutableGraphInfoPb.vdata_type")
    edgeDataType = try enumeration(c.pointee.edata_type.rawValue, "MutableGraphInfoPb.edata_type")
    propertySchemaJSON = try text(c.pointee.property_schema_json, "MutableGraphInfoPb.property_schema_json")
  }

  func fill(_ c: inout Gs__Rpc__Graph__MutableGraphInfoPb, in arena: Arena) {
    c.vdata_type = Gs__Rpc__Graph__DataTypePb(number(vertexDataType))
    c.edata_type = Gs__Rpc__Graph__DataTypePb(number(edgeDataType))
    c.property_schema_json = arena.text(propertySchemaJSON)
  }
}
