import QueryAlgebra
import QueryValues

/// Patterns between labels.
extension TraversalRunner {
  /// Whether the pattern of `where` holds.
  func matches(_ pattern: MatchPattern, _ traverser: Traverser) throws(QueryError) -> Bool? {
    switch pattern {
    case .traversal(let start, let traversal, let end):
      var from = traverser
      if let start {
        guard let object = try scoped(start, .last, traverser) else { return false }
        from = traverser.with(object)
      }
      guard let end else { return try holds(traversal, for: from) }
      guard let target = try scoped(end, .last, traverser) else { return false }
      var found = false
      try results(of: traversal, for: from, isCondition: true) { result throws(QueryError) in
        found = GremlinComparison.equals(result.value, target)
        return !found
      }
      return found
    case .predicate(let start, let predicate, let by): return try compares(start, predicate, by, traverser)
    case .and(let patterns):
      for pattern in patterns where try matches(pattern, traverser) != true { return false }
      return true
    case .or(let patterns):
      for pattern in patterns where try matches(pattern, traverser) == true { return true }
      return false
    case .not(let pattern): return try matches(pattern, traverser).map { !$0 }
    case .condition(let pattern): return try matches(pattern, traverser)
    }
  }

  func feedMatch(_ index: Int, _ patterns: [MatchPattern], _ traverser: Traverser) throws(QueryError) -> Bool {
    var bindings = MatchBindings()
    for label in MatchPattern.and(patterns).labels {
      if let object = traverser.history?.last(label) { bindings.bind(label, object) }
    }
    bindings.bind(MatchPattern.and(patterns).start, traverser.value)
    return try solve(patterns, bindings, traverser) { found throws(QueryError) in
      var next = traverser
      for (label, value) in found.entries {
        next.history = History(value, labels: [label], previous: next.history)
      }
      return try self.emit(index, .map(ValueMap(found.entries)), from: next)
    }
  }

  /// Hands each assignment that satisfies all patterns to a body. Returns false if nothing more is wanted.
  private func solve(
    _ patterns: [MatchPattern], _ bindings: MatchBindings, _ traverser: Traverser,
    _ body: @escaping (MatchBindings) throws(QueryError) -> Bool
  ) throws(QueryError) -> Bool {
    guard let position = next(patterns, bindings) else {
      guard patterns.isEmpty else {
        throw QueryError(
          .argument, "The patterns of match() are not connected. Let each begin at a label that another one binds.")
      }
      return try body(bindings)
    }
    var rest = patterns
    let pattern = rest.remove(at: position)
    return try satisfy(pattern, bindings, traverser) { extended throws(QueryError) in
      try self.solve(rest, extended, traverser, body)
    }
  }

  /// The pattern to look at next: conditions whose labels are bound, then a pattern whose start is bound.
  private func next(_ patterns: [MatchPattern], _ bindings: MatchBindings) -> Int? {
    patterns.firstIndex { $0.isCondition && $0.labels.allSatisfy(bindings.binds) }
      ?? patterns.firstIndex { !$0.isCondition && bindings.binds($0.start) }
      ?? patterns.firstIndex { $0.isCondition && bindings.binds($0.start) && !patterns.contains { !$0.isCondition } }
  }

  private func satisfy(
    _ pattern: MatchPattern, _ bindings: MatchBindings, _ traverser: Traverser,
    _ body: @escaping (MatchBindings) throws(QueryError) -> Bool
  ) throws(QueryError) -> Bool {
    switch pattern {
    case .traversal(let start, let traversal, let end):
      guard let object = bindings[start ?? ""] else { return true }
      var more = true
      try results(of: traversal, for: bindings.traverser(traverser, object)) { result throws(QueryError) in
        guard let end else {
          more = try body(bindings)
          return false
        }
        if let bound = bindings[end] {
          if GremlinComparison.equals(bound, result.value) { more = try body(bindings) }
          return more
        }
        var extended = bindings
        extended.bind(end, result.value)
        more = try body(extended)
        return more
      }
      return more
    case .and(let patterns): return try solve(patterns, bindings, traverser, body)
    case .or(let patterns):
      for pattern in patterns {
        var found = false
        let more = try satisfy(pattern, bindings, traverser) { extended throws(QueryError) in
          found = true
          return try body(extended)
        }
        if found { return more }
      }
      return true
    case .not(let inner):
      var found = false
      _ = try satisfy(inner, bindings, traverser) { _ throws(QueryError) in
        found = true
        return false
      }
      return found ? true : try body(bindings)
    case .condition(let inner):
      return try matches(inner, bindings.traverser(traverser, traverser.value)) == true ? body(bindings) : true
    case .predicate:
      return try matches(pattern, bindings.traverser(traverser, traverser.value)) == true ? body(bindings) : true
    }
  }
}

/// The objects that labels of `match` stand for.
private struct MatchBindings {
  private(set) var entries: [(String, Value)] = []

  subscript(label: String) -> Value? { entries.first { $0.0 == label }?.1 }

  func binds(_ label: String) -> Bool { entries.contains { $0.0 == label } }

  mutating func bind(_ label: String, _ value: Value) {
    if !binds(label) { entries.append((label, value)) }
  }

  /// A traverser whose history has the labels.
  func traverser(_ traverser: Traverser, _ value: Value) -> Traverser {
    var result = traverser.with(value)
    for (label, value) in entries { result.history = History(value, labels: [label], previous: result.history) }
    return result
  }
}

extension MatchPattern {
  /// The label where the pattern begins.
  fileprivate var start: String {
    switch self {
    case .traversal(let start, _, _): start ?? ""
    case .predicate(let start, _, _): start
    case .and(let patterns), .or(let patterns): Self.start(of: patterns)
    case .not(let pattern), .condition(let pattern): pattern.start
    }
  }

  /// The first start that no pattern ends at, or the first one.
  private static func start(of patterns: [MatchPattern]) -> String {
    let ends = Set(patterns.flatMap(\.ends))
    let starts = patterns.filter { !$0.isCondition }.map(\.start)
    return starts.first { !ends.contains($0) } ?? starts.first ?? patterns.first?.start ?? ""
  }

  private var ends: [String] {
    switch self {
    case .traversal(_, _, let end): end.map { [$0] } ?? []
    case .and(let patterns), .or(let patterns): patterns.flatMap(\.ends)
    case .not, .condition, .predicate: []
    }
  }

  /// Whether the pattern binds nothing.
  fileprivate var isCondition: Bool {
    switch self {
    case .traversal, .and, .or: false
    case .predicate, .not, .condition: true
    }
  }

  /// All labels.
  fileprivate var labels: [String] {
    switch self {
    case .traversal(let start, _, let end): [start, end].compactMap(\.self)
    case .predicate(let start, let predicate, _): [start] + predicate.labels
    case .and(let patterns), .or(let patterns): patterns.flatMap(\.labels)
    case .not(let pattern), .condition(let pattern): pattern.labels
    }
  }
}

extension Predicate {
  /// The texts that the predicate compares with.
  fileprivate var labels: [String] {
    var values: [Value] = []
    _ = try? replacing { value in
      values.append(value)
      return [value]
    }
    return values.compactMap { if case .string(let label) = $0 { label } else { nil } }
  }
}
