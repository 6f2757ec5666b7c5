import Engines
import Foundation
import GraphStore
import JSON

/// What a client wants to sample, from the handle and the configuration that it sent (contract "learning", section 2), and the
/// same two completed for the client.
struct LearningSelection {
  /// A split of the vertices of a label into sets.
  struct Split: Equatable {
    enum Use: String, CaseIterable { case train, test, val }
    var use: Use
    var label: Int
    var parts: UInt32
    var begin: UInt32
    var end: UInt32
  }

  /// A relation that may be sampled.
  struct Selected: Equatable {
    var label: Int
    var relation: Int
  }

  let schema: GraphSchema
  private(set) var handle: JSONValue
  private(set) var configuration: JSONValue
  /// The properties of each vertex label that are sent.
  private(set) var vertexProperties: [[Int]]
  private(set) var edgeProperties: [[Int]]
  private(set) var relations: [Selected] = []
  private(set) var splits: [Split] = []

  /// The name of the edges of a label against their direction.
  static func reversed(_ name: String) -> String { name + "_reverse" }

  /// Reads base64 of two JSON objects.
  /// - Throws: `EngineError` with code `invalidArgument`, naming what the graph does not have.
  init(_ schema: GraphSchema, handle: String, configuration: String) throws {
    self.schema = schema
    self.handle = try Self.object(handle, "handle")
    self.configuration = try Self.object(configuration, "configuration")
    vertexProperties = schema.vertexLabels.map { $0.properties.validIndices.filter(isSendable($0.properties)) }
    edgeProperties = schema.edgeLabels.map { $0.properties.validIndices.filter(isSendable($0.properties)) }
    try selectProperties()
    try selectRelations()
    try readSplits()
    complete()
  }

  /// Returns base64 of an object.
  static func encoded(_ value: JSONValue) -> String { Data(value.encoded.utf8).base64EncodedString() }

  private static func object(_ text: String, _ what: String) throws(EngineError) -> JSONValue {
    guard let data = Data(base64Encoded: text), let json = String(data: data, encoding: .utf8),
      let value = try? JSONValue(parsing: json), value.members != nil
    else { throw invalid("the \(what) of the learning instance is not base64 of a JSON object") }
    return value
  }

  // MARK: Properties

  private mutating func selectProperties() throws(EngineError) {
    for node in configuration["nodes"]?.elements ?? [] { _ = try vertexLabel(node.text ?? node.encoded) }
    for (name, names) in try Self.selections(configuration["node_attributes"]) {
      let label = try vertexLabel(name)
      vertexProperties[label] = try names.map {
        (name) throws(EngineError) in try property(name, schema.vertexLabels[label].properties, of: "vertices", label)
      }.sorted()
    }
    for (name, names) in try Self.selections(configuration["edge_attributes"]) {
      let label = try edgeLabel(name)
      edgeProperties[label] = try names.map {
        (name) throws(EngineError) in try property(name, schema.edgeLabels[label].properties, of: "edges", label)
      }.sorted()
    }
  }

  private static func selections(_ value: JSONValue?) throws(EngineError) -> [(String, [String])] {
    try (value?.members ?? []).map { (member) throws(EngineError) in
      guard let names = member.value.elements?.first?.elements?.map(\.text), names.allSatisfy({ $0 != nil }) else {
        throw invalid("the attributes of '\(member.key)' are not a list of names")
      }
      return (member.key, Array(Set(names.compactMap(\.self))))
    }
  }

  private func property(
    _ name: String, _ properties: [GraphSchema.Property], of what: String, _ label: Int
  ) throws(EngineError) -> Int {
    let label = what == "edges" ? schema.edgeLabels[label].name : schema.vertexLabels[label].name
    guard let index = properties.index(named: name) else {
      throw invalid(
        "the \(what) with label '\(label)' have no attribute '\(name)'",
        "They have: " + properties.filter(\.isValid).map(\.name).joined(separator: ", "))
    }
    guard isSendable(properties)(index) else {
      throw invalid(
        "the attribute '\(name)' of '\(label)' holds lists, which learning clients cannot receive",
        "Add a column for each element")
    }
    return index
  }

