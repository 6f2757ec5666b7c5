import Coordinator
import Engines
import GraphStore
import Wire

/// Turns the client's operations into typed ones. The attributes are those the 0.29 client sends; what is missing or of
/// the wrong type is an error that names it.
struct OperationDecoder {
  private let operation: OpDef

  init(_ operation: OpDef) { self.operation = operation }

  /// The operation with its parents. `tables` are those of a data source, already received.
  func step(tables: [TableSource]) throws(EngineError) -> StepOperation {
    let action: StepOperation.Action
    if operation.op == .dataSource {
      action = .source(tables)
    } else {
      action = .analytical(try analytical())
    }
    return StepOperation(key: operation.key, parents: operation.parents, action: action)
  }

  private func analytical() throws(EngineError) -> AnalyticalOperation {
    switch operation.op {
    case .createGraph: try createGraph()
    case .addLabels: .addLabels(try graphExtension())
    case .projectGraph:
      .project(vertices: try collections(.vertexCollections), edges: try collections(.edgeCollections))
    case .projectToSimple:
      .projectToSimple(vertexProperty: try property(.vPropKey), edgeProperty: try property(.ePropKey))
    case .createApp: .createApplication(algorithm: try text(.appAlgo), archive: bytes(.gar))
    case .bindApp: .bindApplication
    case .runApp: .runApplication(try arguments())
    case .unloadApp, .unloadGraph, .unloadContext: .unload
    case .contextToNumpy, .graphToNumpy:
      .exportArray(selector: try optionalText(.selector) ?? "", range: try vertexRange())
    case .contextToDataframe, .graphToDataframe: .exportFrame(columns: try frameColumns(), range: try vertexRange())
    default: .other(name: clientName(operation.op))
    }
  }

  // MARK: Graphs

  private func createGraph() throws(EngineError) -> AnalyticalOperation {
    if let type = integer(.graphType), type != Int64(GraphType.arrowProperty.rawValue) {
      return .other(name: "CREATE_GRAPH of a networkx graph")
    }
    if boolean(.isFromVineyardID) == true { return .other(name: "CREATE_GRAPH from an object store") }
    if boolean(.isFromGar) == true { return .other(name: "CREATE_GRAPH from a GraphAr archive") }
    let options = GraphOptions(
      isDirected: boolean(.directed) ?? true, idType: try idType(), generatesEdgeIDs: boolean(.generateEid) ?? true,
      retainsIDs: boolean(.retainOid) ?? true)
    let vertexNumbers = try optionalText(.vidType) ?? "uint64_t"
    guard ["uint64_t", "uint32_t"].contains(vertexNumbers) else {
      throw invalid("VID_TYPE is '\(vertexNumbers)'", hint: "Use uint64_t or uint32_t")
    }
    let layout = GraphLayout(
      hasWideVertexNumbers: vertexNumbers == "uint64_t", compactEdges: boolean(.compactEdges) ?? false,
      usePerfectHash: boolean(.usePerfectHash) ?? false)
    return .createGraph(options, layout)
  }

  private func idType() throws(EngineError) -> GraphOptions.IDType {
    switch try optionalText(.oidType) ?? "int64_t" {
    case "int64_t", "int64": return .int64
    case "int32_t", "int32": return .int32
    case "std::string", "string": return .string
    case let other: throw invalid("OID_TYPE is '\(other)'", hint: "Use int64_t, int32_t or string")
    }
  }

  private func graphExtension() throws(EngineError) -> GraphExtension {
    switch integer(.extendLabelData) ?? 0 {
    case 0: return .newLabels
    case 1: return .extendVertexLabel
    case 2: return .extendEdgeLabel
    case let other: throw invalid("EXTEND_LABEL_DATA is \(other), which stands for nothing", hint: "")
    }
  }

