import GraphStore
import Workers

/// The vertices of a label as a learning client sees them.
final class NodeTable: @unchecked Sendable {
  // @unchecked: refers to immutable mappings of the graph, which it keeps.
  let name: String
  let count: Int
  let attributes: Attributes
  private let graph: PropertyGraph
  private let label: Int
  /// The clients' ids by vertex number; nil if they are strings: the wire format has only integers, so a vertex has its number.
  private let ids: UnsafeBufferPointer<Int64>?
  private let weightTable = Lazily<AliasTable>()
  private let indexes: [Lazily<AttributeIndex>]

  init(_ graph: PropertyGraph, label: Int, attributes: Attributes) {
    self.graph = graph
    self.label = label
    self.attributes = attributes
    name = graph.schema.vertexLabels[label].name
    count = graph.vertexCount(label: label)
    if case .int64(let ids) = graph.ids(label: label) { self.ids = ids } else { ids = nil }
    indexes = (0..<attributes.integers.count + attributes.reals.count + attributes.texts.count).map { _ in Lazily() }
  }

  /// Returns the id of a vertex.
  @inline(__always)
  func id(_ number: Int) -> Int64 { ids.map { $0[number] } ?? Int64(number) }

  /// Returns the number of the vertex with an id; -1 if there is none.
  @inline(__always)
  func number(_ id: Int64) -> Int {
    guard ids != nil else { return id >= 0 && id < Int64(count) ? Int(id) : -1 }
    return graph.vertexNumber(label: label, id: .int64(id)).map(Int.init) ?? -1
  }

  /// Returns the numbers of the vertices with these ids.
  func numbers(_ ids: [Int64], _ workers: Workers) throws -> [Int] {
    try [Int](unsafeUninitializedCapacity: ids.count) { numbers, filled in
      let start = numbers.baseAddress
      try workers.forEach(ids.count, grain: 16_384) { range, _ in
        for position in range { (start! + position).initialize(to: number(ids[position])) }
      }
      filled = ids.count
    }
  }

  /// Returns the table to draw vertices in proportion to their weights; uniform if they have none.
  func weightTable(_ workers: Workers) throws -> AliasTable {
    try weightTable.value {
      try AliasTable(rows: 1, offset: { $0 == 0 ? 0 : self.count }, workers) {
        attributes.weights?.real($0) ?? 1
      }
    }
  }

  /// Returns the vertices grouped by an attribute: integers first, then reals, then texts.
  func index(attribute: Int, _ workers: Workers) throws -> AttributeIndex {
    try indexes[attribute].value {
      let reals = attributes.integers.count
      let texts = reals + attributes.reals.count
      if attribute < reals {
        let column = attributes.integers[attribute]
        return try AttributeIndex(count: count, workers.storage) { column.integer($0) }
      }
      if attribute < texts {
        let column = attributes.reals[attribute - reals]
        return try AttributeIndex(count: count, workers.storage) { column.real($0).bitPattern }
      }
      let column = attributes.texts[attribute - texts].strings
      return try AttributeIndex(count: count, workers.storage) { String(decoding: column[$0], as: UTF8.self) }
    }
  }
}

/// The vertices of a label, grouped by the value of an attribute.
final class AttributeIndex: Sendable {
  private let groups: [UInt32]
  private let starts: [UInt32]
  private let members: [UInt32]
  private let reservation: StorageReservation

  init<Key: Hashable>(count: Int, _ storage: any StorageAccount, _ key: (Int) -> Key) throws(StorageRefusal) {
    // Two numbers per vertex, and at most as many starts.
    reservation = try StorageReservation(count * 12, as: .memory, from: storage)
    var numbers: [Key: UInt32] = [:]
    var groups = [UInt32](repeating: 0, count: count)
    var starts: [UInt32] = [0]
    for vertex in 0..<count {
      let group = numbers[key(vertex), default: UInt32(numbers.count)]
      if Int(group) == numbers.count {
        numbers[key(vertex)] = group
        starts.append(0)
      }
      groups[vertex] = group
      starts[Int(group) + 1] += 1
    }
    for group in starts.indices.dropFirst() { starts[group] += starts[group - 1] }
    var next = starts
    var members = [UInt32](repeating: 0, count: count)
    for vertex in 0..<count {
      members[Int(next[Int(groups[vertex])])] = UInt32(vertex)
      next[Int(groups[vertex])] += 1
    }
    (self.groups, self.starts, self.members) = (groups, starts, members)
  }

  /// Draws a vertex with the same value as a vertex.
  func draw(like vertex: Int, _ random: inout SampleRandom) -> Int {
    let first = Int(starts[Int(groups[vertex])])
    return Int(members[first + random.below(Int(starts[Int(groups[vertex]) + 1]) - first)])
  }
}
