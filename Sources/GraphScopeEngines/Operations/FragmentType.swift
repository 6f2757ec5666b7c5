import Digests
import Engines
import Vocabulary
import Wire

/// The C++ class of a graph in the engine. Libraries are compiled for such a class and named after it.
struct FragmentType: Sendable, Equatable {
  /// The class with its template arguments, as written in C++.
  let name: String
  /// The header that declares it.
  let header: String
  /// Type of original ids; nil for mutable graphs.
  let oidType: String?
  /// Type of internal ids.
  let vidType: String
  /// The kind of graph that the engine has the library for.
  let graphType: GraphType

  /// Creates the class of the graph that an operation's attributes describe.
  init(_ attributes: [ParamKey: AttributeValue]) throws(EngineError) {
    func text(_ key: ParamKey) -> String { attributes[key]?.text ?? "" }
    let number = attributes[.graphType]?.integer ?? 0
    guard let type = Int32(exactly: number).flatMap(GraphType.init) else { throw Self.unknown("\(number)") }
    let (oid, vid) = (text(.oidType), text(.vidType))
    let (vertexData, edgeData) = (text(.vDataType), text(.eDataType))
    let compact = attributes[.compactEdges]?.boolean == true ? "true" : "false"
    let isLocal = attributes[.vertexMapType]?.integer == Int64(VertexMapType.local.rawValue)
    // The vertex map holds string views instead of strings.
    let key = oid == "std::string" ? "vineyard::arrow_string_view" : oid
    let map = "vineyard::\(isLocal ? "ArrowLocalVertexMap" : "ArrowVertexMap")<\(key),\(vid)>"
    switch type {
    case .arrowProperty:
      name = "vineyard::ArrowFragment<\(oid),\(vid),\(map),\(compact)>"
      header = "vineyard/graph/fragment/arrow_fragment.h"
    case .arrowProjected:
      name = "gs::ArrowProjectedFragment<\(oid),\(vid),\(vertexData),\(edgeData),\(map),\(compact)>"
      header = "core/fragment/arrow_projected_fragment.h"
    case .arrowFlattened:
      name = "gs::ArrowFlattenedFragment<\(oid),\(vid),\(vertexData),\(edgeData)>"
      header = "core/fragment/arrow_flattened_fragment.h"
    case .dynamicProjected:
      name = "gs::DynamicProjectedFragment<\(vertexData),\(edgeData)>"
      header = "core/fragment/dynamic_projected_fragment.h"
    case .immutableEdgecut:
      name = "grape::ImmutableEdgecutFragment<\(oid),\(vid),\(vertexData),\(edgeData)>"
      header = "grape/fragment/immutable_edgecut_fragment.h"
    case .dynamicProperty, .persistentStore, .unknown: throw Self.unknown("\(type)")
    }
    oidType = oid.isEmpty ? nil : oid
    vidType = vid
    graphType = type
  }

  /// The name of the graph's library.
  var signature: String { sha256(Array(name.utf8)).hexadecimal }

  private static func unknown(_ type: String) -> EngineError {
    EngineError(
      .invalidValue, "Unknown graph type: \(type)", hint: "Project the graph to a simple one before running algorithms")
  }
}
