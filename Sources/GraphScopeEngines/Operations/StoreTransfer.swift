import Engines
import FoundationEssentials
import GraphStore
import JSON
import NIOPosix
import Vocabulary
import Wire

/// Moves results and graphs between the session's object store and files. The store's own drivers do so, in a helper process of
/// the installed Python packages: they support local file systems, HDFS, S3 and OSS, and the layout that sessions of other
/// coordinators read.
struct StoreTransfer: Sendable {
  let commands: EngineCommands
  let children: any ChildLauncher
  let files: EngineFiles
  let lender: FileLender

  private var places: any Places { files.places }

  /// The object to move, and its destination or source. Options are JSON objects, as the client sent them.
  enum Order: Equatable {
    /// Writes a data frame, named by its object in the store, as CSV: one file per worker, numbered from `_0`.
    case write(frame: String, path: String, storageOptions: String, writeOptions: String)
    /// Writes a complete graph.
    case save(graph: Int64, path: String, storageOptions: String)
    /// Loads a saved graph into the store.
    case load(path: String, storageOptions: String)

    /// The destination or source.
    var path: String {
      switch self {
      case .write(_, let path, _, _), .save(_, let path, _), .load(let path, _): path
      }
    }

    /// The storage options, as the client sent them.
    fileprivate var storageOptions: String {
      switch self {
      case .write(_, _, let options, _), .save(_, _, let options), .load(_, let options): options
      }
    }

    /// Returns the order for the helper, without the store's socket.
    /// - Parameter place: The path to read or write instead; nil for the client's path.
    /// - Throws: `EngineError.invalidArgument` when options are not JSON.
    func members(at place: String? = nil) throws(EngineError) -> [(key: String, value: JSONValue)] {
      let (verb, thing, storage, write) =
        switch self {
        case .write(let frame, _, let storage, let write): ("write", frame, storage, write)
        case .save(let graph, _, let storage): ("save", "\(graph)", storage, "")
        case .load(_, let storage): ("load", "", storage, "")
        }
      return [
        ("verb", .string(verb)), ("thing", .string(thing)), ("path", .string(place ?? path)),
        ("storage_options", try PythonScript.options(storage, "storage options")),
        ("write_options", try PythonScript.options(write, "options for writing")),
      ]
    }
  }

  /// Executes an order.
  /// - Returns: the helper's report of a loaded graph; empty for other orders.
  /// - Throws: `EngineError` with the drivers' output; `CancellationError`.
  @discardableResult
  func perform(_ order: Order) async throws -> String {
    switch order {
    case .load: return try await load(order)
    case .write, .save:
      let form: StagedOutput.Form = if case .save = order { .directory } else { .files }
      guard let output = try await files.staged(order.path, as: form) else {
        try require(order, for: .writing)
        return try await run(order)
      }
      defer { output.remove() }
      let report = try await run(order, at: "file://" + output.path)
      try await output.move()
      return report
    }
  }

  private func require(_ order: Order, for use: PlaceUse) throws {
    try places.require(order.path, options: try PythonScript.options(order.storageOptions, "storage options"), for: use)
  }

  /// If only listed files may be read, the helper reads files of this machine through descriptors opened here, under links in a
  /// directory of the session.
  private func load(_ order: Order) async throws -> String {
    guard !TableReader.withoutScheme(order.path).contains("://") else {
      try require(order, for: .reading)
      return try await run(order)
    }
    guard places.isRestricted else {
      try describingFailures { try places.requireReadable(order.path) }
      return try await run(order)
    }
    let tree = "\(commands.directory)/input-\(UInt32.random(in: 0...UInt32.max))"
    defer { EngineDirectories.remove(tree) }
    let files = try await NIOThreadPool.singleton.runIfActive { [places] in
      try describingFailures { try places.files(at: order.path) }
    }
    let loan = try await lender.lend(files.map(\.file))
    defer { loan.end() }
    try commands.user.files {
      for (file, name) in zip(files, loan.names) {
        let path = "\(tree)/\(file.name)"
        let directory = String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: name)
      }
    }
    return try await run(order, at: "file://" + tree)
  }

  private func run(_ order: Order, at place: String? = nil) async throws -> String {
    let script = PythonScript(
      installation: commands.installation, environment: commands.environment.merging(isolation) { $1 },
      directory: commands.directory, children: children, user: commands.user)
    let end = try await script.run(
      Self.script, [("socket", .string(commands.socket))] + (try order.members(at: place)), purpose: "transfer")
    guard end.isSuccess else {
      let verb = if case .load = order { "read" } else { "written" }
      throw EngineError(
        .engineFailure, "'\(order.path)' cannot be \(verb)", evidence: end.lastLines.last ?? end.cause,
        hint: "Paths refer to the coordinator's machine")
    }
    return end.lastLines.last { $0.hasPrefix("{") } ?? ""
  }

  /// Prevents drivers from requesting the machine's own keys if only listed addresses may be accessed.
  private var isolation: [String: String] { places.isRestricted ? ["AWS_EC2_METADATA_DISABLED": "true"] : [:] }

  private static let script = """
    socket, thing, path = order["socket"], order["thing"], order["path"]
    try:
        import vineyard, vineyard.io
        place = {"vineyard_ipc_socket": socket, "vineyard_endpoint": "", "deployment": "ssh", "hosts": ["localhost"]}
        storage = {"storage_options": order["storage_options"]}
        if order["verb"] == "write":
            stream = vineyard.io.open("vineyard://" + thing, mode="r", **place)
            vineyard.io.open(path, stream, mode="w", write_options=order["write_options"], **storage, **place)
        elif order["verb"] == "save":
            vineyard.io.serialize(path, vineyard.ObjectID(int(thing)), type="global", **storage, **place)
        else:
            group = vineyard.ObjectID(vineyard.io.deserialize(path, type="global", **storage, **place))
            fragment = vineyard.connect(socket).get_meta(group)["frag_object_id_0"]
            print(json.dumps({"id": int(group), "class": fragment.typename}), flush=True)
    except Exception as error:
        causes = []
        while error is not None and len(causes) < 5:
            causes.append("%s: %s" % (type(error).__name__, " ".join(str(error).split())[:500]))
            error = error.__cause__
        sys.exit("; ".join(causes))
    """
}

