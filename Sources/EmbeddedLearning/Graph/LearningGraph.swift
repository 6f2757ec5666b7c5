import Engines
import GraphStore
import Workers

/// A graph as learning clients see it: the labels, relations and attributes that they selected.
final class LearningGraph: Sendable {
  /// The vertices of a label.
  let nodes: [String: NodeTable]
  /// The edges of a label, in the direction of the relation and against it.
  let relations: [String: EdgeRelation]
  /// The number of vertices or edges by label, and of the sets of training, test and validation, in the order of the schema.
  let statistics: [(name: String, count: Int)]
  private let masks: [String: Mask]

  /// A set of vertices of a label.
  private struct Mask: Sendable {
    let table: NodeTable
    let members: VertexList
  }

  /// Prepares a selection. Draws the sets of training, test and validation; everything else is made when it is first needed.
  /// - Throws: `StorageRefusal` when the account has no room for the sets.
  init(_ graph: PropertyGraph, _ selection: LearningSelection, _ storage: any StorageAccount) throws {
    let schema = selection.schema
    var tables: [Int: NodeTable] = [:]
    for label in schema.validVertexLabels {
      let properties = schema.vertexLabels[label].properties
      let column = { graph.vertexColumn(label: label, property: $0) }
      tables[label] = NodeTable(
        graph, label: label,
        attributes: Attributes(
          selected: selection.vertexProperties[label].map(column),
          weights: LearningSelection.weight(properties).map(column),
          labels: LearningSelection.label(properties).map(column)))
    }
    var relations: [String: EdgeRelation] = [:]
    var statistics: [(name: String, count: Int)] = []
    for selected in selection.relations {
      let label = schema.edgeLabels[selected.label]
      let ends = label.relations[selected.relation]
      let column = { graph.edgeColumn(label: selected.label, relation: selected.relation, property: $0) }
      let attributes = Attributes(
        selected: selection.edgeProperties[selected.label].map(column),
        weights: LearningSelection.weight(label.properties).map(column),
        labels: LearningSelection.label(label.properties).map(column))
      let outgoing = graph.outgoing(label: selected.label, relation: selected.relation)
      let incoming = graph.incoming(label: selected.label, relation: selected.relation)
      let (source, destination) = (tables[ends.source]!, tables[ends.destination]!)
      let relation = EdgeRelation(
        label.name, graph, from: source, to: destination, outgoing, opposite: incoming, attributes)
      let name = LearningSelection.reversed(label.name)
      relations[name] = EdgeRelation(
        name, graph, from: destination, to: source, incoming, opposite: outgoing, attributes)
      relations[label.name] = relation
      statistics.append((label.name, relation.count))
    }
    var masks: [String: Mask] = [:]
    for label in schema.validVertexLabels { statistics.append((tables[label]!.name, tables[label]!.count)) }
    for split in selection.splits {
      let table = tables[split.label]!
      let members = try VertexList(Self.members(split, of: table.count), storage)
      masks[split.use.prefix + table.name] = Mask(table: table, members: members)
      statistics.append((split.use.prefix + table.name, members.numbers.count))
    }
    (self.relations, self.masks, self.statistics) = (relations, masks, statistics)
    nodes = Dictionary(uniqueKeysWithValues: tables.values.map { ($0.name, $0) })
  }

  /// Draws a set: a vertex is a member if a number in `0...parts`, one more than there are parts, is in the set's range. Every set
  /// of a label is drawn from the same numbers, so sets with separate ranges have no vertex in common (contract "learning",
  /// section 5).
  static func members(_ split: LearningSelection.Split, of count: Int) -> [UInt32] {
    var random = MersenneTwister(seed: 0)
    var members: [UInt32] = []
    for vertex in 0..<count {
      if (split.begin..<split.end).contains(random.upTo(split.parts)) { members.append(UInt32(vertex)) }
    }
    return members
  }

  // MARK: Lookups

  /// Returns the vertices of a label.
  /// - Throws: `LearningError` with code NOT_FOUND.
  func table(_ name: String) throws(LearningError) -> NodeTable {
    if let table = nodes[name] { return table }
    throw LearningError(.notFound, "there is no node type '\(name)'")
  }

  /// Returns the edges of a label.
  /// - Throws: `LearningError` with code NOT_FOUND.
  func relation(_ name: String) throws(LearningError) -> EdgeRelation {
    if let relation = relations[name] { return relation }
    throw LearningError(.notFound, "there is no edge type '\(name)'")
  }

  /// Returns the vertices of a label or of one of its sets; `members` is nil for all vertices.
  func vertices(_ name: String) throws(LearningError) -> (table: NodeTable, members: VertexList?) {
    if let mask = masks[name] { return (mask.table, mask.members) }
    if name.hasPrefix("MASK*") { throw LearningError(.notFound, "gen_labels defines no set '\(name)'") }
    return (try table(name), nil)
  }
}

extension LearningSelection.Split.Use {
  /// What the client writes before the label.
  var prefix: String {
    switch self {
    case .train: "MASK*"
    case .test: "MASK**"
    case .val: "MASK***"
    }
  }
}
