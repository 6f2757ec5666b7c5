import Engines
import GraphStore

/// An algorithm as clients ask for it: a name, arguments by position, and what comes out.
public struct Algorithm: Sendable {
  /// The type and the default of an argument.
  public enum Argument: Sendable, Equatable {
    case double(Double)
    case integer(Int64)
    /// An original vertex id; an id that no vertex has is no error.
    case vertex(VertexID)
  }

  /// A parameter; clients transmit positions, so the name is for messages only.
  public struct Parameter: Sendable, Equatable {
    /// What messages call it.
    public let name: String
    /// The value that counts when the client sends none; also says the type.
    public let fallback: Argument
  }

  /// The client's name.
  public let name: String
  /// Parameters in the client's order.
  public let parameters: [Parameter]
  /// The shape of the result.
  public let resultKind: ContextDescription.Kind
  private let body: @Sendable (SimpleGraph, [Argument], Workers) throws -> ResultValues

  init(
    _ name: String, _ parameters: [(String, Argument)], resultKind: ContextDescription.Kind = .vertexData,
    _ body: @escaping @Sendable (SimpleGraph, [Argument], Workers) throws -> ResultValues
  ) {
    self.name = name
    self.parameters = parameters.map { Parameter(name: $0.0, fallback: $0.1) }
    self.resultKind = resultKind
    self.body = body
  }

  /// Computes the result for every vertex of a graph.
  /// - Throws: `EngineError` for arguments or edges that make no sense to the algorithm, `CancellationError`.
  public func run(on graph: SimpleGraph, _ arguments: [QueryValue], workers: Workers) throws -> ResultValues {
    guard arguments.count <= parameters.count else {
      throw EngineError(
        .invalidArgument, "algorithm '\(name)' takes \(parameters.count) arguments, not \(arguments.count)",
        hint: parameters.isEmpty ? "" : "They are " + parameters.map(\.name).joined(separator: ", "))
    }
    let values = try parameters.enumerated().map { index, parameter in
      guard index < arguments.count else { return parameter.fallback }
      return try convert(arguments[index], for: parameter)
    }
    return try body(graph, values, workers)
  }

  private func convert(_ value: QueryValue, for parameter: Parameter) throws(EngineError) -> Argument {
    switch (parameter.fallback, value) {
    case (.double, .double(let number)): return .double(number)
    case (.double, .integer(let number)): return .double(Double(number))
    case (.integer, .integer(let number)): return .integer(number)
    case (.integer, .double(let number)):
      if let number = Int64(exactly: number) { return .integer(number) }
    case (.integer, .bool(let flag)): return .integer(flag ? 1 : 0)
    case (.vertex, .integer(let id)): return .vertex(.int64(id))
    case (.vertex, .string(let id)): return .vertex(.string(id))
    case (.vertex, .double(let number)):
      if let id = Int64(exactly: number) { return .vertex(.int64(id)) }
    default: break
    }
    let wanted =
      switch parameter.fallback {
      case .double: "a number"
      case .integer: "an integer"
      case .vertex: "a vertex id"
      }
    throw EngineError(
      .invalidArgument, "argument '\(parameter.name)' of algorithm '\(name)' must be \(wanted)", evidence: "\(value)")
  }
}

extension Algorithm.Argument {
  fileprivate var double: Double { if case .double(let value) = self { value } else { 0 } }
  fileprivate var integer: Int { if case .integer(let value) = self { Int(value) } else { 0 } }
  fileprivate func vertex(in graph: SimpleGraph) -> VertexNumber? {
    if case .vertex(let id) = self { graph.vertex(id) } else { nil }
  }
}

/// One value for every vertex of a graph, by vertex number.
public enum ResultValues: Sendable {
  case int64(Buffer<Int64>)
  case uint64(Buffer<UInt64>)
  case double(Buffer<Double>)
  /// Vertices that stand for their original ids, when these are text.
  case vertexIDs(Buffer<VertexNumber>)
}

