import QueryAlgebra
import QueryValues
import Support

/// A procedure that CALL runs.
public struct Procedure: Sendable {
  /// The name, with its name space.
  public let name: String
  /// The names of the arguments.
  public let arguments: [String]
  /// The names of the results.
  public let results: [String]
  /// Yields the records: a value for each result.
  let body: @Sendable ([Value], any QueryGraph) throws(QueryError) -> [[Value]]
}

/// The procedures that tools of the Neo4j world call when they connect. Nothing is written by any of them.
public enum Procedures {
  /// All procedures.
  public static let all: [Procedure] = [
    Procedure(name: "db.labels", arguments: [], results: ["label"]) { _, graph in
      graph.vertexLabels.map { [.string($0)] }
    },
    Procedure(name: "db.relationshipTypes", arguments: [], results: ["relationshipType"]) { _, graph in
      graph.edgeLabels.map { [.string($0)] }
    },
    Procedure(name: "db.propertyKeys", arguments: [], results: ["propertyKey"]) { _, graph in
      graph.propertyKeys.map { [.string($0)] }
    },
    Procedure(name: "db.info", arguments: [], results: ["id", "name", "creationDate"]) { _, _ in
      [[.string("neo4j"), .string("neo4j"), .null]]
    },
    Procedure(name: "dbms.components", arguments: [], results: ["name", "versions", "edition"]) { _, _ in
      [[.string("gscoordinator"), .list([.string("5.26.0")]), .string("community")]]
    },
    Procedure(name: "dbms.procedures", arguments: [], results: ["name", "signature", "description"]) { _, _ in
      Procedures.all.map { [.string($0.name), .string($0.signature), .string("")] }
    },
    Procedure(name: "dbms.functions", arguments: [], results: ["name", "signature", "description"]) { _, _ in
      Functions.all.map { [.string($0.name), .string($0.signature), .string($0.summary)] }
    },
    Procedure(
      name: "dbms.databases", arguments: [],
      results: [
        "name", "type", "aliases", "access", "address", "role", "writer", "requestedStatus", "currentStatus",
        "statusMessage", "default", "home", "constituents",
      ]
    ) { _, _ in
      [
        [
          .string("neo4j"), .string("standard"), .list([]), .string("read-only"), .string(""), .string("primary"),
          .boolean(false), .string("online"), .string("online"), .string(""), .boolean(true), .boolean(true), .list([]),
        ]
      ]
    },
    Procedure(name: "db.indexes", arguments: [], results: ["name", "type", "labelsOrTypes", "properties"]) { _, _ in []
    },
    Procedure(name: "db.constraints", arguments: [], results: ["name", "type", "labelsOrTypes", "properties"]) { _, _ in
      []
    },
    Procedure(name: "db.schema.visualization", arguments: [], results: ["nodes", "relationships"]) {
      (_, _) throws(QueryError) in
      throw QueryError(
        .unsupported,
        "db.schema.visualization() needs virtual nodes, which this engine does not have. "
          + "CALL apoc.meta.data() describes the graph")
    },
    Procedure(
      name: "db.schema.nodeTypeProperties", arguments: [],
      results: ["nodeType", "nodeLabels", "propertyName", "propertyTypes", "mandatory"]
    ) { (_, graph: any QueryGraph) throws(QueryError) in
      try GraphSketch(graph).vertexProperties.map { property in
        [
          .string(":`\(property.label)`"), .list([.string(property.label)]), .string(property.key),
          .list([.string(property.type)]), .boolean(false),
        ]
      }
    },
    Procedure(
      name: "db.schema.relTypeProperties", arguments: [],
      results: ["relType", "propertyName", "propertyTypes", "mandatory"]
    ) { (_, graph: any QueryGraph) throws(QueryError) in
      try GraphSketch(graph).edgeProperties.map { property in
        [
          .string(":`\(property.label)`"), .string(property.key), .list([.string(property.type)]), .boolean(false),
        ]
      }
    },
    Procedure(
      name: "apoc.meta.data", arguments: ["config"],
      results: ["label", "property", "type", "elementType", "other", "unique", "index", "existence", "array"]
    ) { (_, graph: any QueryGraph) throws(QueryError) in try GraphSketch(graph).metaData },
  ]

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name.lowercased(), $0) })

  /// The procedure of a name, in any case of letters; nil if there is none.
  public static func named(_ name: String) -> Procedure? { byName[name.lowercased()] }

  /// The error for a procedure that does not exist.
  static func unknown(_ name: String) -> QueryError {
    let near = NearestName.of(name, among: all.map(\.name)).map { ". Do you mean \($0)()?" } ?? ""
    return QueryError(.procedure, detail: "ProcedureNotFound", "there is no procedure \(name)()\(near)")
  }
}

extension Procedure {
  /// The call with its arguments and results.
  public var signature: String {
    "\(name)(\(arguments.joined(separator: ", "))) :: (\(results.joined(separator: ", ")))"
  }
}
