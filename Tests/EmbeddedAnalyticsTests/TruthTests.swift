import EmbeddedAnalytics
import Engines
import Foundation
import Testing
import Turns

/// Files of the public gstest repository, unpacked from the shared data; nil if they are missing.
enum PublicData {
  /// `GSC_SHARED`, or `../shared` beside the package.
  static let archive: String? = {
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("../..")
    let shared = environment("GSC_SHARED") ?? package.standardized.path + "/../shared"
    let path = shared + "/data/gstest.tar.xz"
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }()

  /// The texts of the archive's members by the last component of their names, unpacked once.
  static let texts: [String: String] = {
    guard let archive else { return [:] }
    let directory = temporaryPath()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let tar = Process()
    tar.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    tar.arguments = [
      "tar", "xJf", archive, "-C", directory, "--wildcards", "*/p2p-31_property_*", "*/ldbc/p2p-31-*",
    ]
    do {
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      try tar.run()
    } catch { return [:] }
    tar.waitUntilExit()
    var texts: [String: String] = [:]
    for case let file as URL in FileManager.default.enumerator(
      at: URL(fileURLWithPath: directory), includingPropertiesForKeys: nil)!
    {
      texts[file.lastPathComponent] = readText(file.path)
    }
    return texts
  }()

  /// The p2p-31 graph.
  static func peers(directed: Bool) -> TestGraph {
    let vertices = lines("p2p-31_property_v_0").dropFirst().compactMap {
      $0.split(separator: ",").first.flatMap { Int64($0) }
    }
    let numbers = Dictionary(uniqueKeysWithValues: zip(vertices, vertices.indices))
    let rows = lines("p2p-31_property_e_0").dropFirst().map { $0.split(separator: ",").map { Int64($0)! } }
    return TestGraph(
      "p2p-31", vertices.count, rows.map { (numbers[$0[0]]!, numbers[$0[1]]!) }, directed: directed,
      weights: rows.map { Double($0[4]) }, ids: vertices)
  }

  /// Returns the published results for a graph's vertices, in their order.
  static func truth(_ name: String, _ graph: TestGraph) -> [String] {
    let pairs = lines(name).map { $0.split(separator: " ") }.map { (Int64($0[0])!, String($0[1])) }
    let values = Dictionary(uniqueKeysWithValues: pairs)
    return graph.ids.map { values[$0] ?? "" }
  }

  private static func lines(_ name: String) -> [Substring] {
    (texts[name] ?? "").split(separator: "\n", omittingEmptySubsequences: true)
  }
}

@Suite(
  "Kernels agree with the published results for the graph p2p-31", .takesTurns,
  .enabled(
    if: PublicData.archive != nil,
    "needs gstest.tar.xz in ../shared/data beside the package, or in the directory that GSC_SHARED names"))
struct TruthTests {
  @Test("every algorithm with published results", arguments: [false, true])
  func published(_ directed: Bool) async throws {
    let graph = PublicData.peers(directed: directed)
    try #require(graph.vertexCount == 62586 && graph.edges.count == 147892)
    let simple = graph.simple()
    let suffix = directed ? "-directed" : ""
    let depths = try await run("bfs", on: simple, [.integer(6)]).integers
    #expect(depths == PublicData.truth("p2p-31-BFS" + suffix, graph).map { Int64($0)! })
    let distances = try await run("sssp", on: simple, [.integer(6)]).doubles
    let expected = PublicData.truth("p2p-31-SSSP" + suffix, graph).map {
      $0 == "infinity" ? .greatestFiniteMagnitude : Double($0)!
    }
    #expect(distances == expected)
    let ranks = try await run("pagerank", on: simple, [.double(0.85), .integer(10)]).doubles
    guard !directed else {
      // The published ranks of the directed graph sum to 0.46: they follow another definition. These values are from recording
      // 03.
      let recorded = [4.32627603e-05, 5.92895626e-05, 2.79316572e-05, 1.30997596e-05, 1.30997596e-05, 1.30997596e-05]
      let ranks = try #require(ranks)
      #expect(agree(Array(ranks.prefix(3) + ranks.suffix(3)), recorded, within: 1e-8))
      return
    }
    #expect(agree(ranks, PublicData.truth("p2p-31-PR", graph).map { Double($0)! }, within: 1e-9))
    let labels = try await run("cdlp", on: simple, [.integer(10)]).integers
    #expect(labels == PublicData.truth("p2p-31-CDLP", graph).map { Int64($0)! })
    let coefficients = try await run("lcc", on: simple).doubles
    #expect(agree(coefficients, PublicData.truth("p2p-31-LCC", graph).map { Double($0)! }))
    // The published components have other names, but the partitions must be equal.
    let components = try #require(try await run("wcc", on: simple).integers)
    let truth = PublicData.truth("p2p-31-WCC", graph)
    let pairs = Set(zip(components, truth).map { "\($0) \($1)" })
    #expect(pairs.count == Set(components).count && pairs.count == Set(truth).count)
  }
}
