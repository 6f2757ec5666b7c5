import QueryValues

/// How an object is seen by a step: what `by()` says.
public indirect enum Projection: Sendable {
  /// The object itself.
  case identity
  /// A property of an element, or an entry of a map.
  case property(String)
  /// The identifier, the label, the key or the value.
  case token(Token)
  /// The keys or the values of a map.
  case column(Column)
  /// The first result of a traversal.
  case traversal(Traversal)
  /// A projection that yields null where it would yield nothing.
  case orNull(Projection)
}

/// What `has` looks at.
public enum ElementKey: Sendable, Hashable {
  /// The identifier.
  case id
  /// The label.
  case label
  /// A property.
  case property(String)
}

/// Whether a step works on all objects or inside each of them.
public enum Scope: String, Sendable {
  /// All objects.
  case global
  /// Inside of each object.
  case local
}

/// Which objects of a label are meant.
public enum Pop: String, Sendable {
  /// The first one.
  case first
  /// The last one.
  case last
  /// All of them, as a list.
  case all
  /// The only one, or all of them as a list.
  case mixed
}

/// A side of a map.
public enum Column: String, Sendable {
  /// The keys.
  case keys
  /// The values.
  case values
}

/// A function of two values: what `Operator` names.
public enum BinaryFunction: String, Sendable, CaseIterable {
  /// The sum.
  case sum
  /// The difference.
  case minus
  /// The product.
  case mult
  /// The quotient; of whole numbers a whole number.
  case div
  /// The smaller value.
  case min
  /// The larger value.
  case max
  /// The second value.
  case assign
  /// Conjunction.
  case and
  /// Disjunction.
  case or
  /// All elements of both collections.
  case addAll
  /// The sum, for counters.
  case sumLong
}

/// One value of many.
public enum Reduction: String, Sendable {
  /// The number.
  case count
  /// The sum; nothing of nothing.
  case sum
  /// The smallest; nothing of nothing.
  case min
  /// The largest; nothing of nothing.
  case max
  /// The mean; nothing of nothing.
  case mean
}

/// A criterion of an order.
public struct OrderKey: Sendable {
  /// What is compared.
  public var by: Projection
  /// The order.
  public var direction: Direction

  /// An order.
  public enum Direction: String, Sendable {
    /// Smallest first.
    case ascending = "asc"
    /// Largest first.
    case descending = "desc"
    /// At random.
    case shuffle
  }

  /// Creates a criterion.
  public init(_ by: Projection, _ direction: Direction) {
    self.by = by
    self.direction = direction
  }
}

/// A condition on a value.
public indirect enum Predicate: Sendable {
  /// Equality.
  case equal(Value)
  /// Inequality.
  case notEqual(Value)
  /// Less; an error of type if the values cannot be compared.
  case less(Value)
  /// Less or equal.
  case lessOrEqual(Value)
  /// Greater.
  case greater(Value)
  /// Greater or equal.
  case greaterOrEqual(Value)
  /// Membership.
  case within([Value])
  /// No membership.
  case without([Value])
  /// The text begins with another one, or does not.
  case startsWith(String, negated: Bool)
  /// The text ends with another one, or does not.
  case endsWith(String, negated: Bool)
  /// The text contains another one, or does not.
  case contains(String, negated: Bool)
  /// A regular expression matches a part of the text, or does not.
  case matches(String, negated: Bool)
  /// The value has a type: the name of a constant of `GType`.
  case hasType(String)
  /// All conditions hold.
  case and([Predicate])
  /// A condition holds.
  case or([Predicate])
  /// The condition does not hold.
  case not(Predicate)
}

/// A part of a history, and how its objects are seen.
public struct PathRange: Sendable {
  /// The label where the part begins; nil for the start.
  public var from: String?
  /// The label where the part ends; nil for the end.
  public var to: String?
  /// Projections, used in turn.
  public var by: [Projection]

  /// Creates a part.
  public init(from: String? = nil, to: String? = nil, by: [Projection] = []) {
    self.from = from
    self.to = to
    self.by = by
  }
}

/// What `valueMap` and `propertyMap` make.
public struct PropertyMap: Sendable {
  /// The keys; empty for all.
  public var keys: [String]
  /// Whether the identifier is an entry.
  public var includesID = false
  /// Whether the label is an entry.
  public var includesLabel = false
  /// Whether entries are properties, not values.
  public var keepsProperties = false
  /// What becomes of the list of values of a key; nil to keep the list.
  public var by: Projection?

  /// Creates a map.
  public init(keys: [String]) { self.keys = keys }
}

/// An end of an edge.
public enum EdgeEnd: String, Sendable {
  /// The vertex where the edge begins.
  case out
  /// The vertex where the edge ends.
  case `in`
  /// Both.
  case both
  /// The one that the traverser did not come from.
  case other
  /// The last vertex of a walk, GraphScope's `endV()`; a vertex itself.
  case last
}

