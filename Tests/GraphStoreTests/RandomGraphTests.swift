import GraphStore
import Testing
import Turns

/// Graphs of all shapes, extended in steps, compared with a naive model.
@Suite(.takesTurns) struct RandomGraphTests {
  let workspace = Workspace()

  @Test(arguments: 0..<50)
  func theStoreAgreesWithTheModel(seed: Int) async throws {
    var model = GraphModel(seed: UInt64(seed))
    var graph: PropertyGraph?
    for _ in 0..<1 + seed % 4 {
      let step = model.grow()
      let base = graph
      let options = model.options
      graph = try await workspace.build(threads: 1 + seed % 5, extending: base, options) { builder, files in
        try add(step, options.idType, to: &builder, files)
      }
      try check(graph!, model)
      // The old graph is no longer needed, neither in memory nor on disk.
      if let base { try PropertyGraph.remove(directory: base.directory) }
      try check(try PropertyGraph.open(directory: graph!.directory), model)
    }
  }

  private func add(
    _ step: GraphModel.Step, _ type: GraphOptions.IDType, to builder: inout GraphBuilder, _ files: Workspace
  ) throws {
    func ids(_ name: String, _ ids: [Int64]) throws -> Column {
      switch type {
      case .int64: try files.column(name, ids)
      case .int32: try files.column(name, int32: ids.map { Int32($0) })
      case .string: try files.column(name, ids.map(GraphModel.text))
      }
    }
    for table in step.vertices {
      try builder.addVertices(
        label: table.label,
        table: files.table(
          files.column("number", table.numbers), ids("key", table.ids), files.column("note", table.notes)),
        id: .name("key"))
    }
    for table in step.edges {
      try builder.addEdges(
        label: table.label, sourceLabel: table.source, destinationLabel: table.destination,
        table: files.table(
          ids("from", table.sources), files.column("weight", doubles: table.weights), ids("to", table.destinations)),
        source: .index(0), destination: .name("to"))
    }
  }

  private func check(_ graph: PropertyGraph, _ model: GraphModel) throws {
    #expect(graph.options == model.options)
    try #require(graph.schema.vertexLabels.map(\.name) == model.labels)
    try #require(graph.schema.edgeLabels.map(\.name) == model.edgeLabels)
    #expect(graph.hasParallelEdges == model.hasParallelEdges)
    for (label, name) in model.labels.enumerated() { try checkVertices(graph, label, name, model) }
    for (label, name) in model.edgeLabels.enumerated() {
      let relations = model.relations[name]!
      #expect(
        graph.schema.edgeLabels[label].relations.map { [model.labels[$0.source], model.labels[$0.destination]] }
          == relations.map { [$0.source, $0.destination] })
      for relation in relations.indices { checkEdges(graph, label, name, relation, model) }
    }
  }

  private func checkVertices(_ graph: PropertyGraph, _ label: Int, _ name: String, _ model: GraphModel) throws {
    let vertices = model.vertices[name]!
    let isText = model.options.idType == .string
    #expect(graph.vertexCount(label: label) == vertices.count)
    if isText {
      #expect(graph.textIDs(label) == vertices.map { GraphModel.text($0.id) })
    } else {
      #expect(graph.integerIDs(label) == vertices.map(\.id))
    }
    for (id, number) in model.firstVertices(name) {
      #expect(graph.vertexNumber(label: label, id: isText ? .string(GraphModel.text(id)) : .int64(id)) == number)
      #expect(graph.vertexNumber(label: label, id: isText ? .int64(id) : .string(GraphModel.text(id))) == nil)
    }
    #expect(graph.vertexNumber(label: label, id: isText ? .string("nobody") : .int64(5000)) == nil)
    #expect(graph.vertexNumber(label: label, id: isText ? .string("nobody") : .int64(-5000)) == nil)

    let isGiven = model.given.contains(name)
    let properties = graph.schema.vertexLabels[label].properties
    let idName = isGiven ? "key" : "id"
    try #require(
      properties.map(\.name) == (isGiven ? ["number", "note"] : []) + (model.options.retainsIDs ? [idName] : []))
    #expect(graph.schema.vertexLabels[label].idProperty == (model.options.retainsIDs ? properties.count - 1 : nil))
    if isGiven {
      #expect(graph.vertexColumn(label: label, property: 0).integers == vertices.map(\.number))
      #expect(graph.vertexColumn(label: label, property: 1).texts == vertices.map(\.note))
    }
    guard model.options.retainsIDs else { return }
    let ids = graph.vertexColumn(label: label, property: properties.count - 1)
    #expect(ids.type == properties.last!.type)
    switch model.options.idType {
    case .int64: #expect(ids.integers == vertices.map(\.id))
    case .int32: #expect(Array(ids.values(as: Int32.self)) == vertices.map { Int32($0.id) })
    case .string: #expect(ids.texts == vertices.map { GraphModel.text($0.id) })
    }
  }

  private func checkEdges(_ graph: PropertyGraph, _ label: Int, _ name: String, _ relation: Int, _ model: GraphModel) {
    let edges = model.edges[name]![relation]
    let ends = model.relations[name]![relation]
    #expect(graph.edgeCount(label: label, relation: relation) == edges.count)
    let sources = model.firstVertices(ends.source)
    let destinations = model.firstVertices(ends.destination)
    let stored = graph.endpoints(label: label, relation: relation)
    #expect(Array(stored.source) == edges.map { sources[$0.source]! })
    #expect(Array(stored.destination) == edges.map { destinations[$0.destination]! })
    #expect(graph.outgoing(label: label, relation: relation).rows == model.rows(name, relation, bySource: true))
    #expect(graph.incoming(label: label, relation: relation).rows == model.rows(name, relation, bySource: false))
    let generated = model.options.generatesEdgeIDs
    #expect(graph.schema.edgeLabels[label].properties.map(\.name) == (generated ? ["eid"] : []) + ["weight"])
    if generated {
      let ids = graph.edgeColumn(label: label, relation: relation, property: 0).integers
      #expect(ids == edges.map { Int64(label) << 56 + Int64($0.number) })
    }
    #expect(
      graph.edgeColumn(label: label, relation: relation, property: generated ? 1 : 0).doubles == edges.map(\.weight))
  }
}