/// The algorithms that are built in.
public enum Algorithms {
  /// All of them, by name in alphabetical order.
  public static let offered: [Algorithm] = [
    bfs, cdlp, Algorithm("lcc", [], runLCC), Algorithm("lcc_directed", [], runLCC), pageRank("pagerank"),
    pageRank("pagerank_directed"), sssp("sssp"), sssp("sssp_projected"), Algorithm("wcc", [], runWCC),
    Algorithm("wcc_auto", [], runWCC), Algorithm("wcc_opt", [], runWCC),
    Algorithm("wcc_projected", [], runNumberedWCC),
  ]

  private static let byName = Dictionary(uniqueKeysWithValues: offered.map { ($0.name, $0) })

  /// The algorithm that a client names.
  /// - Throws: `EngineError` of code `unimplemented` for one that GraphScope has and this engine has not, and of code
  ///   `unknownName` for any other name, with the text that clients know.
  public static func named(_ name: String) throws(EngineError) -> Algorithm {
    if let algorithm = byName[name] { return algorithm }
    guard known.contains(name) || name.hasPrefix("giraph:") || name.hasPrefix("java_pie:") else {
      throw EngineError(.unknownName, "Algorithm does not exist in the gar resource.")
    }
    throw EngineError(
      .unimplemented, "algorithm '\(name)' is not built into the embedded analytical engine",
      hint: "It offers " + offered.map(\.name).joined(separator: ", "))
  }

  private static let bfs = Algorithm("bfs", [("src", .vertex(.int64(0)))]) { graph, arguments, workers in
    .int64(try BFS.run(graph, source: arguments[0].vertex(in: graph), workers: workers))
  }

  private static func sssp(_ name: String) -> Algorithm {
    Algorithm(name, [("src", .vertex(.int64(0)))]) { graph, arguments, workers in
      .double(try SSSP.run(graph, source: arguments[0].vertex(in: graph), workers: workers))
    }
  }

  private static func pageRank(_ name: String) -> Algorithm {
    Algorithm(name, [("delta", .double(0.85)), ("max_round", .integer(10))]) { graph, arguments, workers in
      .double(
        try PageRank.run(graph, delta: arguments[0].double, rounds: arguments[1].integer, workers: workers))
    }
  }

  private static let cdlp = Algorithm("cdlp", [("max_round", .integer(10))]) { graph, arguments, workers in
    let labels = try CDLP.run(graph, rounds: arguments[0].integer, workers: workers)
    guard !graph.hasStringIDs else { return .vertexIDs(labels) }
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let ids = try scratch.reserve(Int64.self, count: graph.vertexCount)
    let original = OriginalIDs(segments: graph.segments)
    try workers.forEach(ids.count, grain: 1 << 16) { range, _ in try original.copy(range, into: ids) }
    let result = try Buffer<Int64>(count: graph.vertexCount, storage: workers.storage)
    try workers.forEach(ids.count, grain: 1 << 16) { range, _ in
      for vertex in range { result.mutableValues[vertex] = ids[Int(labels.mutableValues[vertex])] }
    }
    return .int64(result)
  }

  private static let runLCC: @Sendable (SimpleGraph, [Algorithm.Argument], Workers) throws -> ResultValues = {
    graph, _, workers in .double(try LCC.run(graph, workers: workers))
  }

  private static let runWCC: @Sendable (SimpleGraph, [Algorithm.Argument], Workers) throws -> ResultValues = {
    graph, arguments, workers in
    if graph.hasStringIDs { return try runNumberedWCC(graph, arguments, workers) }
    return .int64(try WCC.smallestIDs(graph, workers: workers))
  }

  /// Components named by a vertex number, as clients know it: the label's id in the upper 8 of 64 bits.
  private static let runNumberedWCC: @Sendable (SimpleGraph, [Algorithm.Argument], Workers) throws -> ResultValues = {
    graph, _, workers in
    let roots = try WCC.roots(graph, workers: workers)
    let result = try Buffer<UInt64>(count: graph.vertexCount, storage: workers.storage)
    try workers.forEach(graph.vertexCount, grain: 1 << 16) { range, _ in
      for vertex in range {
        let root = Int(roots.mutableValues[vertex])
        guard let segment = graph.segments.first(where: { $0.vertices.contains(root) }) else { continue }
        result.mutableValues[vertex] = UInt64(segment.labelID) << 56 + UInt64(root - segment.vertices.lowerBound)
      }
    }
    return .uint64(result)
  }
}
