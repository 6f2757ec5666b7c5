import AnalyticsKernels
import Engines
import GraphStore
import Synchronization
import Workers

/// The directory of a stored graph. It is not removed when this object is deinitialized: see `StoredGraphUse`.
final class StoredFiles: Sendable {
  /// The path of the directory, which may have been removed with the whole session.
  let directory: String
  private let graph = Mutex(Opened())
  /// The reservations for the files of an earlier process, by file name; files of this process are charged through their
  /// mappings.
  let reservations: [String: StorageReservation]

  private struct Opened {
    weak var graph: StoredGraph?
  }

  /// The graph, while it is in use.
  fileprivate(set) var opened: StoredGraph? {
    get { graph.withLock { $0.graph } }
    set { graph.withLock { $0.graph = newValue } }
  }

  /// The last component of the path.
  var name: String { String(directory[directory.lastIndex(of: "/").map(directory.index(after:))!...]) }

  init(_ directory: String, _ reservations: [String: StorageReservation] = [:]) {
    self.directory = directory
    self.reservations = reservations
  }
}

/// A graph stored in files of the session.
final class StoredGraph: Sendable {
  let graph: PropertyGraph
  let files: StoredFiles

  /// The name of the graph's directory.
  var name: String { files.name }

  init(_ graph: PropertyGraph, _ files: StoredFiles) {
    self.graph = graph
    self.files = files
    files.opened = self
  }
}

/// A view of a stored graph, as a client sees it under a key.
struct PropertyView: Sendable {
  let stored: StoredGraph
  let description: GraphDescription

  /// The stored schema, with hidden labels and properties marked as not valid.
  var schema: GraphSchema { description.schema }

  /// Creates a view with its own schema file in `workspace`.
  init(
    key: String, stored: StoredGraph, schema: GraphSchema, layout: GraphLayout, workspace: String
  ) throws {
    self.stored = stored
    let schemaPath = "\(workspace)/\(key).json"
    description = GraphDescription(
      key: key, kind: .property, schema: schema, options: stored.graph.options, layout: layout,
      isMultigraph: stored.graph.hasParallelEdges, objectID: .random(in: 1 ... .max),
      fragmentIDs: [.random(in: 1 ... .max)], schemaPath: schemaPath)
    try writeFile(schemaPath, PropertySchemaJSON.fileText(schema, partitions: 1))
  }

  /// Restores a view from its description by an earlier process. Writes the schema file again, as it may have been removed.
  init(recovered description: GraphDescription, of stored: StoredGraph) throws {
    self.stored = stored
    self.description = description
    removeTree(description.schemaPath)
    try writeFile(description.schemaPath, PropertySchemaJSON.fileText(description.schema, partitions: 1))
  }
}

/// A graph on which algorithms run, under its key.
struct SimpleView: Sendable {
  let graph: SimpleGraph
  let description: GraphDescription
  /// The recipe from which the graph was made.
  let recipe: GraphRecipe
}

/// An algorithm bound to a graph.
struct BoundApplication: Sendable {
  let algorithm: ChosenAlgorithm
  let graph: SimpleView
}

/// A result with the graph whose vertices it belongs to.
struct ResultContext: Sendable {
  let description: ContextDescription
  let graph: SimpleView
  var result: AlgorithmResult
  /// The reservation for the file of the values; nil while there is none.
  var file: StorageReservation?
}
