import GraphStore
import TestSupport

/// A naive model of a graph, which grows at random in steps. The store must agree with it.
struct GraphModel {
  struct Vertex {
    var id: Int64
    var number: Int64
    var note: String
  }

  struct Edge {
    var source: Int64
    var destination: Int64
    var weight: Double
    /// The number within the label.
    var number: Int
  }

  struct VertexTable: Sendable {
    var label: String
    var ids: [Int64]
    var numbers: [Int64]
    var notes: [String]
  }

  struct EdgeTable: Sendable {
    var label: String
    var source: String
    var destination: String
    var sources: [Int64]
    var destinations: [Int64]
    var weights: [Double]
  }

  /// Tables that are added in one step.
  struct Step: Sendable {
    var vertices: [VertexTable] = []
    var edges: [EdgeTable] = []
  }

  let options: GraphOptions
  private var random = SplitMix(seed: 0)
  private let idSpace: [Int64]
  private var steps = 0
  private(set) var labels: [String] = []
  private(set) var vertices: [String: [Vertex]] = [:]
  private(set) var given: Set<String> = []
  private(set) var edgeLabels: [String] = []
  private(set) var relations: [String: [(source: String, destination: String)]] = [:]
  /// By edge label, then by relation.
  private(set) var edges: [String: [[Edge]]] = [:]

  init(seed: UInt64) {
    var random = SplitMix(seed: seed)
    defer { self.random = random }
    let idType = [GraphOptions.IDType.int64, .int32, .string][Int.random(in: 0..<3, using: &random)]
    options = GraphOptions(
      isDirected: .random(using: &random), idType: idType, generatesEdgeIDs: .random(using: &random),
      retainsIDs: .random(using: &random))
    // Ids that count up, from a small range, and from anywhere: the three forms of the index.
    let size = [1, 3, 40, 700].randomElement(using: &random)!
    let first = Int64.random(in: -1000...1000, using: &random)
    switch Int.random(in: 0..<3, using: &random) {
    case 0: idSpace = (0..<Int64(size)).map { first + $0 }
    case 1: idSpace = (0..<size).map { _ in first + .random(in: 0...Int64(size) * 2, using: &random) }
    default:
      let bounds: ClosedRange<Int64> = idType == .int32 ? -1 << 31...1 << 31 - 1 : .min ... .max
      let some = (0..<size).map { _ in Int64.random(in: bounds, using: &random) }
      idSpace = some + [bounds.lowerBound, bounds.upperBound]
    }
  }

  private mutating func pick<C: Collection>(_ choices: C) -> C.Element { choices.randomElement(using: &random)! }

  /// Makes up tables that can be added next, and adds them to the model.
  mutating func grow() -> Step {
    var step = Step()
    let isFirst = steps == 0
    steps += 1
    var counted = idSpace.makeIterator()
    for label in ["z", "person", "Ä"] where Bool.random(using: &random) {
      // A label that was deduced so far may get a table now; a new table counts up through the ids, or repeats some.
      let count = pick([0, 1, 5, idSpace.count])
      let repeats = pick([true, false, false])
      let ids = (0..<count).map { _ in repeats ? pick(idSpace) : counted.next() ?? pick(idSpace) }
      step.vertices.append(
        VertexTable(
          label: label, ids: ids, numbers: ids.map { _ in .random(in: -9...9, using: &random) },
          notes: ids.map { _ in pick(["", "a", "größer als acht Bytes", "\u{1F980}"]) }))
    }
    // Existing labels that only have ids have no such columns.
    step.vertices.removeAll { labels.contains($0.label) && !given.contains($0.label) }
    let before = Set(labels)
    let new = step.vertices.map(\.label).filter { !before.contains($0) }
    var order = labels + new
    for table in step.vertices { add(table) }
    var deduced: [String] = []
    for _ in 0..<Int.random(in: 0...3, using: &random) {
      let label = pick(["knows", "b", "a"])
      let source = pick(["z", "person", "d", "_"])
      let destination = pick([source, "z", "d"])
      let count = pick([0, 1, 20, 900])
      func ends(_ label: String) -> [Int64]? {
        if !order.contains(label) || deduced.contains(label) { return idSpace }
        return vertices[label]!.isEmpty ? nil : vertices[label]!.map(\.id)
      }
      guard let sources = ends(source), let destinations = ends(destination) else { continue }
      let table = EdgeTable(
        label: label, source: source, destination: destination, sources: (0..<count).map { _ in pick(sources) },
        destinations: (0..<count).map { _ in pick(destinations) },
        weights: (0..<count).map { _ in .random(in: 0..<1, using: &random) })
      for end in [source, destination] where !order.contains(end) {
        order.append(end)
        deduced.append(end)
      }
      step.edges.append(table)
    }
    for label in deduced { vertices[label] = [] }
    for table in step.edges { add(table, deducing: deduced) }
    deduced.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    labels = labels + new + deduced
    if isFirst { labels.sort { $0.utf8.lexicographicallyPrecedes($1.utf8) } }
    return step
  }

