import AnalyticsKernels
import DynamicGraphs
import Engines
import GraphStore
import Synchronization
import Vocabulary
import Wire
import Workers

extension EmbeddedAnalyticalEngine {
  /// Projects a graph of graphscope.nx to one on which algorithms run: a stored copy of its present state.
  func projectDynamic(_ operation: Operation, _ object: DynamicObject) async throws -> AnalyticalResult {
    let (vertexProperty, edgeProperty) = (try operation.property(.vPropKey), try operation.property(.ePropKey))
    let key = objectKey("graph_projected")
    let stored = try await store(
      object, .projection(vertexProperty: vertexProperty, edgeProperty: edgeProperty), key: key)
    return try removing(key) {
      // Without a value, the property has no column.
      let schema = stored.graph.schema
      let projection = try SimpleProjection(schema, vertexProperty: nil, edgeProperty: nil)
      let description = GraphDescription(
        key: key, kind: .simple(vertexData: projection.vertexData, edgeData: projection.edgeData), schema: schema,
        options: stored.graph.options, layout: .numbered, isMultigraph: false, objectID: .random(in: 1 ... .max),
        fragmentIDs: [.random(in: 1 ... .max)], schemaPath: "")
      let recipe = GraphRecipe(directory: stored.name, description: description, projection: .init())
      let graph = try SimpleGraph(single: projection, of: stored, schema)
      try ObjectRecord(kind: .graph, graph: recipe).write(workspace, key: key)
      try objects.withLock { try $0.add(SimpleView(graph: graph, description: description, recipe: recipe)) }
      return .encodedGraph(EncodedGraph(projected: description, projection))
    }
  }

  /// Makes a property graph from a graph of graphscope.nx.
  func dynamicToArrow(_ object: DynamicObject) async throws -> AnalyticalResult {
    let key = objectKey("graph")
    let stored = try await store(object, .all, key: key)
    return try removing(key) {
      try add(
        PropertyView(
          key: key, stored: stored, schema: stored.graph.schema, layout: .numbered, workspace: workspace))
    }
  }

  private func store(_ object: DynamicObject, _ chosen: StoredCopy.Chosen, key: String) async throws -> StoredGraph {
    let graph = try await pool.run(storage: storage, threads: threads) { [workspace] workers in
      try object.read(workers.cancellation) { graph in
        // Attributes and ids are collected before they are written.
        let memory = try StorageReservation(graph.byteCount / 2, as: .memory, from: workers.storage)
        return try withExtendedLifetime(memory) {
          try StoredCopy(graph: graph, chosen: chosen, workers: workers).write(workspace, key: key)
        }
      }
    }
    return StoredGraph(graph, StoredFiles(graph.directory))
  }

  /// Makes a graph of graphscope.nx from a property graph.
  func arrowToDynamic(_ operation: Operation) async throws -> AnalyticalResult {
    let input = ObjectHandle.graph(try operation.text(.graphName))
    try await wake(input)
    let view = try propertyGraph([input], for: "TRANSFORM_GRAPH")
    let defaultLabel = operation.arguments[.defaultLabelID]?.integer.flatMap { Int(exactly: $0) }
    return try await pool.run(storage: storage, threads: threads) { [self] workers in
      let (graph, memory) = try DynamicCopy(view: view, defaultLabel: defaultLabel, workers: workers).graph()
      return try add(graph, memory: memory)
    }
  }
}

extension GraphLayout {
  /// The layout of graphs whose client requests none.
  fileprivate static let numbered = GraphLayout(hasWideVertexNumbers: true, compactEdges: false, usePerfectHash: false)
}

extension EncodedGraph {
  /// Describes a projection of a graph of graphscope.nx.
  fileprivate init(projected graph: GraphDescription, _ projection: SimpleProjection) {
    var definition = GraphDef()
    definition.key = graph.key
    definition.type = .dynamicProjected
    definition.isDirected = graph.options.isDirected
    var info = MutableGraphInfo()
    info.vertexDataType = DataType(projected: projection.vertexData)
    info.edgeDataType = DataType(projected: projection.edgeData)
    definition.info = .mutable(info)
    self.init(key: graph.key, objectID: nil, definition: definition.encodedBytes)
  }
}

extension DataType {
  /// The number of the type of an attribute; attributes are integers, floating-point numbers and texts.
  fileprivate init(projected type: ColumnType?) {
    self =
      switch type {
      case nil: .null
      case .string: .string
      case .double: .double
      default: .long
      }
  }
}
