import ClientOperations
import Engines
import GraphStore
import Testing
import Vocabulary

@testable import Coordinator

private func change(_ key: String, of graph: String) throws -> StepOperation {
  try StepOperation(
    key: key, type: .modifyEdges, arguments: [.graphName: .text(graph), .modifyType: .int(1), .properties: .text("{}")])
}

private func create(_ key: String) throws -> StepOperation {
  try StepOperation(key: key, type: .createGraph, arguments: [.graphType: .int(2), .directed: .bool(true)])
}

private func load(_ key: String) -> StepOperation {
  StepOperation(
    key: key, parents: [],
    action: .analytical(
      .createGraph(
        GraphOptions(isDirected: true, idType: .int64, generatesEdgeIDs: true, retainsIDs: true), GraphLayout())))
}

private func ask(_ graph: String, _ type: ReportType = .nodeNum) throws -> StepOperation {
  try StepOperation(
    key: "ask", type: .reportGraph, output: .results,
    arguments: [.graphName: .text(graph), .reportType: .int(Int64(type.rawValue))])
}

private func unload(_ key: String, of parent: String) -> StepOperation {
  StepOperation(key: key, parents: [parent], action: .analytical(.unload))
}

/// Returns the engine's key of the graph that an operation made or changed; nil if the operation is not known.
private func graph(_ registry: ObjectRegistry, _ operation: String) -> String? {
  guard case .graph(let key)? = try? registry.inputs(of: unload("u", of: operation)).first else { return nil }
  return key
}

private func expectGone(_ registry: inout ObjectRegistry, _ operation: StepOperation) {
  let isView = registry.unloadsView(operation)
  #expect(!isView, "the graph itself, or none")
}

@Suite("Changes of graphs, and graphs that show others")
struct GraphChangesTests {
  @Test("Any number of changes of a graph takes a limited number of objects; the newest are known")
  func manyChanges() throws {
    var registry = ObjectRegistry()
    _ = try registry.record(.graph("g"), for: try create("g"))
    _ = try registry.record(.graph("h"), for: try create("h"))
    _ = try registry.record(.graph("h"), for: try change("of h", of: "h"))
    let count = 10 * GraphChanges.keptPerGraph
    for number in 0..<count {
      try registry.admit([try change("c\(number)", of: "g")])
      _ = try registry.record(.graph("g"), for: try change("c\(number)", of: "g"))
    }
    #expect(registry.documents.count == GraphChanges.keptPerGraph + 3)
    for known in ["g", "c\(count - 1)", "c\(count - GraphChanges.keptPerGraph)"] {
      #expect(graph(registry, known) == "g", "\(known)")
    }
    #expect(graph(registry, "c0") == nil)
    #expect(graph(registry, "of h") == "h", "changes of one graph do not displace those of another")
  }

  @Test("Changes of unloaded graphs make room for those of others, also after a restart")
  func unloadedGraphs() throws {
    var registry = ObjectRegistry()
    for graph in ["g", "h"] {
      _ = try registry.record(.graph(graph), for: try create(graph))
      for number in 0..<5 {
        _ = try registry.record(.graph(graph), for: try change("\(graph)\(number)", of: graph))
      }
    }
    var later = ObjectRegistry()
    for (number, document) in registry.documents {
      later.restore(document.handle, for: document.operation, number: number, document.origin ?? ObjectOrigin())
    }
    for var registry in [registry, later] {
      registry.unloaded("g")
      #expect(registry.objects.count == 6, "those of the other graph")
      for number in 5..<10 { _ = try registry.record(.graph("h"), for: try change("h\(number)", of: "h")) }
      #expect(registry.documents.count == 12)
      for number in 0..<10 { #expect(graph(registry, "h\(number)") == "h") }
    }
  }

  @Test("The unload of a graph that shows a property graph leaves that graph alone, in any order and repeated")
  func views() throws {
    var registry = ObjectRegistry()
    _ = try registry.record(.graph("g"), for: load("load"))
    registry.views.add("g")
    expectGone(&registry, unload("other", of: "unknown"))
    registry.views.asked(try ask("g"))
    registry.views.asked(try ask("g"))
    registry.views.asked(try ask("g", .edgeNum))
    registry.views.asked(try ask("nothing"))
    for key in ["u1", "u1", "u2", "u1", "u2"] {
      let isView = registry.unloadsView(unload(key, of: "load"))
      #expect(isView, "\(key)")
    }
    expectGone(&registry, unload("u3", of: "load"))
    expectGone(&registry, unload("u3", of: "load"))
  }

  @Test("Graphs of graphscope.nx are asked for their nodes by their owner")
  func ownGraphs() throws {
    var registry = ObjectRegistry()
    _ = try registry.record(.graph("g"), for: try create("create"))
    registry.views.asked(try ask("g"))
    expectGone(&registry, unload("u", of: "create"))
  }
}
