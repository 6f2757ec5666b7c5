import Engines
import Vocabulary
import Wire

/// The objects that the engine holds for the session, as far as later operations need to know them.
struct NativeObjects: Sendable {
  /// An algorithm that the engine has loaded for a graph.
  struct Application: Sendable {
    /// The engine's key of the graph.
    let graph: String
    /// The definition of the graph when the algorithm was bound; the graph may be unloaded before the results are read.
    let definition: GraphDef
    /// The library that the engine loaded.
    let library: String
  }

  /// A result.
  struct Context: Sendable {
    let kind: ContextDescription.Kind
    /// The definition of the graph that the algorithm ran on.
    let definition: GraphDef
  }

  /// Definitions of graphs by the engine's keys.
  var graphs: [String: GraphDef] = [:]
  var applications: [String: Application] = [:]
  var contexts: [String: Context] = [:]
  /// Signatures of the graph classes whose libraries the engine has loaded.
  var registered: Set<String> = []
  /// The newest data frames and tensors in the store, by the operations that made them.
  private(set) var frames: [String: String] = [:]
  private var frameOrder: [String] = []

  /// The number of frames to remember. Few suffice, because clients write a frame in the step that makes it.
  static let maximumFrames = 64

  /// Creates an empty set of objects.
  init() {}

  /// Records that an operation has made a data frame or tensor in the store.
  mutating func noteFrame(_ object: String?, of operation: String) {
    guard let object else { return }
    if frames.updateValue(object, forKey: operation) == nil { frameOrder.append(operation) }
    if frameOrder.count > Self.maximumFrames { frames[frameOrder.removeFirst()] = nil }
  }
}

extension NativeObjects {
  /// Summarizes an object for operators.
  func summary(of handle: ObjectHandle) -> ObjectSummary? {
    switch handle {
    case .graph(let key):
      guard let graph = graphs[key] else { return nil }
      var summary = ObjectSummary(form: graph.type.word)
      summary.isDirected = graph.isDirected
      if case .vineyard(let info) = graph.info, let schema = try? NativeSchema(info.propertySchemaJSON) {
        summary.vertexLabels = schema.vertices.filter(\.isValid).map { ObjectSummary.Label(name: $0.name) }
        summary.edgeLabels = schema.edges.filter(\.isValid).map { ObjectSummary.Label(name: $0.name) }
      }
      return summary
    case .context(let key):
      guard let context = contexts[key] else { return nil }
      var summary = ObjectSummary(form: context.kind.rawValue)
      summary.graph = context.definition.key
      return summary
    case .boundApplication, .none, .tables, .application: return nil
    }
  }
}

extension GraphType {
  /// The name of the type for operators.
  fileprivate var word: String {
    switch self {
    case .arrowProperty: "property"
    case .arrowProjected: "simple"
    case .arrowFlattened: "flattened"
    case .dynamicProperty: "mutable"
    default: "\(self)"
    }
  }
}

/// The objects that an operation works on, with what is known about them.
struct NativeInputs: Sendable {
  /// The graph among the inputs, with its definition.
  private(set) var graph: (key: String, definition: GraphDef)?
  private(set) var application: (key: String, application: NativeObjects.Application)?
  private(set) var context: (key: String, context: NativeObjects.Context)?
  /// The algorithm to bind.
  private(set) var algorithm: (name: String, archive: [UInt8])?
  /// Tables to load.
  var tables: [TableSource] = []

  /// Looks up the inputs.
  init(_ handles: [ObjectHandle], in objects: NativeObjects) {
    for handle in handles {
      switch handle {
      case .none: break
      case .tables(let tables): self.tables = tables
      case .graph(let key): graph = objects.graphs[key].map { (key, $0) }
      case .application(let name, let archive): algorithm = (name, archive)
      case .boundApplication(let key): application = objects.applications[key].map { (key, $0) }
      case .context(let key): context = objects.contexts[key].map { (key, $0) }
      }
    }
  }

  func requiredGraph() throws(EngineError) -> (key: String, definition: GraphDef) {
    guard let graph else { throw Self.missing("graph") }
    return graph
  }

  func requiredApplication() throws(EngineError) -> (key: String, application: NativeObjects.Application) {
    guard let application else { throw Self.missing("bound application") }
    return application
  }

  func requiredContext() throws(EngineError) -> (key: String, context: NativeObjects.Context) {
    guard let context else { throw Self.missing("result") }
    return context
  }

  private static func missing(_ what: String) -> EngineError {
    EngineError(
      .illegalState, "the \(what) that the operation works on no longer exists",
      hint: "It was unloaded, or lost with its engine; create it again")
  }
}