extension StoreTransfer.Order {
  /// Creates the order of a client's operation. `graph` is the graph to save, `frame` the data frame to write. Returns nil for
  /// operations that move nothing.
  /// - Throws: `EngineError.illegalState` when the object to move does not exist.
  init?(_ operation: OpDef, graph: GraphDef?, frame: String?) throws(EngineError) {
    func text(_ key: ParamKey) -> String { operation.attributes[key]?.text ?? "" }
    switch operation.op {
    case .dataSink:
      guard let frame else {
        throw EngineError(
          .illegalState, "the data frame to write is not in the store",
          hint: "Make it with to_vineyard_dataframe in the same step")
      }
      self = .write(
        frame: frame, path: text(.fd), storageOptions: text(.storageOptions), writeOptions: text(.writeOptions))
    case .serializeGraph:
      guard case .vineyard(let info)? = graph?.info else {
        throw EngineError(
          .illegalState, "the graph to save is not in the store", hint: "Only property graphs can be saved")
      }
      self = .save(
        graph: info.objectID, path: text(.graphSerializationPath), storageOptions: text(.storageOptions))
    case .deserializeGraph:
      self = .load(path: text(.graphSerializationPath), storageOptions: text(.storageOptions))
    default: return nil
    }
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw EngineError(.invalidArgument, "the path to read or write is missing")
    }
  }
}

/// A graph that was loaded into the store, as reported by the helper.
struct StoredGraph: Equatable {
  /// Its number in the store.
  let objectID: Int64
  /// Types of original and internal ids, as written in C++.
  let oidType: String
  let vidType: String
  let hasLocalVertexMap: Bool
  let hasCompactEdges: Bool

  /// Parses the report. The class of the graph determines the library:
  /// `vineyard::ArrowFragment<int64,uint64,vineyard::ArrowVertexMap<int64,uint64>,false>`.
  init(report: String) throws(EngineError) {
    let json = try? JSONValue(parsing: report)
    let name = json?["class"]?.text ?? ""
    let prefix = "vineyard::ArrowFragment<"
    guard case .integer(let number)? = json?["id"], name.hasPrefix(prefix), name.hasSuffix(">") else {
      throw Self.unreadable(report)
    }
    let arguments = name.dropFirst(prefix.count).dropLast()
    let types = arguments.split(separator: ",").prefix(2)
    guard types.count == 2, let oid = Self.type(types[0]), let vid = Self.type(types[1]) else {
      throw Self.unreadable(report)
    }
    objectID = number
    oidType = oid
    vidType = vid
    hasLocalVertexMap = arguments.contains("ArrowLocalVertexMap<")
    hasCompactEdges = arguments.hasSuffix(",true")
  }

  /// Returns the operation that passes the graph to the engine.
  func creation(key: String) -> OpDef {
    let map: VertexMapType = hasLocalVertexMap ? .local : .global
    return OpDef(
      key: key, op: .createGraph,
      attributes: [
        .graphType: .int(Int64(GraphType.arrowProperty.rawValue)), .oidType: .text(oidType), .vidType: .text(vidType),
        .isFromVineyardID: .bool(true), .vineyardID: .int(objectID), .vertexMapType: .int(Int64(map.rawValue)),
        .compactEdges: .bool(hasCompactEdges),
      ])
  }

  private static func type(_ name: Substring) -> String? {
    switch name {
    case "int32", "int64", "uint32", "uint64": name + "_t"
    case "string", "std::string": "std::string"
    default: nil
    }
  }

  private static func unreadable(_ report: String) -> EngineError {
    EngineError(
      .engineFailure, "the loaded object is not a graph that the engine supports", evidence: String(report.prefix(500)))
  }
}
