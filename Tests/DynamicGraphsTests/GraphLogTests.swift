import DynamicGraphs
import Foundation
import GraphStore
import TestSupport
import Testing
import Workers

@Suite("Logs of dynamic graphs")
struct GraphLogTests {
  private let directory: TemporaryDirectory
  private var path: String { directory.path + "/graph.changes" }

  init() throws { directory = try TemporaryDirectory() }

  private func log(_ graph: DynamicGraph) throws -> GraphLog {
    try GraphLog(creating: path, of: graph, storage: UnboundedStorage())
  }

  private func change(_ graph: inout DynamicGraph, _ log: inout GraphLog, _ change: GraphChange, _ batch: String) throws
  {
    try graph.apply(change, batch)
    try Array(batch.utf8).withUnsafeBytes { try log.append(change, $0) }
  }

  private func reopened(isDirected: Bool) throws -> (DynamicGraph, GraphLog) {
    var graph = DynamicGraph(isDirected: isDirected)
    let log = try GraphLog(opening: path, storage: UnboundedStorage(), &graph) { _ in }
    return (graph, log)
  }

  @Test("The changes are made again", arguments: [false, true])
  func replay(isDirected: Bool) throws {
    var graph = DynamicGraph(isDirected: isDirected)
    var log = try log(graph)
    try change(&graph, &log, .addEdges, #"[[1,"a",{"w":0.1}],["a",[1,2]],[2,1]]"#)
    try change(&graph, &log, .removeEdges, "[[2,1]]")
    try change(&graph, &log, .addNodes, #"[[1,{"x":"é\n"}]]"#)
    #expect(GraphLog.isDirected(at: path) == isDirected)
    let (again, _) = try reopened(isDirected: isDirected)
    #expect(again.nodeText == graph.nodeText && again.adjacencyText() == graph.adjacencyText())
    #expect(again.adjacencyText(.incoming) == graph.adjacencyText(.incoming))
    try log.rewrite(graph)
    let (rewritten, _) = try reopened(isDirected: isDirected)
    #expect(rewritten.nodeText == graph.nodeText && rewritten.adjacencyText() == graph.adjacencyText())
  }

  @Test("A change that was cut off anywhere is dropped, and later ones are appended in its place")
  func tornTail() throws {
    var graph = DynamicGraph(isDirected: false)
    var log = try log(graph)
    try change(&graph, &log, .addEdges, "[[1,2]]")
    let whole = try Data(contentsOf: URL(filePath: path))
    try change(&graph, &log, .addEdges, "[[3,4]]")
    let longer = try Data(contentsOf: URL(filePath: path))
    for size in whole.count..<longer.count {
      try longer.prefix(size).write(to: URL(filePath: path))
      var (again, log) = try reopened(isDirected: false)
      #expect(again.edgeCount == 1)
      #expect(try Data(contentsOf: URL(filePath: path)) == whole)
      try change(&again, &log, .addEdges, "[[5,6]]")
      #expect(try reopened(isDirected: false).0.adjacencyText() == again.adjacencyText())
    }
  }

  @Test("A damaged change is an error, not a shorter graph")
  func damage() throws {
    var graph = DynamicGraph(isDirected: false)
    var log = try log(graph)
    try change(&graph, &log, .addEdges, "[[1,2]]")
    try change(&graph, &log, .addEdges, "[[3,4]]")
    let whole = try Data(contentsOf: URL(filePath: path))
    for place in 0..<whole.count {
      var bytes = whole
      bytes[place] ^= 1
      try bytes.write(to: URL(filePath: path))
      #expect(throws: GraphStoreError.self, "byte \(place)") { try reopened(isDirected: false) }
    }
  }

  @Test("A log of many small changes is rewritten before it is much longer than the graph")
  func rewriting() throws {
    var graph = DynamicGraph(isDirected: false)
    var log = try log(graph)
    var longest = 0
    try graph.apply(.addEdges, "[[1,2]]")
    for round in 0..<60_000 {
      let batch = #"[[1,2,{"w":\#(round)}]]"#
      try change(&graph, &log, .addEdges, batch)
      longest = max(longest, round)
      if log.isLong { try log.rewrite(graph) }
    }
    let size = try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
    #expect(size < 2 << 20)
    #expect(try reopened(isDirected: false).0.adjacencyText() == graph.adjacencyText())
  }

  @Test("Without room, nothing is appended and nothing is left behind")
  func noRoom() throws {
    struct Full: StorageAccount {
      let room: Int
      func take(_ bytes: Int, as kind: StorageKind) throws(StorageRefusal) {
        guard bytes <= room else { throw StorageRefusal("no room") }
      }
      func takeUnconditionally(_ bytes: Int, as kind: StorageKind) {}
      func giveBack(_ bytes: Int, as kind: StorageKind) {}
    }
    let graph = DynamicGraph(isDirected: false)
    #expect(throws: GraphStoreError.self) { try GraphLog(creating: path, of: graph, storage: Full(room: 10)) }
    #expect(!FileManager.default.fileExists(atPath: path))
    var log = try GraphLog(creating: path, of: graph, storage: Full(room: 100))
    let before = try Data(contentsOf: URL(filePath: path))
    #expect(throws: GraphStoreError.self) {
      try [UInt8](repeating: 0x20, count: 200).withUnsafeBytes { try log.append(.addNodes, $0) }
    }
    #expect(try Data(contentsOf: URL(filePath: path)) == before)
  }
}