  /// `{label: [properties] | null}`.
  private func collections(_ key: ParamKey) throws(EngineError) -> [String: [String]?] {
    guard let members = try json(key)?.members else { throw invalid("\(key) is not a JSON object", hint: "") }
    var result: [String: [String]?] = [:]
    for (label, value) in members {
      switch value {
      case .null: result[label] = .some(nil)
      case .array(let names):
        let texts = names.compactMap(\.text)
        guard texts.count == names.count else { throw invalid("\(key) lists something else than names", hint: "") }
        result[label] = .some(texts)
      default: throw invalid("\(key) holds neither a list nor null for '\(label)'", hint: "")
      }
    }
    return result
  }

  /// A property's name; the client writes `None` for none.
  private func property(_ key: ParamKey) throws(EngineError) -> String? {
    let name = try optionalText(key)
    return name == "None" ? nil : name
  }

  // MARK: Applications

  private func arguments() throws(EngineError) -> [QueryValue] {
    (operation.queryArguments ?? []).map { argument in
      switch argument {
      case .bool(let value): .bool(value)
      case .int64(let value): .integer(value)
      case .int32(let value): .integer(Int64(value))
      case .uint32(let value): .integer(Int64(value))
      case .uint64(let value): Int64(exactly: value).map { .integer($0) } ?? .double(Double(value))
      case .double(let value): .double(value)
      case .float(let value): .double(Double(value))
      case .string(let value): .string(value)
      case .bytes(let value): .bytes(value)
      }
    }
  }

  // MARK: Exports

  private func frameColumns() throws(EngineError) -> [FrameColumn] {
    guard let members = try json(.selector)?.members else {
      throw invalid("SELECTOR is not a JSON object", hint: "Pass a dict of column names to selectors")
    }
    var columns: [FrameColumn] = []
    for (name, selector) in members {
      guard let selector = selector.text else { throw invalid("the selector of '\(name)' is not text", hint: "") }
      columns.append(FrameColumn(name: name, selector: selector))
    }
    return columns
  }

  private func vertexRange() throws(EngineError) -> VertexRange? {
    guard let json = try json(.vertexRange), json != .null else { return nil }
    guard json.members != nil else { throw invalid("VERTEX_RANGE is not a JSON object", hint: "") }
    return VertexRange(begin: try bound(json["begin"]), end: try bound(json["end"]))
  }

  private func bound(_ value: JSONValue?) throws(EngineError) -> RangeBound? {
    switch value {
    case nil, .null: return nil
    case .integer(let value): return .integer(value)
    case .string(let value): return .string(value)
    default: throw invalid("a bound of the vertex range is neither an integer nor a text", hint: "")
    }
  }

  // MARK: Attributes

  private func integer(_ key: ParamKey) -> Int64? { operation.attributes[key]?.integer }

  private func boolean(_ key: ParamKey) -> Bool? { operation.attributes[key]?.boolean }

  private func bytes(_ key: ParamKey) -> [UInt8] {
    if case .bytes(let bytes) = operation.attributes[key] { bytes } else { [] }
  }

  private func optionalText(_ key: ParamKey) throws(EngineError) -> String? {
    guard let value = operation.attributes[key], value != .unset, value != .null else { return nil }
    guard let text = value.text else { throw invalid("\(key) is not text", hint: "") }
    return text
  }

  private func text(_ key: ParamKey) throws(EngineError) -> String {
    guard let text = try optionalText(key) else { throw invalid("\(key) is missing", hint: "") }
    return text
  }

  private func json(_ key: ParamKey) throws(EngineError) -> JSONValue? {
    guard let text = try optionalText(key), !text.isEmpty else { return nil }
    do { return try JSONValue(parsing: text) } catch {
      throw invalid("\(key) cannot be read: \(error)", hint: "")
    }
  }

  private func invalid(_ message: String, hint: String) -> EngineError {
    EngineError(.invalidArgument, "\(clientName(operation.op)): \(message)", hint: hint)
  }
}

/// The protocol's own spelling of an operation: `addLabels` is `ADD_LABELS`.
func clientName(_ operation: OperationType) -> String {
  String(describing: operation).map { $0.isUppercase ? "_\($0)" : $0.uppercased() }.joined()
}
