import Engines
import JSON
import Vocabulary
import Wire

/// Makes a graph of the edges that a Gremlin query finds. The interactive engine writes the edges, with their vertices, to
/// streams in the store, while the analytical engine builds a graph from them. When one of them ends, for any reason, the other
/// is ended, and nothing of the streams remains.
struct Subgraph: Sendable {
  /// The query for edges. Its options are those of a Gremlin client.
  let query: String
  let options: [(key: String, value: JSONValue)]
  /// The number of the graph to query.
  let source: Int64
  /// The type of original ids, as written in C++.
  let oidType: String

  /// The time within which, after the end of its query, the executor must have begun all streams.
  private static let announcementDelay = Duration.seconds(5)
  /// The time to wait, after the load has failed, for a failure of the query, which is then the cause.
  private static let causeDelay = Duration.seconds(2)

  /// The maximum duration of a query, whatever the client requests: no clock counts as far as an integer does.
  private static let longestQuery = Duration.seconds(86_400)

  /// Parses the client's operation.
  /// - Throws: `EngineError.invalidArgument`; `.notApplicable` for ids that the engine cannot transfer.
  init(_ operation: OpDef) throws(EngineError) {
    guard let query = operation.attributes[.gieGremlinQueryMessage]?.text, !query.isEmpty else {
      throw EngineError(.invalidArgument, "SUBGRAPH: the query is missing")
    }
    guard let source = operation.attributes[.vineyardID]?.integer else {
      throw EngineError(.invalidArgument, "SUBGRAPH: the number of the graph is missing")
    }
    switch operation.attributes[.oidType]?.text {
    case "int32", "int32_t": oidType = "int32_t"
    case nil, "int", "int64", "int64_t", "long": oidType = "int64_t"
    case "string", "str", "std::string":
      // The executor would end with "get_outer_id is not supported on string fragment".
      throw EngineError(
        .notApplicable, "the interactive engine can only make subgraphs of graphs with integer ids",
        hint: "Load the graph with oid_type=\"int64_t\", and keep the texts as a property")
    case let type?: throw EngineError(.invalidArgument, "SUBGRAPH: '\(type.prefix(100))' is not a type of ids")
    }
    let text = operation.attributes[.gieGremlinRequestOptions]?.text ?? ""
    options = try PythonScript.options(text, "options of the query").members ?? []
    (self.query, self.source) = (query, source)
  }

  // MARK: The graph

  /// Returns the operation with which the engine builds the graph, without its tables.
  func creation(key: String) -> OpDef {
    OpDef(
      key: key, op: .createGraph,
      attributes: [
        .graphType: .int(Int64(GraphType.arrowProperty.rawValue)), .oidType: .text(oidType),
        .vidType: .text("uint64_t"),
        .directed: .bool(true), .generateEid: .bool(false), .retainOid: .bool(true), .isFromVineyardID: .bool(false),
        .compactEdges: .bool(false), .usePerfectHash: .bool(false),
        .vertexMapType: .int(Int64(VertexMapType.global.rawValue)),
      ])
  }

  /// Returns the tables for the streams. Labels and columns are part of the data.
  func tables(_ streams: SubgraphStreams) -> LargeAttribute {
    func table(_ kind: String, _ object: StoreObject, _ columns: Int, _ more: [ParamKey: String]) -> ChunkMeta {
      let options = JSONValue.object([
        ("delimiter", .string(",")), ("header_row", .bool(true)),
        ("schema", .string((0..<columns).map(String.init).joined(separator: ","))),
        ("column_types", .string(Array(repeating: oidType, count: columns).joined(separator: ","))),
        ("include_all_columns", .bool(true)), ("filetype", .string("CSV")),
      ])
      let texts: [ParamKey: String] = [
        .protocol: "vineyard", .label: "_", .storageOptions: "{}", .readOptions: options.encoded,
        // The engine expects a letter before the object's name.
        .source: "o" + object.name, .chunkName: kind, .chunkType: "loader",
      ]
      return ChunkMeta(size: 0, attributes: texts.merging(more) { $1 }.mapValues { .text($0) })
    }
    return .announced([
      table("vertex", streams.vertices, 1, [.vid: "0"]),
      table(
        "edge", streams.edges, 2,
        [
          .srcVid: "0", .dstVid: "1", .srcLabel: "_", .dstLabel: "_", .loadStrategy: "both_out_in", .subLabel: "___",
        ]),
    ])
  }

