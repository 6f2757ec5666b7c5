import QueryAlgebra
import QueryValues

extension PlanDescription {
  /// Whether the query was run.
  var isProfile: Bool { rows != nil }

  /// The plan as metadata of Bolt.
  var boltMetadata: ValueMap {
    var map = ValueMap([
      ("operatorType", .string(name)), ("args", .map(ValueMap(details.map { ($0.key, $0.value) }))),
      ("identifiers", .list(identifiers.map { .string($0) })),
      ("children", .list(children.map { .map($0.boltMetadata) })),
    ])
    if let rows {
      map["rows"] = .integer(rows)
      map["dbHits"] = .integer(hits ?? 0)
    }
    return map
  }
}
