import Engines
import JSON
import Wire

/// Streams in a session's object store, through which the executor of an interactive engine passes vertices and edges to the
/// analytical engine: one stream of each for every thread of the executor, and the objects that name and group them.
struct SubgraphStreams: Sendable {
  /// The name by which the executor finds the streams.
  let name: String
  /// All streams of vertices, and all streams of edges, as one object each.
  let vertices: StoreObject
  let edges: StoreObject
  /// The individual streams.
  private let parts: [StoreObject]
  private let all: [StoreObject]
  private let socket: String

  /// The time within which the store must create or remove them.
  private static let patience = Duration.seconds(10)

  // MARK: Creation

  /// Creates the streams. Cannot be cancelled halfway; it takes milliseconds.
  /// - Throws: `EngineError` when the store rejects a request or does not answer.
  static func make(_ name: String, count: Int, socket: String) async throws -> SubgraphStreams {
    // A task of its own, which the cancellation of this one does not reach; this one waits for it.
    let task = Task {
      try await within(patience, orElse: Self.late) {
        try await StoreConnection.open(socket) { store in
          try await SubgraphStreams(name, count: count, socket: socket, in: store)
        }
      }
    }
    return try await task.value
  }

  private init(_ name: String, count: Int, socket: String, in store: StoreConnection) async throws {
    var parts: [StoreObject] = []
    var (vertices, edges, chunks) = ([StoreObject](), [StoreObject](), [StoreObject]())
    for index in 0..<count {
      let edge = try await store.create(Self.stream(of: "edge", name))
      let vertex = try await store.create(Self.stream(of: "vertex", name))
      let chunk = StoreObject.Description(
        type: "vineyard::htap::PropertyGraphOutStream",
        members: [
          ("graph_name", .string(name)), ("graph_schema", .string("{}")), ("stream_index", .integer(Int64(index))),
        ], objects: [("edge_stream", edge), ("vertex_stream", vertex)])
      chunks.append(try await store.create(chunk))
      edges.append(edge)
      vertices.append(vertex)
      parts += [edge, vertex]
    }
    let graph = StoreObject.Description(
      type: "vineyard::htap::GlobalPGStream", isGlobal: true,
      members: [
        ("local_stream_chunks", .integer(Int64(count))), ("total_stream_chunks", .integer(Int64(count))),
      ], objects: chunks.enumerated().map { ("stream_chunk_\($0.offset)", $0.element) })
    let whole = try await store.create(graph, named: name)
    self.edges = try await store.create(Self.gathered(edges), named: Self.gatheringName("edge", name))
    self.vertices = try await store.create(Self.gathered(vertices), named: Self.gatheringName("vertex", name))
    (self.name, self.parts, self.socket) = (name, parts, socket)
    all = [whole, self.edges, self.vertices] + chunks + parts
  }

  private static func stream(of kind: String, _ name: String) -> StoreObject.Description {
    let parameters = JSONValue.object([("graph_name", .string(name)), ("kind", .string(kind))])
    return .init(type: "vineyard::RecordBatchStream", members: [("params_", .string(parameters.encoded))])
  }

  private static func gathered(_ streams: [StoreObject]) -> StoreObject.Description {
    .init(
      type: "vineyard::ParallelStream", isGlobal: true,
      members: [("__streams_-size", .integer(Int64(streams.count)))],
      objects: streams.enumerated().map { ("__streams_-\($0.offset)", $0.element) })
  }

  private static func gatheringName(_ kind: String, _ name: String) -> String { "__\(name)_\(kind)_stream" }

  /// The names that the executor assigns when it begins to write.
  private var announcements: [String] { (0..<parts.count / 2).map { "__\(name)_\($0)_streamed" } }

  // MARK: Use

  /// Returns when the executor has begun to write all streams, which can only be read afterwards.
  /// - Throws: `EngineError` when the store has ended; `CancellationError`.
  func announced() async throws {
    try await StoreConnection.open(socket) { store in
      for name in announcements {
        try await store.request("get_name_request", [("name", .string(name)), ("wait", .bool(true))])
      }
    }
  }

  /// Makes all readers and writers of the streams fail, and removes the streams, even if the task is cancelled.
  func abort() async { await remove(aborting: true) }

  /// Removes the remains of the streams after all data was read, even if the task is cancelled.
  func remove() async { await remove(aborting: false) }

  private func remove(aborting: Bool) async {
    // As in `make`.
    let task = Task {
      try await within(Self.patience, orElse: Self.late) {
        try await StoreConnection.open(socket) { store in try await remove(aborting, in: store) }
      }
    }
    // If the store has ended, so have the streams.
    _ = try? await task.value
  }

  /// Stops and drops all streams. The store rejects this for a stream that does not exist or was never used, which is ignored.
  private func remove(_ aborting: Bool, in store: StoreConnection) async throws {
    for part in parts {
      if aborting {
        _ = try? await store.request("stop_stream_request", [("id", .integer(part.id)), ("failed", .bool(true))])
      }
      _ = try? await store.request("drop_stream_request", [("id", .integer(part.id))])
    }
    for name in [name, Self.gatheringName("edge", name), Self.gatheringName("vertex", name)] + announcements {
      _ = try? await store.request("drop_name_request", [("name", .string(name))])
    }
    for object in all { try? await store.delete(object) }
  }

  private static let late = EngineError(
    .engineFailure, "the session's object store does not answer", hint: "Close the session and connect again")
}

/// An object of the store, as others refer to it.
struct StoreObject: Sendable {
  /// The object's number.
  let id: Int64
  fileprivate let tree: [(key: String, value: JSONValue)]

  /// The content of an object.
  struct Description: Sendable {
    var type: String
    var isGlobal = false
    var members: [(key: String, value: JSONValue)] = []
    var objects: [(key: String, object: StoreObject)] = []
  }

  /// The object's number as the store's clients write it.
  var name: String {
    let digits = String(UInt64(bitPattern: id), radix: 16)
    return "o" + String(repeating: "0", count: 16 - digits.count) + digits
  }
}

extension StoreConnection {
  /// Creates an object that is visible to all clients of the store.
  func create(_ description: StoreObject.Description, named name: String? = nil) async throws -> StoreObject {
    var tree: [(key: String, value: JSONValue)] = [
      ("typename", .string(description.type)), ("global", .bool(description.isGlobal)), ("instance_id", .integer(0)),
      ("nbytes", .integer(0)), ("transient", .bool(true)),
    ]
    tree += description.members
    tree += description.objects.map { ($0.key, .object($0.object.tree)) }
    let answer = try await request("create_data_request", [("content", .object(tree))])
    guard case .integer(let id)? = answer["id"], let signature = answer["signature"] else {
      throw EngineError(.engineFailure, "the session's object store created an object without a number")
    }
    tree += [("signature", signature)]
    let object = StoreObject(id: id, tree: tree + [("id", .string(StoreObject(id: id, tree: []).name))])
    try await request("persist_request", [("id", .integer(id))])
    if let name {
      try await request("put_name_request", [("object_id", .integer(id)), ("name", .string(name))])
    }
    return object
  }

  fileprivate func delete(_ object: StoreObject) async throws {
    try await request(
      "del_data_request",
      [
        ("id", .array([.integer(object.id)])), ("force", .bool(true)), ("deep", .bool(false)),
        ("memory_trim", .bool(false)), ("fastpath", .bool(false)),
      ])
  }
}
