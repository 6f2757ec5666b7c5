import QueryValues

/// A compiled Gremlin traversal with the definitions of its source.
public struct TraversalQuery: Sendable {
  /// The steps.
  public var traversal: Traversal
  /// The value that each traverser begins to carry; nil if traversers carry none.
  public var sack: SackDefinition?
  /// The side effects that exist before the first step.
  public var sideEffects: [SideEffectDefinition]
  /// What steps read of the history of traversers; the rest is not kept.
  public var history: HistoryNeed
  /// Whether merged traversers count as many.
  public var countsBulk = true
  /// The longest time in milliseconds; nil if the traversal names none.
  public var timeout: Int64?
  /// The seed of random choices; nil for a different one each time.
  public var seed: UInt64?
  /// Whether the traversal must be explained, run and measured, or run.
  public var mode: Query.Mode

  /// Creates a query.
  public init(_ traversal: Traversal) {
    self.traversal = traversal
    sack = nil
    sideEffects = []
    history = .all
    timeout = nil
    seed = nil
    mode = .run
  }

  /// What steps read of a history.
  public enum HistoryNeed: Int, Sendable, Comparable {
    /// Nothing.
    case none
    /// The objects with labels.
    case labels
    /// All objects.
    case all

    /// Whether one need is part of another one.
    public static func < (left: HistoryNeed, right: HistoryNeed) -> Bool { left.rawValue < right.rawValue }
  }

  /// What each traverser carries beside its object.
  public struct SackDefinition: Sendable {
    /// The value at the start.
    public var initial: Value
    /// How values merge when traversers are merged; nil if traversers with values are not merged.
    public var merge: BinaryFunction?

    /// Creates a definition.
    public init(initial: Value, merge: BinaryFunction?) {
      self.initial = initial
      self.merge = merge
    }
  }

  /// A side effect with its first value.
  public struct SideEffectDefinition: Sendable {
    /// The name.
    public var name: String
    /// The first value.
    public var initial: Value
    /// How additions are merged into the value; nil for the way of the step that adds.
    public var reducer: BinaryFunction?

    /// Creates a definition.
    public init(name: String, initial: Value, reducer: BinaryFunction?) {
      self.name = name
      self.initial = initial
      self.reducer = reducer
    }
  }
}

/// Steps that traversers take one after the other.
///
/// A traverser is an object, the number of times that it counts, the history that led to it, the counters of the loops that it is
/// in, and a value that it carries (its sack).
public struct Traversal: Sendable {
  /// The steps in order.
  public var steps: [TraversalStep]

  /// Creates a traversal.
  public init(_ steps: [TraversalStep] = []) { self.steps = steps }
}

/// A step, and the labels under which later steps find its objects.
public struct TraversalStep: Sendable {
  /// What the step does.
  public var operation: Step
  /// The labels.
  public var labels: [String]

  /// Creates a step.
  public init(_ operation: Step, labels: [String] = []) {
    self.operation = operation
    self.labels = labels
  }
}