  // MARK: Execution

  private enum Event: Sendable {
    case queried(Result<Void, any Error>)
    case announced(Result<Void, any Error>)
    case loaded(Result<EngineConnection.Answer, any Error>)
    case late
  }

  /// Runs the query and builds the graph.
  /// - Parameters:
  ///   - instance: The interactive instance of the source graph.
  ///   - load: Makes the engine read the streams and build the graph.
  /// - Throws: the `EngineError` of the part that failed first; `CancellationError`.
  func extracted(
    from instance: InteractiveInstance, socket: String,
    load: @escaping @Sendable (SubgraphStreams) async throws -> EngineConnection.Answer
  ) async throws -> EngineConnection.Answer {
    let name = "subgraph-\(UInt64.random(in: 0...UInt64.max))"
    let streams = try await SubgraphStreams.make(name, count: instance.threads, socket: socket)
    do {
      let answer = try await flow(streams, instance, load)
      await streams.remove()
      return answer
    } catch {
      await streams.abort()
      throw error
    }
  }

  private func flow(
    _ streams: SubgraphStreams, _ instance: InteractiveInstance,
    _ load: @escaping @Sendable (SubgraphStreams) async throws -> EngineConnection.Answer
  ) async throws -> EngineConnection.Answer {
    try await withThrowingTaskGroup(of: Event.self) { group in
      var (isQueried, isAnnounced) = (false, false)
      var answer: EngineConnection.Answer?
      var failure: (any Error)?
      defer { group.cancelAll() }
      group.addTask { .queried(await outcome { try await ask(instance, name: streams.name) }) }
      group.addTask { .announced(await outcome { try await streams.announced() }) }
      for try await event in group {
        switch event {
        case .queried(let result):
          try result.get()
          if let failure { throw failure }
          isQueried = true
          if !isAnnounced { group.addTask { await Self.timer(Self.announcementDelay) } }
        case .announced(.success):
          isAnnounced = true
          group.addTask { .loaded(await outcome { try await load(streams) }) }
        case .loaded(.success(let result)): answer = result
        case .announced(.failure(let error)), .loaded(.failure(let error)):
          if isQueried || error is CancellationError { throw error }
          failure = error
          await streams.abort()
          group.addTask { await Self.timer(Self.causeDelay) }
        case .late:
          if let failure { throw failure }
          if !isAnnounced { throw Self.noEdges }
        }
        if isQueried, let answer { return answer }
      }
      throw CancellationError()
    }
  }

  private func ask(_ instance: InteractiveInstance, name: String) async throws {
    try await instance.gremlin.submit(
      "\(query).subgraph('\(name)')", options: options, within: patience(instance.queryTimeout))
  }

  /// Returns the engine's own time limit, plus the time it needs to report that it expired.
  private func patience(_ bound: Duration) -> Duration {
    var bound = bound
    if case .integer(let milliseconds)? = options.last(where: { $0.key == "evaluationTimeout" })?.value,
      milliseconds > 0
    {
      bound = .milliseconds(milliseconds)
    }
    return min(bound, Self.longestQuery) + .seconds(10)
  }

  private static func timer(_ time: Duration) async -> Event {
    try? await Task.sleep(for: time)
    return .late
  }

  private static let noEdges = EngineError(
    .queryFailure, "the query was answered, but returned no edges",
    hint: "A subgraph consists of edges: end the query with a step that returns edges, such as g.V().outE()")
}

private func outcome<Success: Sendable>(
  _ body: @Sendable () async throws -> Success
) async -> Result<Success, any Error> {
  do { return .success(try await body()) } catch { return .failure(error) }
}
