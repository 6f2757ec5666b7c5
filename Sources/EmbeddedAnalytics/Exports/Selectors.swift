import AnalyticsKernels
import Engines
import GraphStore

/// A part of a result that a client requests: ids, data or label ids of its vertices, or values. The valid selectors depend on
/// the kind of the result (contract "client-behaviour", 7).
enum ResultSelector {
  /// The ids of the vertices of all labels, or of one.
  case ids(SimpleGraph.Segment?)
  /// The property of the vertices of all labels, or of one.
  case data(SimpleGraph.Segment?)
  /// A property of the vertices of one label of a property graph.
  case property(Column, SimpleGraph.Segment)
  case labelIDs
  case values(ResultColumn)

  /// Parses a selector.
  /// - Throws: `EngineError` of code `invalidSyntax`, with the message that clients expect, for an invalid selector, and of code
  ///   `unknownName` for a label or column that does not exist.
  init(_ text: String, of result: AlgorithmResult, on graph: SimpleView) throws(EngineError) {
    switch result {
    case .tensor(let values, _): self = .values(ResultColumn(values))
    case .vertexData(let values), .dynamicVertexData(let values):
      if text == "r" { self = .values(ResultColumn(values)) } else { self = try Self.vertices(text, graph) }
    case .pathLengths:
      guard text != "r" else {
        throw EngineError(
          .notApplicable, "this result has several values per vertex", hint: "Read it as a mapping: result[node]")
      }
      self = try Self.vertices(text, graph)
    case .vertexProperties(let columns):
      guard text.hasPrefix("r.") else {
        self = try Self.vertices(text, graph)
        return
      }
      self = .values(try Self.column(String(text.dropFirst(2)), in: columns))
    case .labeledVertexData(let columns):
      self = try Self.labeled(text, graph, end: "") { label throws(EngineError) in
        try Self.column("", in: columns, label)
      }
    case .labeledVertexProperties(let columns):
      self = try Self.labeled(text, graph, end: ".") { label throws(EngineError) in
        try Self.column(String(text.dropFirst(3 + label.label.count)), in: columns, label)
      }
    }
  }

  /// Parses `v.id`, `v.data` and, for graphs with several labels, `v.label_id`.
  private static func vertices(_ text: String, _ graph: SimpleView) throws(EngineError) -> ResultSelector {
    switch text {
    case "v.id": return .ids(nil)
    case "v.data": return .data(nil)
    case "v.label_id" where graph.description.isFlattened: return .labelIDs
    default: throw .invalidSelector(text)
    }
  }

  /// Parses `v:<label>.id`, `v:<label>.<property>`, and `r:<label>` followed by `end`.
  private static func labeled(
    _ text: String, _ graph: SimpleView, end: String,
    _ column: (SimpleGraph.Segment) throws(EngineError) -> ResultColumn
  ) throws(EngineError) -> ResultSelector {
    let isResult = text.hasPrefix("r:")
    let end = isResult ? end : "."
    guard isResult || text.hasPrefix("v:"), text.contains(end) || end.isEmpty else { throw .invalidSelector(text) }
    // Names of labels may contain dots.
    let rest = text.dropFirst(2)
    let labels = graph.graph.segments
    guard
      let found = end.isEmpty
        ? labels.first(where: { $0.label == rest }) : labels.first(where: { rest.hasPrefix($0.label + end) })
    else { throw .unknownLabel(String(rest.prefix { $0 != "." })) }
    if isResult { return .values(try column(found)) }
    let property = String(rest.dropFirst(found.label.count + 1))
    guard property != "id" else { return .ids(found) }
    if let column = found.properties.first(where: { $0.name == property }) { return .property(column, found) }
    guard found.data?.name == property else { throw .unknownColumn(property) }
    return .data(found)
  }

  private static func column(
    _ name: String, in columns: [ResultColumn], _ label: SimpleGraph.Segment? = nil
  ) throws(EngineError) -> ResultColumn {
    guard let column = columns.first(where: { $0.name == name && $0.labelID == label?.labelID }) else {
      throw .unknownColumn(name.isEmpty ? label?.label ?? "" : name)
    }
    return column
  }
}

/// A part of a property graph that a client requests: the ids or a property of the vertices of a label.
struct GraphSelector {
  let label: Int
  /// nil for the ids.
  let property: Int?

  /// Parses `v:<label>.id` and `v:<label>.<property>`.
  /// - Throws: `EngineError` with the messages that clients expect: `invalidSyntax`, `unknownName` for a label or property that
  ///   does not exist, `invalidValue` for one that a projection hides.
  init(_ text: String, _ schema: GraphSchema) throws(EngineError) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, parts[0] == "v" || parts[0] == "e", let dot = Self.separator(in: parts[1], schema) else {
      throw .invalidSelector(text)
    }
    let (name, propertyName) = (String(parts[1][..<dot]), String(parts[1][parts[1].index(after: dot)...]))
    // The native engine looks up edge labels among those of vertices; clients expect the resulting error.
    guard parts[0] == "v" else { throw .unknownLabel(name) }
    label = try schema.visibleVertexLabel(named: name)
    guard propertyName != "id" else {
      property = nil
      return
    }
    property = try schema.vertexLabels[label].properties.visibleIndex(named: propertyName)
  }

  /// Finds the dot between label and property: the first one after an existing label, because names may contain dots.
  private static func separator(in text: Substring, _ schema: GraphSchema) -> Substring.Index? {
    let dots = text.indices.filter { text[$0] == "." }
    return dots.first { dot in schema.vertexLabels.contains { $0.name == text[..<dot] } } ?? dots.first
  }
}

extension EngineError {
  /// Makes the error for a column that a result does not have.
  fileprivate static func unknownColumn(_ name: String) -> EngineError {
    EngineError(
      .unknownName, "the result has no column '\(name)'",
      hint: "Inspect the result with `ret.schema` and choose one of its columns")
  }

  /// Makes the error for an invalid selector, with the message that clients expect.
  static func invalidSelector(_ selector: String) -> EngineError {
    EngineError(
      .invalidSyntax,
      "Invalid selector: `\(selector)`. Please inspect the result with `ret.schema` and choose a valid selector.")
  }
}