/// What a step does.
public indirect enum Step: Sendable {
  // Starts, which may also stand in the middle.
  /// Vertices with identifiers, or all.
  case vertices(ids: [Value]?)
  /// Edges with identifiers, or all.
  case edges(ids: [Value]?)
  /// Values that come before the objects that arrive.
  case inject([Value])

  // Filters.
  /// Elements of which an identifier, a label or a property satisfies a predicate.
  case has(ElementKey, Predicate)
  /// Elements that have a property, or have not.
  case hasProperty(String, present: Bool)
  /// Elements with a property for which a traversal yields something.
  case hasTraversal(ElementKey, Traversal)
  /// Properties whose key satisfies a predicate.
  case hasKey(Predicate)
  /// Properties whose value satisfies a predicate.
  case hasValue(Predicate)
  /// Objects that satisfy a predicate.
  case isValue(Predicate)
  /// Objects for which a traversal yields something.
  case filter(Traversal)
  /// Objects for which a traversal yields nothing.
  case not(Traversal)
  /// Objects for which all traversals yield something.
  case and([Traversal])
  /// Objects for which a traversal yields something.
  case or([Traversal])
  /// Objects, or those of a label, that satisfy a predicate whose values are labels.
  case wherePredicate(start: String?, Predicate, by: [Projection])
  /// Objects for which the pattern from one label to another one holds.
  case wherePattern(MatchPattern)
  /// Walks without repetition, or with.
  case pathFilter(simple: Bool, PathRange)
  /// The first of equal objects; of equal objects of labels, if there are any.
  case dedup(labels: [String], by: [Projection], Scope)
  /// The objects from one position to another one, which is excluded; nil for all that follow.
  case range(from: Int64, to: Int64?, Scope)
  /// The last objects.
  case tail(Int64, Scope)
  /// Objects chosen at random, weighed by a projection.
  case sample(Int64, by: Projection, Scope)
  /// Each object with a probability.
  case coin(Double)
  /// Lists whose elements satisfy a predicate.
  case quantifier(Quantifier, Predicate)
  /// Nothing.
  case discard
  /// What comes within a number of milliseconds.
  case timeLimit(Int64)

  // Maps.
  /// The object itself.
  case identity
  /// A fixed value.
  case constant(Value)
  /// The identifier of an element.
  case id
  /// The label of an element or a property.
  case label
  /// The key of a property.
  case key
  /// The value of a property.
  case value
  /// The owner of a property.
  case element
  /// The properties of an element as a map.
  case valueMap(PropertyMap)
  /// The identifier, the label, the ends and the properties of an element as a map.
  case elementMap(keys: [String])
  /// Objects by label, entry or side effect.
  case select(Pop, labels: [String], by: [Projection])
  /// The object at the label that a traversal yields.
  case selectTraversal(Pop, Traversal, by: Projection)
  /// The keys or the values of a map.
  case selectColumn(Column)
  /// A map of projections.
  case project([(name: String, by: Projection)])
  /// The history as a path.
  case path(PathRange)
  /// The counter of a loop.
  case loops(String?)
  /// What the traverser carries.
  case sack
  /// The first result of a traversal.
  case map(Traversal)
  /// The object as a projection sees it.
  case view(Projection)
  /// Elements in a list, each with its position, or as a map by position.
  case index(asMap: Bool)
  /// The result of a formula.
  case math(MathExpression, by: [Projection])
  /// A function of text.
  case text(TextFunction, Scope)
  /// A text with `%{name}` replaced by properties or labels, `%{_}` by projections.
  case format(String, by: [Projection])
  /// Texts joined; arguments are texts or traversals.
  case concat([Operand])
  /// A function of two lists.
  case listFunction(ListFunction, Operand)
  /// A list joined to a text.
  case conjoin(String)
  /// A function of time.
  case date(DateFunction)

  // One object to many.
  /// The vertices next to a vertex.
  case adjacent(EdgeDirection, labels: [String])
  /// The edges at a vertex.
  case incident(EdgeDirection, labels: [String])
  /// The ends of an edge.
  case ends(EdgeEnd)
  /// The properties of an element, or their values.
  case properties(keys: [String], values: Bool)
  /// The elements of a collection.
  case unfold
  /// The results of a traversal.
  case flatMap(Traversal)
  /// The walks of a length within bounds over edges; ends are vertices.
  case walk(WalkStep)

  // Side effects.
  /// The objects are added to a side effect; `global` waits for all of them before the first goes on.
  case aggregate(String, by: Projection, Scope)
  /// A traversal runs for its side effects.
  case sideEffect(Traversal)
  /// A value of the traverser's sack.
  case updateSack(BinaryFunction, by: Projection)
  /// Edges are added to a side effect.
  case subgraph(String)

  // Branches.
  /// The results of all traversals.
  case union([Traversal])
  /// The results of the traversal whose pick matches.
  case choose(Choice)
  /// The results of the first traversal that yields any.
  case coalesce([Traversal])
  /// The results of a traversal, or the object if there are none.
  case optional(Traversal)
  /// The results of a traversal, with its barriers for one object.
  case local(Traversal)
  /// A traversal that runs again and again.
  case repeated(Loop)
  /// Assignments of objects to labels that satisfy patterns.
  case match([MatchPattern])

  // Barriers.
  /// Objects in an order.
  case order([OrderKey], Scope)
  /// One value of all objects.
  case reduce(Reduction, Scope)
  /// All objects as a list, or merged into a seed.
  case fold(seed: Value?, BinaryFunction?)
  /// A map of keys to what a traversal makes of the objects with that key. A named group is a side effect.
  case group(GroupSpecification)
  /// A map of keys to numbers of objects. A named one is a side effect.
  case groupCount(String?, by: Projection)
  /// A tree of the histories. A named one is a side effect.
  case tree(String?, by: [Projection])
  /// The values of side effects, after all objects came.
  case cap([String])
  /// All objects come before the first goes on; equal ones are merged.
  case barrier(normalizesSacks: Bool)
  /// Whether anything came.
  case hasNext
  /// An error.
  case fail(String)
}
