import Engines
import GraphStore

/// Generated tables of a certain shape, with the graph to make from them.
public struct GeneratedTables: Sendable {
  /// The characteristic of the shape.
  public let name: String
  /// The options of the graph.
  public let options: GraphOptions
  private let make: @Sendable (inout TableFiles, Int) throws -> Void

  /// Writes the tables as files in an empty directory. They contain `edges` edges in all.
  public func write(in directory: String, edges: Int) throws -> [TableSource] {
    var files = TableFiles(directory: directory)
    try make(&files, edges)
    return files.sources
  }

  private init(
    _ name: String, _ options: GraphOptions = GraphOptions(),
    _ make: @escaping @Sendable (inout TableFiles, Int) throws -> Void
  ) {
    self.name = name
    self.options = options
    self.make = make
  }

  /// All shapes.
  public static let all: [GeneratedTables] = [
    GeneratedTables("edges only, few busy vertices") { files, edges in
      try files.edges("e", "v", "v", "source,destination", edges) { line, random, _ in
        line.integers(random.skewed(edges / 8), random.skewed(edges / 8))
      }
    },
    GeneratedTables("edges only, undirected, a weight", GraphOptions(isDirected: false)) { files, edges in
      try files.edges("e", "v", "v", "source,destination,weight", edges) { line, random, _ in
        line.integers(random.below(edges / 4), random.below(edges / 4))
        line.decimal(random.below(1000))
      }
    },
    GeneratedTables("edges only, sorted by source") { files, edges in
      try files.edges("e", "v", "v", "source,destination", edges) { line, random, row in
        line.integers(row / 5, random.below(edges / 5))
      }
    },
    GeneratedTables("edges only, a tree", GraphOptions(generatesEdgeIDs: false)) { files, edges in
      try files.edges("e", "v", "v", "source,destination", edges) { line, random, row in
        line.integers(row + 1, random.below(row + 1))
      }
    },
    GeneratedTables("edges only, sparse ids, undirected", GraphOptions(isDirected: false)) { files, edges in
      try files.edges("e", "v", "v", "source,destination", edges) { line, random, _ in
        line.integers(random.below(edges / 3) * 1_000_003, random.below(edges / 3) * 1_000_003)
      }
    },
    GeneratedTables("edges only, text ids, undirected", GraphOptions(isDirected: false, idType: .string)) {
      files, edges in
      try files.edges("e", "v", "v", "source,destination,since", edges) { line, random, _ in
        line.text("user-", random.below(edges / 5))
        line.text("user-", random.below(edges / 5))
        line.integers(random.below(100))
      }
    },
    GeneratedTables("contiguous ids, a weight") { files, edges in
      try files.vertices("v", "id,age", edges / 6) { line, random, row in line.integers(row, random.below(100)) }
      try files.edges("e", "v", "v", "source,destination,weight", edges) { line, random, _ in
        line.integers(random.below(edges / 6), random.skewed(edges / 6))
        line.decimal(random.below(100_000))
      }
    },
    GeneratedTables("shuffled ids, many columns") { files, edges in
      let names = (0..<24).map { "p\($0)" }.joined(separator: ",")
      let count = edges / 4
      try files.vertices("v", "id," + names, count) { line, random, row in
        line.integers(row * 7919 % count)
        for column in 0..<24 {
          switch column % 4 {
          case 0: line.integers(random.below(1 << 30))
          case 1: line.decimal(random.below(1 << 20))
          case 2: line.text("value ", random.below(1000))
          default: line.date(random.below(9000))
          }
        }
      }
      try files.edges("e", "v", "v", "source,destination,a,b,c,d", edges) { line, random, _ in
        line.integers(random.below(count), random.below(count), random.below(10), random.below(1 << 40))
        line.decimal(random.below(1000))
        line.text("kind", random.below(5))
      }
    },
    GeneratedTables("text ids, long texts of uneven length", GraphOptions(idType: .string)) { files, edges in
      try files.vertices("v", "id,name,notes", edges / 5) { line, random, row in
        line.text("https://example.org/person/", row)
        line.quoted("name, first ", random.below(1 << 30))
        line.text(String(repeating: "lorem ipsum ", count: random.skewed(40)), row)
      }
      try files.edges("e", "v", "v", "source,destination", edges) { line, random, _ in
        line.text("https://example.org/person/", random.below(edges / 5))
        line.text("https://example.org/person/", random.skewed(edges / 5))
      }
    },
    GeneratedTables("several labels and relations") { files, edges in
      try files.vertices("person", "id,name", edges / 8) { line, random, row in
        line.integers(row * 3)
        line.text("person ", random.below(1 << 20))
      }
      try files.vertices("software", "id,name,lang", edges / 20) { line, random, row in
        line.integers(row * 1000 + 7)
        line.text("package ", row)
        line.text("lang", random.below(9))
      }
      try files.edges("knows", "person", "person", "source,destination,weight", edges / 2) { line, random, _ in
        line.integers(random.below(edges / 8) * 3, random.below(edges / 8) * 3)
        line.decimal(random.below(1000))
      }
      try files.edges("created", "person", "software", "source,destination,weight", edges / 4) { line, random, _ in
        line.integers(random.below(edges / 8) * 3, random.below(edges / 20) * 1000 + 7)
        line.decimal(random.below(1000))
      }
      try files.edges("created", "person", "place", "source,destination,weight", edges / 4) { line, random, _ in
        line.integers(random.below(edges / 8) * 3, random.below(edges / 50))
        line.decimal(random.below(1000))
      }
    },
    GeneratedTables("narrow ids, nothing kept", .init(idType: .int32, generatesEdgeIDs: false, retainsIDs: false)) {
      files, edges in
      try files.vertices("v", "id", edges / 3) { line, _, row in line.integers(edges - row * 2) }
      try files.edges("e", "v", "v", "source,destination", edges) { line, random, _ in
        line.integers(edges - random.below(edges / 3) * 2, edges - random.below(edges / 3) * 2)
      }
    },
    GeneratedTables("narrow ids, kept, undirected", .init(isDirected: false, idType: .int32)) { files, edges in
      try files.edges("e", "a", "b", "source,destination", edges) { line, random, _ in
        line.integers(random.below(edges / 3), random.below(edges / 9))
      }
    },
    GeneratedTables("tables put together, duplicates") { files, edges in
      for _ in 0..<2 {
        try files.vertices("v", "id,name", edges / 6) { line, random, row in
          line.integers(row)
          line.text("name ", random.below(1000))
        }
        try files.edges("e", "v", "v", "source,destination,weight", edges / 2) { line, random, row in
          line.integers(row % 1000, random.below(edges / 6))
          line.decimal(random.below(1000))
        }
      }
    },
    GeneratedTables("text ids that are numbers", GraphOptions(idType: .string)) { files, edges in
      try files.edges("e", "v", "v", "source,destination", edges) { line, random, _ in
        line.integers(random.below(edges / 4), random.below(edges / 4))
      }
    },
  ]
}

/// A random number generator determined by its seed: SplitMix64 (G. Steele et al., 2014).
struct Random {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// Returns a uniformly distributed number.
  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(1, bound))) }

  /// Returns a number that is small more often: the product of two.
  mutating func skewed(_ bound: Int) -> Int {
    let parts = [below(1 << 20), below(1 << 20)]
    return Int(Double(parts[0]) * Double(parts[1]) / Double(1 << 40) * Double(max(1, bound)))
  }
}
