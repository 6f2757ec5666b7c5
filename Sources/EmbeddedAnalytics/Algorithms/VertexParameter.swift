import AnalyticsKernels
import Engines
import GraphStore
import JSON

extension Parameter<VertexID> {
  /// Creates a parameter for an original vertex id, of the type of the graph's ids, that no two labels share; by default 0. An id
  /// without a vertex is not an error.
  public static func vertex(_ name: String) -> Self {
    Self(name, .integer(0)) { given, graph throws(ParameterProblem) in
      switch given {
      case .integer(let id): return try VertexID.int64(id).checked(name, graph)
      case .string(let id): return try VertexID.string(id).checked(name, graph)
      case .double(let number):
        if let id = Int64(exactly: number) { return try VertexID.int64(id).checked(name, graph) }
      default: break
      }
      throw ParameterProblem(wanted: "a vertex id", found: given.text)
    }
  }
}

extension Parameter<[VertexID]?> {
  /// Creates a parameter for a JSON list of ids that `vertex(_:)` would accept; nil for an empty text. Ids without a vertex are
  /// not an error. If `isOfAnyType`, neither are ids of another type than the graph's, as in lists of networkx.
  public static func vertices(_ name: String, default text: String? = nil, isOfAnyType: Bool = false) -> Self {
    Self(name, text.map { .string($0) }) { given, graph throws(ParameterProblem) in
      guard case .string(let text) = given else { throw ParameterProblem(wanted: "a list of ids", found: given.text) }
      guard !text.isEmpty else { return nil }
      guard let values = (try? JSONValue(parsing: text))?.elements else {
        throw ParameterProblem(wanted: "a list of ids", found: given.text)
      }
      var ids: [VertexID] = []
      for value in values {
        switch value {
        case .integer where isOfAnyType && graph.hasStringIDs, .string where isOfAnyType && !graph.hasStringIDs:
          // Any id of the other type is that of no vertex.
          ids.append(graph.hasStringIDs ? .int64(0) : .string(""))
        case .integer(let id): ids.append(try VertexID.int64(id).checked(name, graph))
        case .string(let id): ids.append(try VertexID.string(id).checked(name, graph))
        default: throw ParameterProblem(wanted: "a list of ids", found: String(value.encoded.prefix(200)))
        }
      }
      return ids
    }
  }
}

extension VertexID {
  /// The id as users write it.
  var text: String {
    switch self {
    case .int64(let id): "\(id)"
    case .string(let id): id
    }
  }

  /// Returns the id if it has the type of the graph's ids and no two labels share it.
  fileprivate func checked(_ name: String, _ graph: SimpleGraph) throws(ParameterProblem) -> VertexID {
    let id = self
    switch (id, graph.hasStringIDs) {
    case (.int64, true):
      throw ParameterProblem(
        wanted: "a string, like the vertex ids of this graph", found: id.text, hint: "Pass \(name)='\(id.text)'")
    case (.string, false):
      throw ParameterProblem(
        wanted: "an integer, like the vertex ids of this graph", found: "'\(id.text)'",
        hint: "Pass a number, or load the graph with oid_type='string'")
    case (.int64, false), (.string, true): break
    }
    let labels = graph.segments.filter { $0.find(id) != nil }
    guard labels.count > 1 else { return id }
    throw ParameterProblem(
      wanted: "an id that occurs in only one label",
      found: "\(id.text) is an id in "
        + labels.map { "'\($0.label)'" }.joined(separator: " and in "),
      hint: "Project the graph to labels that share no ids, or load it with ids that are unique across all labels")
  }
}
