import QueryValues

/// How a query is answered: operators that read rows and yield rows.
///
/// A row is an array of values, one per slot of the frame. Operators fill slots and keep the others; an aggregation clears the
/// slots that it does not fill. `argument` yields the row that an inner plan is given, or one row of nulls for a whole query.
public indirect enum Plan: Sendable {
  /// The given row.
  case argument
  /// For each row, each vertex that the labels admit; into a slot.
  case scanVertices(Plan, slot: Int, labels: LabelExpression?)
  /// For each row, the vertices with a label whose property equals a value; into a slot.
  case seekVertices(Plan, slot: Int, label: String, key: String, value: Expression)
  /// For each row, the vertices with the identifiers that an expression yields (one or a list); into a slot.
  case vertexByID(Plan, slot: Int, Expression)
  /// For each row, each edge of the labels (nil: any label); its ends are properties of the edge.
  case scanEdges(Plan, slot: Int, labels: [String]?)
  /// For each row, the edges at a vertex and the vertices at their other ends.
  case expand(Plan, Expansion)
  /// For each row, the trails from a vertex within bounds of length.
  case expandVariable(Plan, Expansion, VariableLength)
  /// For each row, the shortest paths between two vertices.
  case shortestPaths(Plan, ShortestPaths)
  /// The rows for which a condition is true.
  case filter(Plan, Expression)
  /// Each row with slots filled, one after the other.
  case assign(Plan, [(slot: Int, value: Expression)])
  /// A row for each element of a list; null yields none.
  case unwind(Plan, slot: Int, Expression)
  /// One row for each combination of keys; without keys, one row in any case.
  case aggregate(Plan, keys: [(slot: Int, value: Expression)], [Aggregation])
  /// The rows in an order; rows that tie stay in the order of their arrival.
  case sort(Plan, [SortKey])
  /// The rows but the first ones.
  case skip(Plan, Expression)
  /// The first rows.
  case limit(Plan, Expression)
  /// The first of the rows that agree in slots.
  case distinct(Plan, slots: [Int])
  /// The rows of plans, one plan after the other for each given row.
  case union([Plan])
  /// For each row of the first plan, the rows that the second one yields for it.
  case apply(Plan, Plan)
  /// As `apply`; a row for which the second plan yields nothing stays, with null in slots.
  case optional(Plan, Plan, nulls: [Int])
  /// For each row of the first plan, the rows of a procedure; its results go into slots.
  case procedure(Plan, name: String, arguments: [Expression], results: [(name: String, slot: Int)])
  /// Each row, after vertices and edges were added for it, one after the other. Only graphs in memory take them.
  case create(Plan, [Creation])
  /// Each row, counted under a number: what PROFILE shows.
  case measured(Plan, Int)
}

/// An element that a row adds to the graph. Its properties are a map; those that are null are left out.
public enum Creation: Sendable {
  /// A vertex, into a slot.
  case vertex(slot: Int, labels: [String], properties: Expression?)
  /// An edge between the vertices of two slots, into a slot.
  case edge(slot: Int, from: Int, to: Int, label: String, properties: Expression?)
}

/// A step from a vertex over its edges.
public struct Expansion: Sendable {
  /// The slot of the vertex where the step begins. Null yields nothing.
  public var from: Int
  /// The slot for the edge; for trails, for the list of edges. Nil if no slot is needed.
  public var edge: Int?
  /// The slot of the vertex at the other end.
  public var to: Int
  /// The direction of the edges, seen from `from`.
  public var direction: EdgeDirection
  /// The labels of the edges; nil for any.
  public var labels: [String]?
  /// Whether `to` holds a vertex already, which the other end must equal.
  public var intoBound: Bool
  /// Slots with edges, or lists of edges, that must not be followed again: those of the same MATCH clause.
  public var distinctFrom: [Int]

  /// Creates a step.
  public init(
    from: Int, edge: Int?, to: Int, direction: EdgeDirection, labels: [String]?, intoBound: Bool = false,
    distinctFrom: [Int] = []
  ) {
    self.from = from
    self.edge = edge
    self.to = to
    self.direction = direction
    self.labels = labels
    self.intoBound = intoBound
    self.distinctFrom = distinctFrom
  }
}

/// The lengths of trails, and what each edge of them must satisfy.
public struct VariableLength: Sendable {
  /// The smallest number of edges, 0 or more.
  public var minimum: Int
  /// The largest number of edges; nil for any.
  public var maximum: Int?
  /// A slot for each edge in turn, and a condition on it; nil if there is no condition.
  public var condition: (slot: Int, Expression)?
  /// Whether the list of edges is written from `to` to `from`, because the pattern is walked backwards.
  public var reversed: Bool

  /// Creates bounds.
  public init(minimum: Int, maximum: Int?, condition: (slot: Int, Expression)? = nil, reversed: Bool = false) {
    self.minimum = minimum
    self.maximum = maximum
    self.condition = condition
    self.reversed = reversed
  }
}

/// Shortest paths between the vertices of two slots.
public struct ShortestPaths: Sendable {
  /// The ends, the direction and the labels; `edge` receives the list of edges.
  public var expansion: Expansion
  /// The bounds of the length.
  public var length: VariableLength
  /// Whether all shortest paths are wanted, or one.
  public var all: Bool

  /// Creates a request for shortest paths.
  public init(expansion: Expansion, length: VariableLength, all: Bool) {
    self.expansion = expansion
    self.length = length
    self.all = all
  }
}

/// One aggregated value.
public struct Aggregation: Sendable {
  /// The slot of the result.
  public var slot: Int
  /// The function.
  public var function: AggregateFunction
  /// Whether equal values count once.
  public var distinct: Bool
  /// The value of each row; for percentiles followed by the percentile. Empty for `count(*)`.
  public var arguments: [Expression]

  /// Creates an aggregation.
  public init(slot: Int, function: AggregateFunction, distinct: Bool, arguments: [Expression]) {
    self.slot = slot
    self.function = function
    self.distinct = distinct
    self.arguments = arguments
  }
}

/// One criterion of an order.
public struct SortKey: Sendable {
  /// The value to order by, as `Value.order(_:_:)` does.
  public var value: Expression
  /// Whether the largest value comes first.
  public var descending: Bool

  /// Creates a criterion.
  public init(_ value: Expression, descending: Bool) {
    self.value = value
    self.descending = descending
  }
}

/// A query that can run: a plan, the number of its slots, and the columns that it returns.
public struct Query: Sendable {
  /// The plan.
  public var plan: Plan
  /// The number of slots of a row.
  public var slots: Int
  /// The names and the slots of the columns.
  public var columns: [(name: String, slot: Int)]
  /// Whether the query must be explained, run and measured, or run.
  public var mode: Mode

  /// What to do with a query.
  public enum Mode: Sendable {
    /// Run it.
    case run
    /// Show its plan.
    case explain
    /// Run it and show its plan with counts of rows.
    case profile
  }

  /// Creates a query.
  public init(plan: Plan, slots: Int, columns: [(name: String, slot: Int)], mode: Mode = .run) {
    self.plan = plan
    self.slots = slots
    self.columns = columns
    self.mode = mode
  }
}
