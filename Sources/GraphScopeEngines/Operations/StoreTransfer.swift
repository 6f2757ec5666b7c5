import Engines
import Wire

/// Moves results and graphs between the session's object store and files. The store's own drivers do it, in a helper
/// process of the installed Python packages: they know file systems, HDFS, S3 and OSS, and the layout that sessions of
/// other coordinators read.
struct StoreTransfer: Sendable {
  let commands: EngineCommands
  let children: any ChildLauncher

  /// What is moved, and where to. Options are JSON objects, as the client sent them.
  enum Order: Equatable {
    /// Writes a data frame of the store, named by its object, as CSV: a file for every worker, numbered from `_0`.
    case write(frame: String, path: String, storageOptions: String, writeOptions: String)
    /// Writes a whole graph.
    case save(graph: Int64, path: String, storageOptions: String)
    /// Brings a graph that was saved into the store.
    case load(path: String, storageOptions: String)

    /// Where it is moved to or from.
    var path: String {
      switch self {
      case .write(_, let path, _, _), .save(_, let path, _), .load(let path, _): path
      }
    }

    /// What the helper is told, beside the store's socket.
    /// - Throws: `EngineError.invalidArgument` when options are not JSON.
    func members() throws(EngineError) -> [(key: String, value: JSONValue)] {
      let (verb, thing, storage, write) =
        switch self {
        case .write(let frame, _, let storage, let write): ("write", frame, storage, write)
        case .save(let graph, _, let storage): ("save", "\(graph)", storage, "")
        case .load(_, let storage): ("load", "", storage, "")
        }
      return [
        ("verb", .string(verb)), ("thing", .string(thing)), ("path", .string(path)),
        ("storage_options", try PythonScript.options(storage, "storage options")),
        ("write_options", try PythonScript.options(write, "options for writing")),
      ]
    }
  }

  /// Carries out an order.
  /// - Returns: what the helper reported of a graph that it loaded; empty for other orders.
  /// - Throws: `EngineError` with what the drivers said; `CancellationError`.
  @discardableResult
  func perform(_ order: Order) async throws -> String {
    let script = PythonScript(
      installation: commands.installation, environment: commands.environment, directory: commands.directory,
      children: children)
    let end = try await script.run(
      Self.script, [("socket", .string(commands.socket))] + (try order.members()), purpose: "transfer")
    guard end.isSuccess else {
      let verb = if case .load = order { "read" } else { "written" }
      throw EngineError(
        .engineFailure, "'\(order.path)' cannot be \(verb)", evidence: end.lastLines.last ?? end.cause,
        hint: "Paths are those of the coordinator's machine")
    }
    return end.lastLines.last { $0.hasPrefix("{") } ?? ""
  }

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
  /// Reads the client's operation. `graph` is the one that is to be saved, `frame` the one that is to be written.
  /// - Returns: nil for operations that move nothing.
  /// - Throws: `EngineError.illegalState` when what is to be moved is not there.
  init?(_ operation: OpDef, graph: GraphDef?, frame: String?) throws(EngineError) {
    func text(_ key: ParamKey) -> String { operation.attributes[key]?.text ?? "" }
    switch operation.op {
    case .dataSink:
      guard let frame else {
        throw EngineError(
          .illegalState, "the data frame that is to be written is not in the store",
          hint: "Make it with to_vineyard_dataframe in the same step")
      }
      self = .write(
        frame: frame, path: text(.fd), storageOptions: text(.storageOptions), writeOptions: text(.writeOptions))
    case .serializeGraph:
      guard case .vineyard(let info)? = graph?.info else {
        throw EngineError(
          .illegalState, "the graph that is to be saved is not in the store", hint: "Only property graphs can be saved")
      }
      self = .save(
        graph: info.objectID, path: text(.graphSerializationPath), storageOptions: text(.storageOptions))
    case .deserializeGraph:
      self = .load(path: text(.graphSerializationPath), storageOptions: text(.storageOptions))
    default: return nil
    }
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw EngineError(.invalidArgument, "the place that is to be read or written is missing")
    }
  }
}

/// A graph that was brought into the store, as the helper reports it.
struct StoredGraph: Equatable {
  /// Its number in the store.
  let objectID: Int64
  /// Types of original and internal ids, as they stand in C++.
  let oidType: String
  let vidType: String
  let hasLocalVertexMap: Bool
  let hasCompactEdges: Bool

  /// Reads the report. The class of the graph says what its library is compiled for:
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

  /// The operation by which the engine takes the graph over.
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
      .engineFailure, "what was loaded is not a graph that the engine knows", evidence: String(report.prefix(500)))
  }
}
