import Engines
import GraphStore
import Synchronization

extension EmbeddedAnalyticalEngine {
  /// What is known of an object without reading its files.
  private struct Found {
    let recipe: GraphRecipe
    /// For a graph that is open.
    var contents: GraphContents?
    /// For a result.
    var form = ""
    var values: (count: Int, bytes: Int)?
  }

  /// Returns a summary of an object, from its record and the manifest of its graph.
  public func summary(of handle: ObjectHandle) async -> ObjectSummary? {
    guard let key = handle.key else { return nil }
    if let object = objects.withLock({ $0.dynamics[key] }) { return ObjectSummary(object) }
    let found = objects.withLock { objects -> Found? in
      if let record = objects.dormant[key]?.record {
        return Found(
          recipe: record.graph, form: record.result?.kind.rawValue ?? "",
          values: record.stored.map { ($0.count, $0.byteCount) })
      }
      switch handle {
      case .graph: return objects.graphs[key].map { Found(recipe: $0.recipe, contents: $0.contents) }
      case .context:
        return objects.contexts[key].map { context in
          let values = context.result.columns.map(\.values)
          return Found(
            recipe: context.graph.recipe, form: context.description.kind.rawValue,
            values: (values.reduce(0) { $0 + $1.count }, values.reduce(0) { $0 + $1.bytes.count }))
        }
      case .boundApplication, .none, .tables, .application: return nil
      }
    }
    guard let found else { return nil }
    if let values = found.values {
      var summary = ObjectSummary(form: found.form)
      summary.graph = found.recipe.description.key
      summary.values = Int64(values.count)
      summary.dataBytes = Int64(values.bytes)
      return summary
    }
    let contents = found.contents ?? (try? GraphContents(directory: "\(workspace)/\(found.recipe.directory)"))
    return ObjectSummary(found.recipe.description, in: contents)
  }
}

extension SessionObjects.Graph {
  fileprivate var recipe: GraphRecipe {
    switch self {
    case .property(let view): GraphRecipe(directory: view.stored.name, description: view.description)
    case .simple(let view): view.recipe
    }
  }

  fileprivate var contents: GraphContents? {
    if case .property(let view) = self { view.stored.graph.contents } else { nil }
  }
}

extension ObjectSummary {
  /// Summarizes a graph of graphscope.nx; without numbers while it is not in memory.
  fileprivate init(_ graph: DynamicObject) {
    self.init(form: "dynamic")
    isDirected = graph.isDirected
    guard let counts = graph.counts else { return }
    vertexLabels = [Label(name: "_", count: Int64(counts.nodes))]
    edgeLabels = [Label(name: "_", count: Int64(counts.edges))]
    dataBytes = Int64(counts.bytes)
  }

  /// Summarizes the part of a stored graph that a client sees.
  fileprivate init(_ graph: GraphDescription, in contents: GraphContents?) {
    self.init(form: graph.kind.word)
    isDirected = graph.options.isDirected
    let schema = graph.schema
    vertexLabels = schema.validVertexLabels.map { label in
      Label(name: schema.vertexLabels[label].name, count: contents.map { Int64($0.vertexCounts[label]) })
    }
    edgeLabels = schema.validEdgeLabels.map { label in
      let relations = schema.edgeLabels[label].relations.indices.filter {
        schema.isValid(schema.edgeLabels[label].relations[$0])
      }
      return Label(
        name: schema.edgeLabels[label].name,
        count: contents.map { contents in relations.reduce(0) { $0 + Int64(contents.edgeCounts[label][$1]) } })
    }
    dataBytes = contents.map { Int64($0.byteCount) }
  }
}

extension GraphDescription.Kind {
  fileprivate var word: String {
    switch self {
    case .property: "property"
    case .simple: "simple"
    case .flattened: "flattened"
    }
  }
}
