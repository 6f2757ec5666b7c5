import Engines
import GraphStore

extension GraphSchema {
  /// Returns this schema with only the named labels and properties visible; nil keeps all that are visible.
  /// - Throws: `EngineError` of code `unknownName` for a label or property that does not exist, and `invalidValue` for one that
  ///   is hidden, or for an edge label without a relation between the labels; with the messages that clients expect.
  func projected(
    vertices: [String: [String]?], edges: [String: [String]?]
  ) throws(EngineError) -> GraphSchema {
    var result = self
    for label in vertexLabels.indices { result.vertexLabels[label].isValid = false }
    for label in edgeLabels.indices { result.edgeLabels[label].isValid = false }
    for (name, properties) in vertices.sorted(by: { $0.key < $1.key }) {
      let label = try visibleVertexLabel(named: name)
      result.vertexLabels[label].isValid = true
      result.vertexLabels[label].properties = try vertexLabels[label].properties.keeping(properties)
    }
    for (name, properties) in edges.sorted(by: { $0.key < $1.key }) {
      let label = try visibleEdgeLabel(named: name)
      result.edgeLabels[label].isValid = true
      result.edgeLabels[label].properties = try edgeLabels[label].properties.keeping(properties)
      guard edgeLabels[label].relations.contains(where: result.isValid) else {
        throw EngineError(.invalidValue, "Cannot find a valid relation in given vertices and edges")
      }
    }
    return result
  }
}

extension GraphSchema {
  /// Returns this schema, which extends `base`, with everything hidden that `base` hides.
  func hiding(what base: GraphSchema) -> GraphSchema {
    var result = self
    for (label, known) in base.vertexLabels.enumerated() {
      result.vertexLabels[label].isValid = known.isValid
      for (index, property) in known.properties.enumerated() {
        result.vertexLabels[label].properties[index].isValid = property.isValid
      }
    }
    for (label, known) in base.edgeLabels.enumerated() {
      result.edgeLabels[label].isValid = known.isValid
      for (index, property) in known.properties.enumerated() {
        result.edgeLabels[label].properties[index].isValid = property.isValid
      }
    }
    return result
  }
}

extension [GraphSchema.Property] {
  /// Returns the properties with only the named ones visible; nil keeps all that are visible.
  fileprivate func keeping(_ names: [String]?) throws(EngineError) -> [GraphSchema.Property] {
    guard let names else { return self }
    var result = self
    for index in indices { result[index].isValid = false }
    for name in names {
      result[try visibleIndex(named: name)].isValid = true
    }
    return result
  }
}

extension [GraphSchema.Property] {
  /// Returns the index of the property with a name.
  /// - Throws: `EngineError` of code `unknownName` if there is none, and `invalidValue` if a projection hides it; with the
  ///   messages that clients expect.
  func visibleIndex(named name: String) throws(EngineError) -> Int {
    if let index = index(named: name) { return index }
    throw contains { $0.name == name }
      ? EngineError(.invalidValue, "\(name) not exist in properties") : EngineError(.unknownName, name)
  }
}

extension GraphSchema {
  /// Returns the vertex label with a name.
  /// - Throws: `EngineError` of code `unknownName` if there is none, and `invalidValue` if a projection hides it; with the
  ///   messages that clients expect.
  func visibleVertexLabel(named name: String) throws(EngineError) -> Int {
    if let label = vertexLabel(named: name) { return label }
    throw vertexLabels.contains { $0.name == name } ? .hiddenLabel("Vertex", name) : .unknownLabel(name)
  }

  /// Returns the edge label with a name; throws the errors of `visibleVertexLabel(named:)`.
  func visibleEdgeLabel(named name: String) throws(EngineError) -> Int {
    if let label = edgeLabel(named: name) { return label }
    throw edgeLabels.contains { $0.name == name } ? .hiddenLabel("Edge", name) : .unknownLabel(name)
  }
}

extension EngineError {
  /// The error for a label that does not exist, with the message that clients expect.
  static func unknownLabel(_ name: String) -> EngineError { EngineError(.unknownName, "\(name) not exists.") }

  /// The error for a label hidden by a projection, with the message that clients expect.
  fileprivate static func hiddenLabel(_ kind: String, _ name: String) -> EngineError {
    EngineError(.invalidValue, "\(kind) \(name) not exists in graph")
  }
}

/// The labels and the property of each that make up a graph on which algorithms run.
struct SimpleProjection {
  let vertexLabels: [Int]
  let edgeLabels: [Int]
  /// The ids of the selected properties, parallel to the lists of labels; nil for none.
  let vertexProperties: [Int]?
  let edgeProperties: [Int]?
  /// The types of the selected properties.
  let vertexData: ColumnType?
  let edgeData: ColumnType?

