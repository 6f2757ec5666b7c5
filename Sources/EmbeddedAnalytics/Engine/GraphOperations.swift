import AnalyticsKernels
import CPlatform
import Engines
import GraphStore
import Synchronization
import Vocabulary
import Workers

extension EmbeddedAnalyticalEngine {
  func createGraph(
    _ operation: Operation, _ inputs: [ObjectHandle], _ log: any ProgressLog
  ) async throws -> AnalyticalResult {
    let layout = try operation.graphLayout()
    var sources: [TableSource] = []
    if case .tables(let tables) = inputs.first { sources = tables }
    let key = objectKey("graph")
    let stored = try await load(sources, onto: nil, options: try operation.graphOptions(), key: key, log)
    return try removing(key) {
      try add(
        PropertyView(key: key, stored: stored, schema: stored.graph.schema, layout: layout, workspace: workspace))
    }
  }

  func addLabels(
    _ operation: Operation, _ inputs: [ObjectHandle], _ log: any ProgressLog
  ) async throws -> AnalyticalResult {
    let view = try propertyGraph(inputs, for: "ADD_LABELS")
    guard inputs.count > 1, case .tables(let sources) = inputs[1] else {
      throw EngineError(.invalidArgument, "ADD_LABELS needs tables as its second parent")
    }
    for source in sources { try view.schema.refuseHiddenRows(source.role, view.stored.graph.options) }
    if try operation.graphExtension() == .newLabels {
      for case .vertices(let label, _) in sources.map(\.role)
      where view.stored.graph.schema.vertexLabels.contains(where: {
        // Names that merely look alike are rejected with a message of their own.
        $0.name.utf8.elementsEqual(label.utf8)
      }) {
        throw EngineError(
          .invalidArgument, "vertex label '\(label)' already exists", hint: "Add its rows as an extension, or rename it"
        )
      }
    }
    let key = objectKey("graph")
    let base = view.stored
    let stored = try await load(sources, onto: base, options: base.graph.options, key: key, log)
    let schema = stored.graph.schema.hiding(what: view.schema)
    return try removing(key) {
      try add(
        PropertyView(
          key: key, stored: stored, schema: schema, layout: view.description.layout, workspace: workspace))
    }
  }

  private func load(
    _ sources: [TableSource], onto base: StoredGraph?, options: GraphOptions, key: String, _ log: any ProgressLog
  ) async throws -> StoredGraph {
    let loading = GraphLoading(workspace: workspace, places: places, log: log)
    let graph = try await run("Building the graph", log) { workers in
      try loading.load(sources, onto: base, options: options, key: key, workers: workers)
    }
    platform_failpoint("engine-graph-sealed")
    return StoredGraph(graph, StoredFiles(graph.directory))
  }

  func project(_ operation: Operation, _ inputs: [ObjectHandle]) throws -> AnalyticalResult {
    let view = try propertyGraph(inputs, for: "PROJECT_GRAPH")
    let schema = try view.schema.projected(
      vertices: try operation.collections(.vertexCollections), edges: try operation.collections(.edgeCollections))
    let key = objectKey("graph")
    return try removing(key) {
      try add(
        PropertyView(
          key: key, stored: view.stored, schema: schema, layout: view.description.layout, workspace: workspace))
    }
  }

  func projectToSimple(_ operation: Operation, _ inputs: [ObjectHandle]) async throws -> AnalyticalResult {
    let (vertexProperty, edgeProperty) = (try operation.property(.vPropKey), try operation.property(.ePropKey))
    let view = try propertyGraph(inputs, for: "PROJECT_TO_SIMPLE")
    let projection = try SimpleProjection(view.schema, vertexProperty: vertexProperty, edgeProperty: edgeProperty)
    var description = view.description
    description.key = objectKey("graph_projected")
    description.isMultigraph = false
    description.schemaPath = ""
    description.objectID = .random(in: 1 ... .max)
    description.fragmentIDs = [.random(in: 1 ... .max)]
    if projection.isSingle {
      description.kind = .simple(vertexData: projection.vertexData, edgeData: projection.edgeData)
    } else {
      description.kind = .flattened(vertexData: projection.vertexData, edgeData: projection.edgeData)
      // Clients see flattened graphs as undirected, whatever their parent.
      description.options.isDirected = false
    }
    let graph = try await project(projection, of: view.stored, view.schema)
    let recipe = GraphRecipe(
      directory: view.stored.name, description: description,
      projection: .init(vertexProperty: vertexProperty, edgeProperty: edgeProperty))
    try removing(description.key) {
      try ObjectRecord(kind: .graph, graph: recipe).write(workspace, key: description.key)
      try objects.withLock { try $0.add(SimpleView(graph: graph, description: description, recipe: recipe)) }
    }
    return .graph(description)
  }

  /// Returns the graph on which algorithms run, for a projection of a stored graph.
  func project(
    _ projection: SimpleProjection, of stored: StoredGraph, _ schema: GraphSchema
  ) async throws -> SimpleGraph {
    if projection.isSingle { return try SimpleGraph(single: projection, of: stored, schema) }
    return try await pool.run(storage: storage, threads: threads) {
      try SimpleGraph(flattening: projection, of: stored, schema, workers: $0)
    }
  }

  func add(_ view: PropertyView) throws -> AnalyticalResult {
    let recipe = GraphRecipe(directory: view.stored.name, description: view.description)
    try ObjectRecord(kind: .graph, graph: recipe).write(workspace, key: view.description.key)
    try objects.withLock { try $0.add(view) }
    graphs.enter(GraphCatalogue.Entry(view))
    return .graph(view.description)
  }
}

extension GraphCatalogue.Entry {
  /// Creates the description of a graph for other engines.
  init(_ view: PropertyView) {
    self.init(description: view.description, directory: view.stored.files.directory) { view.stored.graph }
  }
}
