import TestSupport
import Testing
import Turns

@testable import GraphStore

@Suite(.takesTurns) struct IDIndexTests {
  let workspace = Workspace()

  private func index(_ ids: [Int64], threads: Int = 4) async throws -> (kind: Manifest.Index.Kind, graph: PropertyGraph)
  {
    let graph = try await workspace.build(threads: threads) { builder, files in
      try builder.addVertices(label: "v", table: files.table(files.column("id", ids)), id: .index(0))
    }
    return (graph.manifest.vertexLabels[0].index.kind, graph)
  }

  @Test func theCheapestFormIsChosen() async throws {
    #expect(try await index([]).kind == .contiguous)
    #expect(try await index([7]).kind == .contiguous)
    #expect(try await index([-1, 0, 1]).kind == .contiguous)
    #expect(try await index([.max - 1, .max]).kind == .contiguous)
    #expect(try await index([.max, .min]).kind == .hash, "the step from the greatest to the least does not count")
    #expect(try await index([2, 1]).kind == .direct)
    #expect(try await index((0..<1000).map { $0 * 4 }).kind == .direct)
    #expect(try await index((0..<1000).map { $0 * 5 }).kind == .hash)
    #expect(try await index([.min, .max]).kind == .hash)
    #expect(try await index([0, .max]).kind == .hash)
  }

  @Test func idsAtTheEndsOfTheIntegersAreFound() async throws {
    for ids in [[.min, .max, 0], [.max - 1, .max], [.min, .min + 1], [.max, .max - 2], [.max, .min]] as [[Int64]] {
      let graph = try await index(ids).graph
      for (number, id) in ids.enumerated() {
        #expect(graph.vertexNumber(label: 0, id: .int64(id)) == UInt32(number))
      }
      for id in [.min, .min + 2, -1, 1, .max - 3, .max] as [Int64] where !ids.contains(id) {
        #expect(graph.vertexNumber(label: 0, id: .int64(id)) == nil)
      }
    }
  }

  /// Two threads meet at the border of their ranges: the later range begins with the ids with which the earlier one ends.
  @Test(arguments: [1, 1 << 40] as [Int64])
  func theFirstOfEqualIDsIsFoundWhicheverThreadComesFirst(factor: Int64) async throws {
    let ids = (0..<70_000).map { row in
      let border = (row + 16_384) / 32_768 * 32_768
      return factor * Int64(row < border ? 2 * border - 1 - row : row)
    }
    let graph = try await index(ids).graph
    var firsts: [Int64: UInt32] = [:]
    for (row, id) in ids.enumerated() where firsts[id] == nil { firsts[id] = UInt32(row) }
    #expect(firsts.count < ids.count)
    #expect(firsts.allSatisfy { graph.vertexNumber(label: 0, id: .int64($0.key)) == $0.value })
  }

  @Test func manyScatteredIDsOfEdgesAreCollectedInOrder() async throws {
    var random = SplitMix(seed: 3)
    let pool = (0..<20_000).map { _ in Int64.random(in: .min ... .max, using: &random) }
    let source = (0..<50_000).map { _ in pool.randomElement(using: &random)! }
    let destination = (0..<50_000).map { _ in pool.randomElement(using: &random)! }
    var seen: Set<Int64> = []
    let expected = (source + destination).filter { seen.insert($0).inserted }
    for isText in [false, true] {
      let graph = try await workspace.build(GraphOptions(idType: isText ? .string : .int64)) { builder, files in
        try builder.addEdges(
          label: "e", sourceLabel: "v", destinationLabel: "v",
          table: files.table(files.column("s", source), files.column("d", destination)), source: .index(0),
          destination: .index(1))
      }
      #expect(isText ? graph.textIDs(0) == expected.map(String.init) : graph.integerIDs(0) == expected)
      #expect(graph.vertexNumber(label: 0, id: isText ? .string("\(expected[777])") : .int64(expected[777])) == 777)
    }
  }

  @Test func hashesDependOnEveryByteAndOnTheSeed() {
    let bytes = (0..<100).map { UInt8($0) }
    var hashes: Set<UInt64> = []
    for seed in [0, 1] as [UInt64] {
      let hash = WordHash(seed: seed)
      for count in 0...bytes.count {
        bytes.withUnsafeBytes { _ = hashes.insert(hash(UnsafeRawBufferPointer(rebasing: $0[..<count]))) }
        for place in 0..<count {
          var changed = Array(bytes[..<count])
          changed[place] ^= 0x80
          changed.withUnsafeBytes { _ = hashes.insert(hash($0)) }
        }
      }
    }
    #expect(hashes.count == 2 * (101 + (0...100).reduce(0, +)))
  }
}
