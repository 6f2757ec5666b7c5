import Engines
import GraphStore

/// A graph in files of the session. The files go when nobody refers to them any more: neither a view of the graph, nor
/// an application that is bound to it, nor a result.
final class StoredGraph: Sendable {
  let graph: PropertyGraph

  init(_ graph: PropertyGraph) { self.graph = graph }

  deinit {
    // The directory may be gone already, with the whole session.
    removeTree(graph.directory)
  }
}

/// What of a stored graph a client sees under a key.
final class PropertyView: Sendable {
  let stored: StoredGraph
  /// The stored schema, with the labels and properties that are not shown marked as not valid.
  let schema: GraphSchema
  let description: GraphDescription

  /// Makes a view with a schema file of its own in `workspace`.
  init(key: String, stored: StoredGraph, schema: GraphSchema, layout: GraphLayout, workspace: String) throws {
    self.stored = stored
    self.schema = schema
    let schemaPath = "\(workspace)/\(key).json"
    description = GraphDescription(
      key: key, kind: .property, schema: schema, options: stored.graph.options, layout: layout,
      isMultigraph: stored.graph.hasParallelEdges, objectID: .random(in: 1 ... .max),
      fragmentIDs: [.random(in: 1 ... .max)], schemaPath: schemaPath)
    try writeFile(schemaPath, PropertySchemaJSON.fileText(schema, partitions: 1))
  }

  deinit { removeFile(description.schemaPath) }
}

/// A graph that algorithms run on, under its key.
struct SimpleView: Sendable {
  let graph: SimpleGraph
  let description: GraphDescription
}

/// An algorithm for one graph.
struct BoundApplication: Sendable {
  let algorithm: Algorithm
  let graph: SimpleView
}

/// A result, and the graph whose vertices it belongs to.
struct ResultContext: Sendable {
  let description: ContextDescription
  let graph: SimpleView
  let values: ResultValues
}
