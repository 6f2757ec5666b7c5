import Engines
import Wire

/// What the engine holds for the session, as far as later operations must know it.
struct NativeObjects: Sendable {
  /// An algorithm that the engine has loaded for a graph.
  struct Application: Sendable {
    /// The engine's key of the graph.
    let graph: String
    /// The graph's definition when it was bound: the graph may be unloaded before the results are read.
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
  /// Classes of graphs whose libraries the engine has loaded, by signature.
  var registered: Set<String> = []
  /// Data frames and tensors in the store by the operations that made them, the newest ones.
  private(set) var frames: [String: String] = [:]
  private var frameOrder: [String] = []

  /// Clients write a frame in the step that makes it, so that few are enough.
  static let maximumFrames = 64

  /// No objects.
  init() {}

  /// An operation has made a data frame or tensor in the store.
  mutating func noteFrame(_ object: String?, of operation: String) {
    guard let object else { return }
    if frames.updateValue(object, forKey: operation) == nil { frameOrder.append(operation) }
    if frameOrder.count > Self.maximumFrames { frames[frameOrder.removeFirst()] = nil }
  }
}

/// What an operation works on, with what is known of it.
struct NativeInputs: Sendable {
  /// The graph among the inputs, with its definition.
  private(set) var graph: (key: String, definition: GraphDef)?
  private(set) var application: (key: String, application: NativeObjects.Application)?
  private(set) var context: (key: String, context: NativeObjects.Context)?
  /// An algorithm that is not bound yet.
  private(set) var algorithm: (name: String, archive: [UInt8])?
  /// Tables that are to be loaded.
  var tables: [TableSource] = []

  /// Looks the inputs up.
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
      .illegalState, "the \(what) that the operation works on is not there any more",
      hint: "It was unloaded, or lost with its engine; make it again")
  }
}
