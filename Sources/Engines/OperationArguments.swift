import GraphStore
import JSON
import Vocabulary

/// Reads values from the arguments of an operation. Throws an error that names an argument that is missing or of a wrong type.
struct Arguments {
  let values: [ParamKey: AttributeValue]
  let of: OperationType

  init(values: [ParamKey: AttributeValue], of type: OperationType) { (self.values, of) = (values, type) }

  func integer(_ key: ParamKey) -> Int64? { values[key]?.integer }

  func flag(_ key: ParamKey) -> Bool? { values[key]?.boolean }

  func optionalText(_ key: ParamKey) throws(EngineError) -> String? {
    guard let value = values[key], value != .unset, value != .null else { return nil }
    guard let text = value.text else { throw invalid("\(key) must be a string") }
    return text
  }

  func text(_ key: ParamKey) throws(EngineError) -> String {
    guard let text = try optionalText(key) else { throw invalid("\(key) is missing") }
    return text
  }

  func document(_ key: ParamKey) throws(EngineError) -> JSONValue? {
    guard let text = try optionalText(key), !text.isEmpty else { return nil }
    do { return try JSONValue(parsing: text) } catch { throw invalid("\(key) cannot be read: \(error)") }
  }

  func invalid(_ message: String, hint: String = "") -> EngineError {
    EngineError(.invalidArgument, "\(of.traits.name): \(message)", hint: hint)
  }
}

extension Operation {
  private var reader: Arguments { Arguments(values: arguments, of: type) }

  // MARK: Single values

  /// Returns a text argument; nil when it is missing.
  /// - Throws: `EngineError` when it is not text.
  public func optionalText(_ key: ParamKey) throws(EngineError) -> String? { try reader.optionalText(key) }

  /// Returns a text argument.
  /// - Throws: `EngineError` when it is missing or not text.
  public func text(_ key: ParamKey) throws(EngineError) -> String { try reader.text(key) }

  // MARK: Graphs

  /// Where `CREATE_GRAPH` takes its graph from.
  public enum GraphOrigin: Sendable {
    /// Tables; the graph is empty if there are none.
    case tables
    /// Nothing: a new graph of the client's networkx library, or of another mutable kind.
    case mutable
    /// An object store.
    case store
    /// Files in GraphAr's format.
    case archive
  }

  /// Where a new graph comes from; nil for all operations other than `CREATE_GRAPH`.
  public var graphOrigin: GraphOrigin? {
    guard type == .createGraph else { return nil }
    if let type = reader.integer(.graphType), type != Int64(GraphType.arrowProperty.rawValue) { return .mutable }
    if reader.flag(.isFromVineyardID) == true { return .store }
    return reader.flag(.isFromGar) == true ? .archive : .tables
  }

  /// Returns the options of a new graph: direction, type of vertex ids, and what is kept.
  /// - Throws: `EngineError` for an unknown type of vertex ids.
  public func graphOptions() throws(EngineError) -> GraphOptions {
    GraphOptions(
      isDirected: reader.flag(.directed) ?? true, idType: try idType(),
      generatesEdgeIDs: reader.flag(.generateEid) ?? true, retainsIDs: reader.flag(.retainOid) ?? true)
  }

  private func idType() throws(EngineError) -> GraphOptions.IDType {
    switch try optionalText(.oidType) ?? "int64_t" {
    case "int64_t", "int64": return .int64
    case "int32_t", "int32": return .int32
    case "std::string", "string": return .string
    case let other:
      throw reader.invalid(
        "OID_TYPE is '\(other)', which is not a supported type of vertex ids", hint: "Use int64_t, int32_t or string")
    }
  }

  /// Returns the layout that the client expects a new graph to report.
  /// - Throws: `EngineError` for an unknown type of vertex numbers.
  public func graphLayout() throws(EngineError) -> GraphLayout {
    let numbers = try optionalText(.vidType) ?? "uint64_t"
    guard ["uint64_t", "uint32_t"].contains(numbers) else {
      throw reader.invalid(
        "VID_TYPE is '\(numbers)', which is not a supported type of vertex numbers",
        hint: "Use uint64_t or uint32_t")
    }
    return GraphLayout(
      hasWideVertexNumbers: numbers == "uint64_t", compactEdges: reader.flag(.compactEdges) ?? false,
      usePerfectHash: reader.flag(.usePerfectHash) ?? false)
  }

