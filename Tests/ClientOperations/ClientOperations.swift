import Engines
import GraphStore
import JSON
import Vocabulary
import Wire

// Operations as the client writes them, for tests and benchmarks.

extension Engines.Operation {
  /// What an operation does: names tables, or asks the analytical engine.
  public enum Action {
    case source([TableSource])
    case analytical(Engines.Operation)
  }

  /// An operation of a step.
  public init(key: OperationKey, parents: [OperationKey], action: Action) {
    switch action {
    case .source(let tables): self = .make(.dataSource, key: key, parents: parents, tables: tables)
    case .analytical(let operation):
      self = .make(operation.type, operation.arguments, operation.query, key: key, parents: parents)
    }
  }

  private static func make(
    _ type: OperationType, _ arguments: [ParamKey: AttributeValue] = [:], _ query: [QueryArgument]? = nil,
    key: OperationKey = "", parents: [OperationKey] = [], tables: [TableSource] = []
  ) -> Self {
    do {
      return try Self(key: key, type: type, parents: parents, arguments: arguments, query: query, tables: tables)
    } catch { fatalError("\(error)") }
  }

  /// An operation of a type, with arguments that are text.
  public static func plain(_ type: OperationType, _ texts: [ParamKey: String] = [:]) -> Self {
    make(type, texts.mapValues { .text($0) })
  }

  /// A new graph of the tables that are its input.
  public static func createGraph(_ options: GraphOptions, _ layout: GraphLayout) -> Self {
    let idType =
      switch options.idType {
      case .int64: "int64_t"
      case .int32: "int32_t"
      case .string: "std::string"
      }
    return make(
      .createGraph,
      [
        .graphType: .int(Int64(GraphType.arrowProperty.rawValue)), .directed: .bool(options.isDirected),
        .oidType: .text(idType), .generateEid: .bool(options.generatesEdgeIDs), .retainOid: .bool(options.retainsIDs),
        .vidType: .text(layout.hasWideVertexNumbers ? "uint64_t" : "uint32_t"),
        .compactEdges: .bool(layout.compactEdges), .usePerfectHash: .bool(layout.usePerfectHash),
        .isFromVineyardID: .bool(false), .isFromGar: .bool(false),
      ])
  }

  /// A graph that an object store has.
  public static var graphFromStore: Self { make(.createGraph, [.isFromVineyardID: .bool(true)]) }

  /// The graph of the first input and the tables of the second.
  public static func addLabels(_ kind: GraphExtension) -> Self {
    let number: Int64 =
      switch kind {
      case .newLabels: 0
      case .extendVertexLabel: 1
      case .extendEdgeLabel: 2
      }
    return make(.addLabels, [.extendLabelData: .int(number)])
  }

  /// Some labels of a graph with some of their properties, all for nil.
  public static func project(vertices: [String: [String]?], edges: [String: [String]?]) -> Self {
    func collections(_ labels: [String: [String]?]) -> AttributeValue {
      .text(
        JSONValue.object(
          labels.sorted { $0.key < $1.key }.map { label, properties in
            (label, properties.map { .array($0.map { .string($0) }) } ?? .null)
          }
        ).encoded)
    }
    return make(
      .projectGraph, [.vertexCollections: collections(vertices), .edgeCollections: collections(edges)])
  }

  /// A graph that algorithms run on.
  public static func projectToSimple(vertexProperty: String?, edgeProperty: String?) -> Self {
    make(
      .projectToSimple, [.vPropKey: .text(vertexProperty ?? "None"), .ePropKey: .text(edgeProperty ?? "None")])
  }

  /// An algorithm by its name.
  public static func createApplication(algorithm: String, archive: [UInt8]) -> Self {
    make(.createApp, [.appAlgo: .text(algorithm), .gar: .bytes(archive)])
  }

  /// The second input's algorithm made ready for the first input's graph.
  public static var bindApplication: Self { make(.bindApp) }

  /// Runs an algorithm.
  public static func runApplication(_ arguments: [QueryValue]) -> Self {
    make(
      .runApp, [:],
      arguments.map { argument in
        switch argument {
        case .bool(let value): .bool(value)
        case .integer(let value): .int64(value)
        case .double(let value): .double(value)
        case .string(let value): .string(value)
        case .bytes(let value): .bytes(value)
        }
      })
  }

  /// One column of a result or a graph.
  public static func exportArray(selector: String, range: VertexRange?) -> Self {
    make(.contextToNumpy, [.selector: .text(selector), .vertexRange: argument(range)])
  }

  /// Columns of a result or a graph.
  public static func exportFrame(columns: [FrameColumn], range: VertexRange?) -> Self {
    let selectors = JSONValue.object(columns.map { ($0.name, .string($0.selector)) })
    return make(.contextToDataframe, [.selector: .text(selectors.encoded), .vertexRange: argument(range)])
  }

  private static func argument(_ range: VertexRange?) -> AttributeValue {
    guard let range else { return .unset }
    func bound(_ bound: RangeBound) -> JSONValue {
      switch bound {
      case .integer(let value): .integer(value)
      case .string(let text): .string(text)
      }
    }
    let bounds = [("begin", range.begin), ("end", range.end)]
    return .text(JSONValue.object(bounds.compactMap { name, value in value.map { (name, bound($0)) } }).encoded)
  }

  /// Forgets the first input.
  public static var unload: Self { make(.unloadGraph) }
}
