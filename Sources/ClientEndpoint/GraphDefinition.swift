import Engines
import GraphStore
import Vocabulary
import Wire

extension GraphDef {
  /// Describes a graph in the client's protocol.
  init(_ graph: GraphDescription) {
    self.init()
    key = graph.key
    isMultigraph = graph.isMultigraph
    compactEdges = graph.layout.compactEdges
    usePerfectHash = graph.layout.usePerfectHash
    var info = VineyardInfo()
    info.oidType = DataType(graph.options.idType)
    info.vidType = graph.layout.hasWideVertexNumbers ? .ulong : .uint
    info.generateEID = graph.options.generatesEdgeIDs
    info.retainOID = graph.options.retainsIDs
    info.objectID = graph.objectID
    info.fragments = graph.fragmentIDs
    switch graph.kind {
    case .property:
      type = .arrowProperty
      isDirected = graph.options.isDirected
      labels = Self.labels(graph.schema)
      edgeKinds = Self.edgeKinds(graph.schema)
      info.schemaPath = graph.schemaPath
      info.propertySchemaJSON = PropertySchemaJSON.text(graph.schema, partitions: graph.fragmentIDs.count)
    case .simple(let vertexData, let edgeData):
      type = .arrowProjected
      isDirected = graph.options.isDirected
      info.propertySchemaJSON = "{}"
      info.vertexDataType = vertexData.map(DataType.init) ?? .null
      info.edgeDataType = edgeData.map(DataType.init) ?? .null
    case .flattened(let vertexData, let edgeData):
      type = .arrowFlattened
      isDirected = graph.options.isDirected
      info.vertexDataType = vertexData.map(DataType.init) ?? .null
      info.edgeDataType = edgeData.map(DataType.init) ?? .null
    }
    self.info = .vineyard(info)
  }

  private static func labels(_ schema: GraphSchema) -> [TypeDef] {
    let vertices = schema.vertexLabels.enumerated().map { id, label in
      definition(id, label.name, .vertex, label.properties, primaryKey: label.idProperty)
    }
    let edges = schema.edgeLabels.enumerated().map { id, label in
      definition(id, label.name, .edge, label.properties, primaryKey: nil)
    }
    return vertices + edges
  }

  private static func definition(
    _ id: Int, _ name: String, _ kind: LabelKind, _ properties: [GraphSchema.Property], primaryKey: Int?
  ) -> TypeDef {
    var definition = TypeDef()
    definition.label = name
    definition.labelID = Int32(id)
    definition.kind = kind
    definition.properties = properties.enumerated().map { index, property in
      var result = PropertyDef()
      result.id = Int32(index)
      result.name = property.name
      result.type = DataType(property.type)
      result.isPrimaryKey = index == primaryKey
      return result
    }
    return definition
  }

  private static func edgeKinds(_ schema: GraphSchema) -> [EdgeKind] {
    schema.edgeLabels.flatMap { label in
      schema.shownRelations(of: label).map { relation in
        EdgeKind(
          edge: label.name, source: schema.vertexLabels[relation.source].name,
          destination: schema.vertexLabels[relation.destination].name)
      }
    }
  }
}

extension DataType {
  /// Converts an id type to its number in the client's protocol.
  init(_ type: GraphOptions.IDType) {
    self =
      switch type {
      case .int32: .int
      case .int64: .long
      case .string: .string
      }
  }

  /// Converts a column type to its number in the client's protocol.
  init(_ type: ColumnType) {
    self =
      switch type {
      case .int32: .int
      case .int64: .long
      case .uint32: .uint
      case .uint64: .ulong
      case .float: .float
      case .double: .double
      case .string: .string
      case .date32: .date32
      case .timestampMilliseconds: .timestampMs
      case .int32List: .intList
      case .int64List: .longList
      case .floatList: .floatList
      case .doubleList: .doubleList
      }
  }
}