  // MARK: Labels

  private func vertexLabel(_ name: String) throws(EngineError) -> Int {
    if let label = schema.vertexLabel(named: name) { return label }
    let names = schema.validVertexLabels.map { schema.vertexLabels[$0].name }
    throw invalid("the graph has no vertices with label '\(name)'", "It has: " + names.joined(separator: ", "))
  }

  private func edgeLabel(_ name: String) throws(EngineError) -> Int {
    if let label = schema.edgeLabel(named: name) { return label }
    let names = schema.validEdgeLabels.map { schema.edgeLabels[$0].name }
    throw invalid("the graph has no edges with label '\(name)'", "It has: " + names.joined(separator: ", "))
  }

  private mutating func selectRelations() throws(EngineError) {
    if let edges = configuration["edges"]?.elements {
      for edge in edges {
        guard let ends = edge.elements?.map(\.text), ends.count == 3, let source = ends[0], let name = ends[1],
          let destination = ends[2]
        else { throw invalid("\(edge.encoded) is not a source label, an edge label and a destination label") }
        let label = try edgeLabel(name)
        let wanted = GraphSchema.Relation(source: try vertexLabel(source), destination: try vertexLabel(destination))
        guard let relation = schema.edgeLabels[label].relations.firstIndex(of: wanted) else {
          throw invalid("no edges with label '\(name)' lead from '\(source)' to '\(destination)'")
        }
        relations.append(Selected(label: label, relation: relation))
      }
    } else {
      for label in schema.validEdgeLabels {
        for (index, relation) in schema.edgeLabels[label].relations.enumerated() where schema.isValid(relation) {
          relations.append(Selected(label: label, relation: index))
        }
      }
    }
    for label in Set(relations.map(\.label)) where relations.count(where: { $0.label == label }) > 1 {
      let name = schema.edgeLabels[label].name
      throw invalid(
        "edges with label '\(name)' connect several pairs of vertex labels, and learning clients can sample one",
        "Name it: edges=[(source label, '\(name)', destination label)]")
    }
  }

  // MARK: Splits

  private mutating func readSplits() throws(EngineError) {
    for entry in configuration["gen_labels"]?.elements ?? [] {
      let parts = entry.elements ?? []
      guard parts.count == 4, let name = parts[0].text, let label = parts[1].text,
        let use = Split.Use(rawValue: name.lowercased()), case .integer(let count) = parts[2],
        let range = parts[3].elements, range.count == 2, case .integer(let begin) = range[0],
        case .integer(let end) = range[1]
      else {
        throw invalid(
          "gen_labels has the entry \(entry.encoded)",
          "An entry is ('train', 'val' or 'test', vertex label, number of parts, (begin, end))")
      }
      guard 1...Int64(Int32.max) ~= count, begin >= 0, begin < end, end <= count else {
        throw invalid(
          "the set '\(name)' of '\(label)' has the parts from \(begin) up to \(end) of \(count)",
          "Choose 0 <= begin < end <= number of parts")
      }
      let split = Split(
        use: use, label: try vertexLabel(label), parts: UInt32(count), begin: UInt32(begin), end: UInt32(end))
      if splits.contains(where: { $0.use == use && $0.label == split.label }) {
        throw invalid("gen_labels defines the set '\(name)' of '\(label)' twice")
      }
      splits.append(split)
    }
  }

  // MARK: The answer

