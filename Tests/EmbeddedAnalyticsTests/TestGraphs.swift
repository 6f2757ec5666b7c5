import AnalyticsKernels
import EmbeddedAnalytics
import Engines
import GraphStore
import TestSupport

/// A small graph as a list of edges, from which the graph for kernels is built and which the reference implementations read.
struct TestGraph: CustomStringConvertible {
  var name: String
  var vertexCount: Int
  var edges: [(from: Int, to: Int, weight: Double)]
  var isDirected: Bool
  /// Original ids; texts if `texts` is set.
  var ids: [Int64]
  var texts: [String]?

  init(
    _ name: String, _ vertexCount: Int, _ edges: [(Int, Int)], directed: Bool, weights: [Double]? = nil,
    ids: [Int64]? = nil, texts: [String]? = nil
  ) {
    self.name = name
    self.vertexCount = vertexCount
    self.edges = edges.enumerated().map { (from: $1.0, to: $1.1, weight: weights?[$0] ?? 1) }
    isDirected = directed
    self.ids = ids ?? (0..<vertexCount).map { Int64($0) }
    self.texts = texts
  }

  var description: String { "\(name), \(isDirected ? "directed" : "undirected")" }

  /// The rows along the edges and against them, in ascending order, as pairs (neighbour, edge). An undirected edge is in the rows
  /// of both ends, a loop twice in one row.
  var rows: (outgoing: [[(Int, Int)]], incoming: [[(Int, Int)]]) {
    var outgoing = [[(Int, Int)]](repeating: [], count: vertexCount)
    var incoming = outgoing
    for (index, edge) in edges.enumerated() {
      outgoing[edge.from].append((edge.to, index))
      if isDirected {
        incoming[edge.to].append((edge.from, index))
      } else {
        outgoing[edge.to].append((edge.from, index))
      }
    }
    for vertex in 0..<vertexCount {
      outgoing[vertex].sort { $0 < $1 }
      incoming[vertex].sort { $0 < $1 }
    }
    return isDirected ? (outgoing, incoming) : (outgoing, outgoing)
  }

  /// Returns the graph as seen by kernels; `data` is a property of its vertices.
  func simple(weighted: Bool = true, data: [Double]? = nil) -> SimpleGraph {
    let (outgoing, incoming) = rows
    let memory = Memory()
    let forwards = memory.adjacency(outgoing)
    let column = Column(
      name: "weight", type: .double, count: edges.count, data: memory.file(edges.map(\.weight)))
    let property = data.map {
      Column(name: "data", type: .double, count: vertexCount, data: memory.file(Array($0.prefix(vertexCount))))
    }
    let idsColumn: VertexIDs
    let find: @Sendable (VertexID) -> VertexNumber?
    if let texts {
      idsColumn = .string(memory.strings(texts))
      find = { if case .string(let text) = $0 { texts.firstIndex(of: text).map(VertexNumber.init) } else { nil } }
    } else {
      idsColumn = .int64(memory.array(ids))
      find = { [ids] in
        if case .int64(let id) = $0 { ids.firstIndex(of: id).map(VertexNumber.init) } else { nil }
      }
    }
    return SimpleGraph(
      isDirected: isDirected, outgoing: forwards, incoming: isDirected ? memory.adjacency(incoming) : forwards,
      weights: weighted ? .column(column) : .none,
      segments: [.init(labelID: 0, vertices: 0..<vertexCount, ids: idsColumn, data: property, find: find)],
      owner: memory)
  }
}

/// Arrays that are valid as long as a test's graph.
final class Memory: @unchecked Sendable {
  // @unchecked: filled while the graph is built, before it is shared.
  private var blocks: [UnsafeMutableRawPointer] = []
  private var files: [MappedFile] = []

  deinit { for block in blocks { block.deallocate() } }

  func array<T: BitwiseCopyable>(_ values: [T]) -> UnsafeBufferPointer<T> {
    let block = UnsafeMutableBufferPointer<T>.allocate(capacity: values.count + 1)
    _ = block.update(from: values)
    blocks.append(UnsafeMutableRawPointer(block.baseAddress!))
    return UnsafeBufferPointer(rebasing: block[..<values.count])
  }