  private mutating func add(_ table: VertexTable) {
    given.insert(table.label)
    for row in table.ids.indices {
      vertices[table.label, default: []].append(
        Vertex(id: table.ids[row], number: table.numbers[row], note: table.notes[row]))
    }
    if table.ids.isEmpty, vertices[table.label] == nil { vertices[table.label] = [] }
  }

  private mutating func add(_ table: EdgeTable, deducing deduced: [String]) {
    for (label, ids) in [(table.source, table.sources), (table.destination, table.destinations)]
    where deduced.contains(label) {
      for id in ids where !vertices[label]!.contains(where: { $0.id == id }) {
        vertices[label]!.append(Vertex(id: id, number: 0, note: ""))
      }
    }
    if !edgeLabels.contains(table.label) { edgeLabels.append(table.label) }
    var known = relations[table.label] ?? []
    var lists = edges[table.label] ?? []
    var place = known.firstIndex { $0.source == table.source && $0.destination == table.destination }
    if place == nil {
      place = known.count
      known.append((table.source, table.destination))
      lists.append([])
    }
    var number = lists.reduce(0) { $0 + $1.count }
    for row in table.sources.indices {
      lists[place!].append(
        Edge(
          source: table.sources[row], destination: table.destinations[row], weight: table.weights[row], number: number))
      number += 1
    }
    relations[table.label] = known
    edges[table.label] = lists
  }

  /// Returns an id as text, for graphs with text ids. The texts have many lengths, and include the empty text.
  static func text(_ id: Int64) -> String { id == 0 ? "" : id % 3 == 0 ? "vertex number \(id)" : "é\(id)" }
}

extension GraphModel {
  /// Returns the number of the first vertex with each id.
  func firstVertices(_ label: String) -> [Int64: UInt32] {
    var numbers: [Int64: UInt32] = [:]
    for (number, vertex) in vertices[label]!.enumerated() where numbers[vertex.id] == nil {
      numbers[vertex.id] = UInt32(number)
    }
    return numbers
  }

  /// Returns the (neighbour, edge) pairs of the vertices at one end of a relation.
  func rows(_ label: String, _ relation: Int, bySource: Bool) -> [[[UInt32]]] {
    let ends = relations[label]![relation]
    let sources = firstVertices(ends.source)
    let destinations = firstVertices(ends.destination)
    let isSymmetric = !options.isDirected && ends.source == ends.destination
    var rows = [[[UInt32]]](repeating: [], count: vertices[bySource ? ends.source : ends.destination]!.count)
    for (number, edge) in edges[label]![relation].enumerated() {
      let source = sources[edge.source]!
      let destination = destinations[edge.destination]!
      if bySource || isSymmetric { rows[Int(source)].append([destination, UInt32(number)]) }
      if !bySource || isSymmetric { rows[Int(destination)].append([source, UInt32(number)]) }
    }
    return rows.map { $0.sorted { $0.lexicographicallyPrecedes($1) } }
  }

  /// Whether some row contains a neighbour twice.
  var hasParallelEdges: Bool {
    edgeLabels.contains { label in
      relations[label]!.indices.contains { relation in
        rows(label, relation, bySource: true).contains { row in Set(row.map { $0[0] }).count < row.count }
      }
    }
  }
}
