import Engines
import GraphStore

extension GraphSchema {
  /// The same schema with only the named labels and properties visible; nil means all that are visible now.
  /// - Throws: `EngineError` of code `unknownName` for a label that is not visible or a property that does not exist, and
  ///   `invalidValue` for a property that is hidden or an edge label none of whose relations has both ends among the
  ///   labels, with the texts that clients know.
  func projected(
    vertices: [String: [String]?], edges: [String: [String]?]
  ) throws(EngineError) -> GraphSchema {
    var result = self
    for label in vertexLabels.indices { result.vertexLabels[label].isValid = false }
    for label in edgeLabels.indices { result.edgeLabels[label].isValid = false }
    for (name, properties) in vertices.sorted(by: { $0.key < $1.key }) {
      guard let label = vertexLabel(named: name) else { throw .unknownLabel(name) }
      result.vertexLabels[label].isValid = true
      result.vertexLabels[label].properties = try vertexLabels[label].properties.keeping(properties)
    }
    for (name, properties) in edges.sorted(by: { $0.key < $1.key }) {
      guard let label = edgeLabel(named: name) else { throw .unknownLabel(name) }
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
  /// This schema, which extends another, with what the other one hides hidden too.
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
  /// The properties with only the named ones visible; nil means all that are visible now.
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
  /// The property of that name.
  /// - Throws: `EngineError` of code `unknownName` when there is none, and `invalidValue` when a projection hides it, with
  ///   the texts that clients know.
  func visibleIndex(named name: String) throws(EngineError) -> Int {
    if let index = index(named: name) { return index }
    throw contains { $0.name == name }
      ? EngineError(.invalidValue, "\(name) not exist in properties") : EngineError(.unknownName, name)
  }
}

extension EngineError {
  /// The client's text for a label that is not there.
  static func unknownLabel(_ name: String) -> EngineError { EngineError(.unknownName, "\(name) not exists.") }
}

/// What a graph that algorithms run on is made of: labels, and the property of each that was chosen.
struct SimpleProjection {
  let vertexLabels: [Int]
  let edgeLabels: [Int]
  /// Ids of the chosen properties, by position in the lists of labels; nil for none.
  let vertexProperties: [Int]?
  let edgeProperties: [Int]?
  /// The types of the chosen properties.
  let vertexData: ColumnType?
  let edgeData: ColumnType?

  /// Whether there is one label of each kind.
  var isSingle: Bool { vertexLabels.count == 1 && edgeLabels.count == 1 }

  /// Chooses the visible labels of a schema and the named properties. Without a name, a single label's only visible
  /// property is chosen.
  /// - Throws: `EngineError` with the texts that clients know.
  init(_ schema: GraphSchema, vertexProperty: String?, edgeProperty: String?) throws(EngineError) {
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

  private static func choose(
    _ name: String?, of labels: [[GraphSchema.Property]], _ kind: String, isSingle: Bool
  ) throws(EngineError) -> ([Int]?, ColumnType?) {
    guard let name else {
      guard isSingle, let properties = labels.first, properties.validIndices.count == 1 else { return (nil, nil) }
      let only = properties.validIndices[0]
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
    return (chosen, types[0])
  }
}