  func strings(_ texts: [String]) -> StringValues {
    var offsets: [UInt64] = [0]
    for text in texts { offsets.append(offsets.last! + UInt64(text.utf8.count)) }
    return StringValues(offsets: array(offsets), bytes: UnsafeRawBufferPointer(array(texts.flatMap(\.utf8))))
  }

  func adjacency(_ rows: [[(Int, Int)]]) -> Adjacency {
    var offsets: [UInt64] = [0]
    for row in rows { offsets.append(offsets.last! + UInt64(row.count)) }
    let entries = rows.flatMap { $0 }
    return Adjacency(
      offsets: array(offsets), neighbours: array(entries.map { UInt32($0.0) }),
      edges: array(entries.map { UInt32($0.1) }))
  }

  /// Creates a file in the temporary directory and unlinks it at once.
  func file(_ values: [Double]) -> MappedFile {
    let path = temporaryPath()
    // The directory belongs to the test, so a failure to write to it is a failure of the test.
    let file = try! MappedFile.create(path: path, byteCount: values.count * 8)
    _ = file.mutableValues(as: Double.self).update(from: values)
    removeFile(path)
    files.append(file)
    return file
  }
}

extension TestGraph {
  /// Returns a random graph with loops and parallel edges in which some vertices attract most edges. Ids are shuffled.
  static func random(_ vertexCount: Int, _ edgeCount: Int, directed: Bool, seed: UInt64) -> TestGraph {
    var generator = SplitMix(seed: seed)
    func vertex() -> Int {
      let spread = Double.random(in: 0..<1, using: &generator)
      return Int(spread * spread * spread * Double(vertexCount))
    }
    let edges = (0..<edgeCount).map { _ in (vertex(), Int.random(in: 0..<vertexCount, using: &generator)) }
    let weights = edges.map { _ in Double(Int.random(in: 0...100, using: &generator)) / 8 }
    var ids = (0..<vertexCount).map { Int64($0) * 7 - Int64(vertexCount) }
    ids.shuffle(using: &generator)
    return TestGraph(
      "random \(vertexCount)/\(edgeCount) seed \(seed)", vertexCount, edges, directed: directed, weights: weights,
      ids: ids)
  }

  /// Graphs of all shapes, directed and undirected.
  static let shapes: [TestGraph] = [true, false].flatMap { directed in
    let clique = (0..<9).flatMap { a in (0..<a).map { (a, $0) } }
    let fixed = [
      TestGraph("empty", 0, [], directed: directed),
      TestGraph("single vertex", 1, [], directed: directed),
      TestGraph("single loop", 1, [(0, 0)], directed: directed),
      TestGraph("no edges", 70, [], directed: directed),
      TestGraph("outward star", 200, (1..<200).map { (0, $0) }, directed: directed),
      TestGraph("inward star", 200, (1..<200).map { ($0, 0) }, directed: directed),
      TestGraph("path", 150, (1..<150).map { ($0 - 1, $0) }, directed: directed),
      TestGraph("backward path", 150, (1..<150).map { ($0, $0 - 1) }, directed: directed),
      TestGraph("cycle", 65, (0..<65).map { ($0, ($0 + 1) % 65) }, directed: directed),
      TestGraph("clique", 9, clique, directed: directed),
      TestGraph("two cliques", 18, clique + clique.map { ($0.0 + 9, $0.1 + 9) }, directed: directed),
      TestGraph("both directions", 9, clique + clique.map { ($0.1, $0.0) }, directed: directed),
      TestGraph(
        "parallel edges and loops", 5, [(0, 1), (0, 1), (1, 0), (1, 1), (1, 1), (1, 2), (2, 0), (2, 3), (3, 4)],
        directed: directed, weights: [1, 7, 3, 1, 1, 2, 4, 8, 1], ids: [50, 7, 30, -4, 11]),
    ]
    let random = (0..<12).map { seed in
      TestGraph.random(20 + 11 * seed, 15 + seed * seed * 9, directed: directed, seed: UInt64(seed))
    }
    return fixed + random
  }
}