  /// Returns what new tables do with existing labels.
  /// - Throws: `EngineError` for a number without a meaning.
  public func graphExtension() throws(EngineError) -> GraphExtension {
    switch reader.integer(.extendLabelData) ?? 0 {
    case 0: return .newLabels
    case 1: return .extendVertexLabel
    case 2: return .extendEdgeLabel
    case let other: throw reader.invalid("EXTEND_LABEL_DATA has the unknown value \(other)")
    }
  }

  /// Returns the selected labels with their selected properties; nil stands for all properties.
  /// - Throws: `EngineError` when the argument is missing or not an object of lists.
  public func collections(_ key: ParamKey) throws(EngineError) -> [String: [String]?] {
    guard let members = documents[key]?.members else { throw reader.invalid("\(key) is not a JSON object") }
    var result: [String: [String]?] = [:]
    for (label, value) in members {
      switch value {
      case .null: result[label] = .some(nil)
      case .array(let names):
        let texts = names.compactMap(\.text)
        guard texts.count == names.count else { throw reader.invalid("\(key) contains an element that is not a name") }
        result[label] = .some(texts)
      default: throw reader.invalid("\(key) contains neither a list nor null for '\(label)'")
      }
    }
    return result
  }

  /// Returns the name of a property; nil for none, which the client writes as `None`.
  /// - Throws: `EngineError` when it is not text.
  public func property(_ key: ParamKey) throws(EngineError) -> String? {
    let name = try optionalText(key)
    return name == "None" ? nil : name
  }

  // MARK: Algorithms

  /// Returns the name of an algorithm and the client's own code for it, if any.
  /// - Throws: `EngineError` when the name is missing.
  public func algorithm() throws(EngineError) -> (name: String, archive: [UInt8]) {
    let archive: [UInt8] = if case .bytes(let bytes) = arguments[.gar] { bytes } else { [] }
    return (try text(.appAlgo), archive)
  }

  /// The positional arguments of an algorithm.
  public var queryValues: [QueryValue] { (query ?? []).map { QueryValue($0) } }

  // MARK: Exports

  /// Returns the selector of what to read; empty if the client sends none.
  /// - Throws: `EngineError` when it is not text.
  public func selector() throws(EngineError) -> String { try optionalText(.selector) ?? "" }

  /// Returns the columns of a data frame, in the client's order.
  /// - Throws: `EngineError` when they are missing or not an object of texts.
  public func frameColumns() throws(EngineError) -> [FrameColumn] {
    guard let members = documents[.selector]?.members else {
      throw reader.invalid("SELECTOR is not a JSON object", hint: "Pass a dict of column names to selectors")
    }
    var columns: [FrameColumn] = []
    for (name, selector) in members {
      guard let selector = selector.text else { throw reader.invalid("the selector of '\(name)' must be a string") }
      columns.append(FrameColumn(name: name, selector: selector))
    }
    return columns
  }

  /// Returns the range of vertices whose rows to read; nil for all.
  /// - Throws: `EngineError` when it is not an object, or a bound is neither an integer nor a text.
  public func vertexRange() throws(EngineError) -> VertexRange? {
    guard let document = documents[.vertexRange], document != .null else { return nil }
    guard document.members != nil else { throw reader.invalid("VERTEX_RANGE is not a JSON object") }
    return VertexRange(begin: try bound(document["begin"]), end: try bound(document["end"]))
  }

  private func bound(_ value: JSONValue?) throws(EngineError) -> RangeBound? {
    switch value {
    case nil, .null: return nil
    case .integer(let value): return .integer(value)
    case .string(let value): return .string(value)
    default: throw reader.invalid("a bound of the vertex range must be an integer or a string")
    }
  }
}
