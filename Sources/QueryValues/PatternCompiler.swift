/// A regular expression as a tree.
indirect enum PatternNode: Sendable {
  case empty
  case scalar(ScalarSet)
  case assertion(Pattern.Assertion)
  case sequence([PatternNode])
  case alternatives([PatternNode])
  case repetition(PatternNode, minimum: Int, maximum: Int?)
}

/// Turns a tree into instructions.
struct PatternCompiler {
  private var program: [Pattern.Instruction] = []

  mutating func compile(_ node: PatternNode) throws(QueryError) -> [Pattern.Instruction] {
    try emit(node)
    try append(.accept)
    return program
  }

  private mutating func emit(_ node: PatternNode) throws(QueryError) {
    switch node {
    case .empty: break
    case .scalar(let set): try append(.scalar(set))
    case .assertion(let assertion): try append(.assertion(assertion))
    case .sequence(let nodes): for node in nodes { try emit(node) }
    case .alternatives(let nodes): try emitAlternatives(nodes)
    case .repetition(let node, let minimum, let maximum): try emitRepetition(node, minimum, maximum)
    }
  }

  private mutating func emitAlternatives(_ nodes: [PatternNode]) throws(QueryError) {
    var jumps: [Int] = []
    for (index, node) in nodes.enumerated() {
      guard index < nodes.count - 1 else {
        try emit(node)
        break
      }
      let split = program.count
      try append(.split(split + 1, 0))
      try emit(node)
      jumps.append(program.count)
      try append(.jump(0))
      program[split] = .split(split + 1, program.count)
    }
    for jump in jumps { program[jump] = .jump(program.count) }
  }

  private mutating func emitRepetition(_ node: PatternNode, _ minimum: Int, _ maximum: Int?) throws(QueryError) {
    for _ in 0..<minimum {
      let start = program.count
      try emit(node)
      // A node without instructions is the same however often it comes.
      if program.count == start { return }
    }
    guard let maximum else {
      let split = program.count
      try append(.split(split + 1, 0))
      try emit(node)
      try append(.jump(split))
      program[split] = .split(split + 1, program.count)
      return
    }
    var splits: [Int] = []
    for _ in minimum..<max(minimum, maximum) {
      splits.append(program.count)
      try append(.split(program.count + 1, 0))
      try emit(node)
    }
    for split in splits { program[split] = .split(split + 1, program.count) }
  }

  private mutating func append(_ instruction: Pattern.Instruction) throws(QueryError) {
    if program.count >= Pattern.largestProgram {
      throw QueryError(
        .argument, "A regular expression is larger than \(Pattern.largestProgram) steps; use smaller counts in { }")
    }
    program.append(instruction)
  }
}

/// A set of Unicode scalars.
struct ScalarSet: Sendable {
  enum Item: Sendable {
    case range(ClosedRange<UInt32>)
    case category(@Sendable (Unicode.Scalar) -> Bool)
    case set(ScalarSet)
  }

  var items: [Item]
  var isNegated = false
  /// Whether both cases of a letter match: of ASCII alone, or of all scripts.
  var ignoresCase = false
  var ignoresUnicodeCase = false

  static let digit = ScalarSet(items: [.range(0x30...0x39)])
  static let word = ScalarSet(items: [
    .range(0x30...0x39), .range(0x41...0x5A), .range(0x5F...0x5F), .range(0x61...0x7A),
  ])
  static let space = ScalarSet(items: [.range(0x09...0x0D), .range(0x20...0x20)])
  static let horizontalSpace = ScalarSet(items: [
    .range(0x09...0x09), .range(0x20...0x20), .range(0xA0...0xA0), .range(0x1680...0x1680), .range(0x180E...0x180E),
    .range(0x2000...0x200A), .range(0x202F...0x202F), .range(0x205F...0x205F), .range(0x3000...0x3000),
  ])
  static let noTerminator = ScalarSet(items: [.category { Pattern.isTerminator($0) }], isNegated: true)
  static let all = ScalarSet(items: [], isNegated: true)

  var negated: ScalarSet {
    var set = self
    set.isNegated.toggle()
    return set
  }

  func contains(_ scalar: Unicode.Scalar) -> Bool {
    if has(scalar) { return !isNegated }
    if ignoresCase, otherCases(scalar).contains(where: has) { return !isNegated }
    return isNegated
  }

  private func has(_ scalar: Unicode.Scalar) -> Bool {
    for item in items {
      switch item {
      case .range(let range): if range.contains(scalar.value) { return true }
      case .category(let category): if category(scalar) { return true }
      case .set(let set): if set.contains(scalar) { return true }
      }
    }
    return false
  }

  private func otherCases(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
    if scalar.isASCII {
      switch scalar.value {
      case 0x41...0x5A: return [Unicode.Scalar(scalar.value + 32)!]
      case 0x61...0x7A: return [Unicode.Scalar(scalar.value - 32)!]
      default: return []
      }
    }
    guard ignoresUnicodeCase else { return [] }
    return [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping].compactMap {
      $0.unicodeScalars.count == 1 ? $0.unicodeScalars.first : nil
    }
  }
}