  /// Completes the handle and the configuration: a socket, which must be a string; the numbers of attributes as they will be
  /// sent; and the relations against their direction.
  private mutating func complete() {
    handle["vineyard_socket"] = .string("")
    handle["client_count"] = .integer(1)
    handle["node_schema"] = .array(
      schema.validVertexLabels.map { label in
        let entry = schema.vertexLabels[label]
        let all = entry.properties.validIndices.filter(isSendable(entry.properties))
        return .string("\(entry.name):\(Self.columns(all, entry.properties))")
      })
    var edges: [JSONValue] = []
    for label in schema.validEdgeLabels {
      let entry = schema.edgeLabels[label]
      let columns = Self.columns(entry.properties.validIndices.filter(isSendable(entry.properties)), entry.properties)
      for relation in schema.shownRelations(of: entry) {
        let (source, destination) = (
          schema.vertexLabels[relation.source].name, schema.vertexLabels[relation.destination].name
        )
        edges.append(.string("\(source):\(entry.name):\(destination):\(columns)"))
        edges.append(.string("\(destination):\(Self.reversed(entry.name)):\(source):\(columns)"))
      }
    }
    handle["edge_schema"] = .array(edges)
    configuration["node_attributes"] = selections("node_attributes", isOfEdges: false)
    configuration["edge_attributes"] = selections("edge_attributes", isOfEdges: true)
    if let edges = configuration["edges"]?.elements {
      configuration["edges"] = .array(
        edges
          + edges.compactMap(\.elements).map { edge in
            .array([edge[2], .string(Self.reversed(edge[1].text ?? "")), edge[0]])
          })
    }
  }

  /// The selected attributes with their numbers, for edges also against their direction.
  private func selections(_ key: String, isOfEdges: Bool) -> JSONValue {
    var result: [(key: String, value: JSONValue)] = []
    for (name, selection) in configuration[key]?.members ?? [] {
      let label = isOfEdges ? schema.edgeLabel(named: name)! : schema.vertexLabel(named: name)!
      let properties = isOfEdges ? schema.edgeLabels[label].properties : schema.vertexLabels[label].properties
      let counts = Self.counts((isOfEdges ? edgeProperties : vertexProperties)[label], properties)
      let value = JSONValue.array([selection.elements![0], .array(counts.map { .integer(Int64($0)) })])
      result.append((name, value))
      if isOfEdges { result.append((Self.reversed(name), value)) }
    }
    return .object(result)
  }

  private static func columns(_ indices: [Int], _ properties: [GraphSchema.Property]) -> String {
    let counts = counts(indices, properties).map(String.init).joined(separator: ":")
    return "\(weight(properties) != nil):\(label(properties) != nil):\(counts)"
  }

  private static func counts(_ indices: [Int], _ properties: [GraphSchema.Property]) -> [Int] {
    let types = indices.map { properties[$0].type }
    return [
      types.count(where: \.isInteger), types.count { $0 == .float || $0 == .double }, types.count { $0 == .string },
    ]
  }

  /// The property that holds weights: numbers named `weight`.
  static func weight(_ properties: [GraphSchema.Property]) -> Int? {
    properties.index(named: "weight").flatMap { index in
      let type = properties[index].type
      return type.isInteger || type == .float || type == .double ? index : nil
    }
  }

  /// The property that holds labels of classes: integers named `label`.
  static func label(_ properties: [GraphSchema.Property]) -> Int? {
    properties.index(named: "label").flatMap { properties[$0].type.isInteger ? $0 : nil }
  }
}

/// Returns whether a property can be sent: learning clients receive numbers and strings.
private func isSendable(_ properties: [GraphSchema.Property]) -> (Int) -> Bool {
  { properties[$0].type.element == nil }
}

private func invalid(_ text: String, _ hint: String = "") -> EngineError {
  EngineError(.invalidArgument, text, hint: hint)
}

extension JSONValue {
  /// Sets a member of an object.
  fileprivate subscript(key: String) -> JSONValue? {
    get { members?.last { $0.key == key }?.value }
    set {
      var members = members ?? []
      let index = members.lastIndex { $0.key == key }
      switch (index, newValue) {
      case (let index?, let value?): members[index].value = value
      case (nil, let value?): members.append((key, value))
      case (let index?, nil): members.remove(at: index)
      case (nil, nil): break
      }
      self = .object(members)
    }
  }
}