  /// Whether it shows a property graph to an algorithm: all labels of vertices with all properties.
  let isWhole: Bool

  /// Whether there is a single label of each kind.
  var isSingle: Bool { vertexLabels.count == 1 && edgeLabels.count == 1 && !isWhole }

  /// Selects all visible labels of vertices, and the first visible label of edges with its first property, if that is numeric.
  /// - Throws: `EngineError` with the messages that clients expect.
  init(whole schema: GraphSchema, generatesEdgeIDs: Bool) throws(EngineError) {
    isWhole = true
    vertexLabels = schema.validVertexLabels
    edgeLabels = Array(schema.validEdgeLabels.prefix(1))
    guard !vertexLabels.isEmpty else { throw Self.nothing("vertex") }
    guard let edge = edgeLabels.first else { throw Self.nothing("edge") }
    (vertexProperties, vertexData) = (nil, nil)
    let properties = schema.edgeLabels[edge].properties
    // Generated ids come first, and are no weights.
    let ownProperties = properties.validIndices.filter { $0 > 0 || !generatesEdgeIDs }
    let weight = ownProperties.first.flatMap { properties[$0].type.isNumeric ? $0 : nil }
    edgeProperties = weight.map { [$0] }
    edgeData = weight.map { properties[$0].type }
  }

  /// Selects the visible labels of a schema and the named properties. Without a name, selects the only visible property of a
  /// single label.
  /// - Throws: `EngineError` with the messages that clients expect.
  init(_ schema: GraphSchema, vertexProperty: String?, edgeProperty: String?) throws(EngineError) {
    isWhole = false
    vertexLabels = schema.validVertexLabels
    edgeLabels = schema.validEdgeLabels
    guard !vertexLabels.isEmpty else { throw Self.nothing("vertex") }
    guard !edgeLabels.isEmpty else { throw Self.nothing("edge") }
    let isSingle = vertexLabels.count == 1 && edgeLabels.count == 1
    if isSingle {
      let (vertex, edge) = (vertexLabels[0], edgeLabels[0])
      guard schema.edgeLabels[edge].relations.contains(.init(source: vertex, destination: vertex)) else {
        let (v, e) = (schema.vertexLabels[vertex].name, schema.edgeLabels[edge].name)
        throw EngineError(
          .invalidArgument, "Cannot project to simple, Graph doesn't contain such relationship: \(v) -> \(e) <- \(v).")
      }
    }
    let vertices = vertexLabels.map { schema.vertexLabels[$0].properties }
    let edges = edgeLabels.map { schema.edgeLabels[$0].properties }
    (vertexProperties, vertexData) = try Self.choose(vertexProperty, of: vertices, "vertex", isSingle: isSingle)
    (edgeProperties, edgeData) = try Self.choose(edgeProperty, of: edges, "edge", isSingle: isSingle)
  }

  private static func nothing(_ kind: String) -> EngineError {
    EngineError(.runtimeFailure, "Failed to project to simple graph as no \(kind) exists in this graph.")
  }

  private static func lists(_ name: String, _ kind: String) -> EngineError {
    EngineError(
      .unimplemented, "property \(name) of the \(kind) labels holds lists, which no algorithm uses",
      hint: "Project a property of numbers or texts")
  }

  private static func choose(
    _ name: String?, of labels: [[GraphSchema.Property]], _ kind: String, isSingle: Bool
  ) throws(EngineError) -> ([Int]?, ColumnType?) {
    guard let name else {
      guard isSingle, let properties = labels.first, properties.validIndices.count == 1 else { return (nil, nil) }
      let only = properties.validIndices[0]
      guard properties[only].type.element == nil else { return (nil, nil) }
      return ([only], properties[only].type)
    }
    var chosen: [Int] = []
    for properties in labels {
      guard let index = properties.index(named: name) else {
        throw EngineError(.runtimeFailure, "Property \(name) doesn't exists in all \(kind) labels")
      }
      chosen.append(index)
    }
    let types = zip(labels, chosen).map { $0[$1].type }
    guard Set(types).count == 1 else {
      throw EngineError(
        .runtimeFailure, "Property \(name) has different types in the \(kind) labels",
        evidence: types.map(\.rawValue).joined(separator: ", "), hint: "Project labels in which it has one type")
    }
    guard types[0].element == nil else { throw Self.lists(name, kind) }
    return (chosen, types[0])
  }
}

extension ColumnType {
  /// Whether algorithms can use the values as numbers.
  fileprivate var isNumeric: Bool {
    switch self {
    case .int32, .int64, .uint32, .uint64, .float, .double: true
    case .string, .date32, .timestampMilliseconds, .int32List, .int64List, .floatList, .doubleList: false
    }
  }
}
