import GraphStore

/// A way through vertices or edges, in batches.
struct Traversal: Sendable {
  /// The order of a way.
  enum Order: String, Sendable {
    /// That of the table.
    case byOrder = "by_order"
    /// A random one, different in each epoch.
    case shuffle
    /// Independent draws, without end.
    case random
  }

  /// What is visited.
  enum Elements: Sendable {
    /// The vertices of a label, or some of them.
    case vertices(NodeTable, VertexList?)
    /// The source of each edge, or its destination.
    case ends(EdgeRelation, areSources: Bool)
    /// Edges.
    case edges(EdgeRelation)
  }

  let elements: Elements
  let order: Order
  let batch: Int

  /// Returns the number of elements of an epoch.
  func count(_ context: OperatorContext) throws -> Int {
    switch elements {
    case .vertices(let table, let members): members?.numbers.count ?? table.count
    case .ends(let relation, _): try distinctEnds(context)?.numbers.count ?? relation.count
    case .edges(let relation): relation.count
    }
  }

  /// Shuffled ends of edges are visited once, however many edges they have.
  private func distinctEnds(_ context: OperatorContext) throws -> VertexList? {
    guard order == .shuffle, case .ends(let relation, let areSources) = elements else { return nil }
    return areSources ? try relation.sources(context.workers) : try relation.destinations(context.workers)
  }

  /// Returns the elements at positions of an epoch.
  /// - Parameter epoch: the seed of the epoch's order.
  func answer(_ range: Range<Int>, epoch: UInt64, _ context: OperatorContext) throws -> OperatorAnswer {
    let count = try count(context)
    try context.claim(rows: range.count, of: 3)
    let positions: [Int]
    switch order {
    case .byOrder: positions = Array(range)
    case .shuffle:
      let order = RandomOrder(count: count, seed: epoch)
      positions = range.map { order[$0] }
    case .random:
      var random = SampleRandom(seed: context.seed)
      positions = range.map { _ in random.below(count) }
    }
    var answer = OperatorAnswer()
    answer.parameters = ["bs": .int32([Int32(positions.count)])]
    switch elements {
    case .vertices(let table, let members):
      let vertices = members.map { members in positions.map { Int(members.numbers[$0]) } } ?? positions
      answer.tensors = ["nid": .int64(vertices.map(table.id))]
    case .ends(let relation, let areSources):
      let table = areSources ? relation.source : relation.destination
      let ends = try distinctEnds(context)
      answer.tensors = [
        "nid": .int64(
          positions.map { position in
            if let ends { return table.id(Int(ends.numbers[position])) }
            return table.id(
              areSources ? relation.source(ofEntry: position) : Int(relation.adjacency.neighbours[position]))
          })
      ]
    case .edges(let relation):
      answer.tensors = [
        "sid": .int64(positions.map { relation.source.id(relation.source(ofEntry: $0)) }),
        "did": .int64(positions.map { relation.destination.id(Int(relation.adjacency.neighbours[$0])) }),
        "eid": .int64(positions.map(Int64.init)),
      ]
    }
    return answer
  }
}

/// The place of a client on its way.
struct TraversalCursor: Sendable, Equatable {
  private(set) var epoch = 0
  private var position = 0

  /// Returns the positions of the next batch; nil at the end of an epoch, after which the next epoch begins.
  mutating func advance(_ traversal: Traversal, count: Int) -> (range: Range<Int>?, epoch: Int) {
    if traversal.order == .random { return (count == 0 ? nil : 0..<traversal.batch, epoch) }
    guard position < count else {
      defer {
        position = 0
        epoch += 1
      }
      return (nil, epoch)
    }
    let range = position..<min(count, position + traversal.batch)
    position = range.upperBound
    return (range, epoch)
  }
}