/// A choice among traversals.
public struct Choice: Sendable {
  /// What is compared with the picks; nil if each pick is tested with the object itself.
  public var subject: Traversal?
  /// Whether the first match alone counts, or all of them.
  public var firstOnly: Bool
  /// The traversals with their picks.
  public var options: [Option]
  /// Whether an object for which nothing matches goes on as it is.
  public var passesUnmatched: Bool

  /// A traversal with its pick.
  public struct Option: Sendable {
    /// The pick.
    public var pick: Pick
    /// The traversal.
    public var traversal: Traversal

    /// Creates an option.
    public init(_ pick: Pick, _ traversal: Traversal) {
      self.pick = pick
      self.traversal = traversal
    }
  }

  /// When an option is taken.
  public indirect enum Pick: Sendable {
    /// The subject equals a value.
    case value(Value)
    /// The subject satisfies a predicate.
    case predicate(Predicate)
    /// A traversal yields something for the subject.
    case traversal(Traversal)
    /// Always.
    case any
    /// If no other one is taken.
    case none
    /// If the subject yields nothing.
    case unproductive
  }

  /// Creates a choice.
  public init(subject: Traversal?, firstOnly: Bool, options: [Option], passesUnmatched: Bool) {
    self.subject = subject
    self.firstOnly = firstOnly
    self.options = options
    self.passesUnmatched = passesUnmatched
  }
}

/// A loop.
public struct Loop: Sendable {
  /// The steps of one turn.
  public var body: Traversal
  /// The name of the counter.
  public var name: String?
  /// When an object leaves the loop; nil for never.
  public var until: Condition?
  /// Whether `until` is tested before the first turn.
  public var untilFirst = false
  /// When an object is also yielded; nil for never.
  public var emit: Condition?
  /// Whether `emit` is tested before the first turn.
  public var emitFirst = false

  /// A condition on a traverser in a loop.
  public enum Condition: Sendable {
    /// Always.
    case always
    /// After a number of turns.
    case times(Int64)
    /// If a traversal yields something.
    case traversal(Traversal)
  }

  /// Creates a loop.
  public init(body: Traversal, name: String?) {
    self.body = body
    self.name = name
  }
}

/// What `group` makes.
public struct GroupSpecification: Sendable {
  /// The name of the side effect; nil if the map is the result.
  public var name: String?
  /// The key.
  public var key: Projection
  /// What becomes of the objects of a key.
  public var value: Traversal
  /// Whether `value` sees all objects of a key; otherwise its first result counts.
  public var reduces: Bool

  /// Creates a specification.
  public init(name: String?, key: Projection, value: Traversal, reduces: Bool) {
    self.name = name
    self.key = key
    self.value = value
    self.reduces = reduces
  }
}

/// A pattern of `match` and `where`.
public indirect enum MatchPattern: Sendable {
  /// A traversal from the object of a label to that of another one; without the latter it must yield something.
  case traversal(start: String?, Traversal, end: String?)
  /// A condition on labels that are bound.
  case predicate(start: String, Predicate, by: [Projection])
  /// All patterns hold.
  case and([MatchPattern])
  /// A pattern holds.
  case or([MatchPattern])
  /// The pattern does not hold.
  case not(MatchPattern)
  /// The pattern holds, without binding labels.
  case condition(MatchPattern)
}

/// A fixed value, or the result of a traversal.
public enum Operand: Sendable {
  /// A fixed value.
  case value(Value)
  /// The first result of a traversal.
  case traversal(Traversal)
}

/// Walks of variable length from a vertex: GraphScope's `out('1..3', 'knows')`.
public struct WalkStep: Sendable {
  /// The direction of the edges.
  public var direction: EdgeDirection
  /// The labels of the edges; empty for all.
  public var labels: [String]
  /// The smallest number of edges.
  public var minimum: Int64
  /// The number of edges that walks stay below.
  public var maximum: Int64
  /// Which walks count.
  public var kind = Kind.arbitrary
  /// What a walk is shown as.
  public var result = Result.end

  /// Which walks count.
  public enum Kind: String, Sendable {
    /// All.
    case arbitrary = "ARBITRARY"
    /// Those that visit no vertex twice.
    case simple = "SIMPLE"
    /// Those that use no edge twice.
    case trail = "TRAIL"
  }

  /// What a walk is shown as.
  public enum Result: String, Sendable {
    /// Its last vertex.
    case end = "END_V"
    /// A path of its vertices.
    case vertices = "ALL_V"
    /// A path of its vertices and edges.
    case all = "ALL_V_E"
  }

  /// Creates walks.
  public init(_ direction: EdgeDirection, labels: [String], minimum: Int64, maximum: Int64) {
    self.direction = direction
    self.labels = labels
    self.minimum = minimum
    self.maximum = maximum
  }
}
