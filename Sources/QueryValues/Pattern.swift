import Synchronization

/// A regular expression in the plain part of Java's syntax, matched in time proportional to text times pattern.
///
/// Literals, `.`, classes with ranges, `\d \w \s \h \p{…}`, groups, `|`, `* + ? {n,m}` also lazy, `^ $ \A \z \b`, `\Q…\E` and the
/// flags `i m s u`. What a machine without backtracking cannot do is rejected by name: back references, look-around, possessive
/// quantifiers, atomic groups, intersections of classes.
///
/// The method is that of Thompson (1968): all states that the expression can be in are followed at once.
public struct Pattern: Sendable {
  /// The longest expression, in Unicode scalars.
  public static let longestPattern = 4_096
  /// The largest number of instructions of a compiled expression.
  static let largestProgram = 20_000
  /// The largest number of instructions that one match may take.
  static let mostSteps = 400_000_000

  enum Instruction: Sendable {
    case scalar(ScalarSet)
    case split(Int, Int)
    case jump(Int)
    case assertion(Assertion)
    case accept
  }

  enum Assertion: Sendable {
    case textStart, textEnd, lineStart, lineEnd, finalEnd, wordBoundary, noWordBoundary
  }

  private let program: [Instruction]

  /// Compiles an expression.
  /// - Throws: A query error for wrong syntax, for what is not supported, and for expressions that are too large.
  public init(_ expression: String) throws(QueryError) {
    var parser = PatternParser(expression)
    var compiler = PatternCompiler()
    program = try compiler.compile(try parser.parse())
  }

  /// The compiled form of an expression, from a small cache of all threads.
  public static func cached(_ expression: String) throws(QueryError) -> Pattern {
    if let pattern = cache.withLock({ $0[expression] }) { return pattern }
    let pattern = try Pattern(expression)
    cache.withLock {
      if $0.count >= 64 { $0.removeAll() }
      $0[expression] = pattern
    }
    return pattern
  }

  private static let cache = Mutex<[String: Pattern]>([:])

  /// Whether the expression matches the whole text.
  /// - Throws: An error if the match takes too many steps.
  public func matches(_ text: String) throws(QueryError) -> Bool { try run(Array(text.unicodeScalars), anchored: true) }

  /// Whether the expression matches a part of the text.
  /// - Throws: An error if the match takes too many steps.
  public func isFound(in text: String) throws(QueryError) -> Bool {
    try run(Array(text.unicodeScalars), anchored: false)
  }

  private func run(_ text: [Unicode.Scalar], anchored: Bool) throws(QueryError) -> Bool {
    var current = StateSet(capacity: program.count)
    var next = StateSet(capacity: program.count)
    var stack: [Int] = []
    var steps = 0
    for position in 0...text.count {
      if position == 0 || !anchored { follow(0, position, text, &current, &stack) }
      for state in current.states {
        switch program[state] {
        case .accept:
          if !anchored || position == text.count { return true }
        case .scalar(let set):
          if position < text.count, set.contains(text[position]) {
            follow(state + 1, position + 1, text, &next, &stack)
          }
        default: break
        }
      }
      steps += current.states.count + 1
      if steps > Self.mostSteps {
        throw QueryError(
          .argument,
          "Matching a regular expression took more than \(Self.mostSteps) steps; simplify it or shorten the text")
      }
      if anchored && next.states.isEmpty { return false }
      swap(&current, &next)
      next.removeAll()
    }
    return false
  }

  /// Adds a state and those that it reaches without a scalar.
  private func follow(
    _ start: Int, _ position: Int, _ text: [Unicode.Scalar], _ set: inout StateSet, _ stack: inout [Int]
  ) {
    stack.append(start)
    while let state = stack.popLast() {
      guard set.insert(state) else { continue }
      switch program[state] {
      case .jump(let target): stack.append(target)
      case .split(let first, let second):
        stack.append(second)
        stack.append(first)
      case .assertion(let assertion):
        if Self.holds(assertion, position, text) { stack.append(state + 1) }
      case .scalar, .accept: break
      }
    }
  }

  private static func holds(_ assertion: Assertion, _ position: Int, _ text: [Unicode.Scalar]) -> Bool {
    switch assertion {
    case .textStart: position == 0
    case .textEnd: position == text.count
    case .finalEnd: position == text.count || isFinalTerminator(position, text)
    case .lineStart:
      position == 0 || (position < text.count && isTerminator(text[position - 1]) && !isInsideCRLF(position, text))
    case .lineEnd: position == text.count || (isTerminator(text[position]) && !isInsideCRLF(position, text))
    case .wordBoundary: isBoundary(position, text)
    case .noWordBoundary: !isBoundary(position, text)
    }
  }

  private static func isFinalTerminator(_ position: Int, _ text: [Unicode.Scalar]) -> Bool {
    if isInsideCRLF(position, text) { return false }
    let rest = text.count - position
    return rest == 1 && isTerminator(text[position])
      || rest == 2 && text[position] == "\r" && text[position + 1] == "\n"
  }

  private static func isInsideCRLF(_ position: Int, _ text: [Unicode.Scalar]) -> Bool {
    position > 0 && position < text.count && text[position - 1] == "\r" && text[position] == "\n"
  }

  private static func isBoundary(_ position: Int, _ text: [Unicode.Scalar]) -> Bool {
    let before = position > 0 && ScalarSet.word.contains(text[position - 1])
    let after = position < text.count && ScalarSet.word.contains(text[position])
    return before != after
  }

  /// Whether Java takes a scalar for the end of a line.
  static func isTerminator(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0A, 0x0D, 0x85, 0x2028, 0x2029: true
    default: false
    }
  }
}

/// States in the order of their arrival, each once.
private struct StateSet {
  private(set) var states: [Int] = []
  private var isMember: [Bool]

  init(capacity: Int) { isMember = Array(repeating: false, count: capacity) }

  mutating func insert(_ state: Int) -> Bool {
    if isMember[state] { return false }
    isMember[state] = true
    states.append(state)
    return true
  }

  mutating func removeAll() {
    for state in states { isMember[state] = false }
    states.removeAll(keepingCapacity: true)
  }
}
