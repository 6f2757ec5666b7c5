import QueryValues

/// An operator of a plan as it is shown to people, for EXPLAIN and PROFILE.
public struct PlanDescription: Sendable {
  /// The operator's name, such as `Expand`.
  public var name: String
  /// What it is applied to: labels, conditions, estimates.
  public var details: [(key: String, value: Value)]
  /// The variables that its rows have.
  public var identifiers: [String]
  /// The number of rows that it yielded; nil if the query was not run (EXPLAIN).
  public var rows: Int64?
  /// The number of vertices, edges and properties that it read; nil if the query was not run.
  public var hits: Int64?
  /// The operators that it reads from.
  public var children: [PlanDescription]

  /// Creates a description.
  public init(
    name: String, details: [(key: String, value: Value)] = [], identifiers: [String] = [], rows: Int64? = nil,
    hits: Int64? = nil, children: [PlanDescription] = []
  ) {
    self.name = name
    self.details = details
    self.identifiers = identifiers
    self.rows = rows
    self.hits = hits
    self.children = children
  }
}
