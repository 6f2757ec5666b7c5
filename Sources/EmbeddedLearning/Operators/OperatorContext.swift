import Workers

/// What an operator works with besides its inputs.
struct OperatorContext {
  /// The maximum number of values in all tensors of an answer.
  static let maximumValues = 16 << 20

  let workers: Workers
  let seed: UInt64
  /// The memory of the answer, charged to the session.
  private let memory: StorageReservation

  /// Creates the context of an operator.
  /// - Throws: `StorageRefusal`, if nothing at all may be taken.
  init(workers: Workers, seed: UInt64) throws(StorageRefusal) {
    self.workers = workers
    self.seed = seed
    memory = try StorageReservation(0, as: .memory, from: workers.storage)
  }

  /// Returns the context of a part of the work, which draws other random numbers.
  func part(_ number: Int) -> OperatorContext {
    OperatorContext(workers, SampleRandom.mixed(seed &+ SampleRandom.mixed(UInt64(number) &+ 1)), memory)
  }

  private init(_ workers: Workers, _ seed: UInt64, _ memory: StorageReservation) {
    (self.workers, self.seed, self.memory) = (workers, seed, memory)
  }

  /// Takes memory for rows of values before they are computed.
  /// - Throws: `LearningError` when the answer would be too large; `StorageRefusal`.
  func claim(rows: Int, of width: Int) throws {
    let (values, overflow) = rows.multipliedReportingOverflow(by: width)
    guard !overflow, values + memory.byteCount / 8 <= Self.maximumValues else {
      throw LearningError(
        .resourceExhausted, "\(rows) rows of \(width) values exceed \(Self.maximumValues) values an answer")
    }
    try memory.grow(by: values * 8)
  }

  /// Calls `body` with rows and random numbers of their own, on several threads. What is drawn does not depend on the number of
  /// threads.
  func forEachRow(_ rows: Int, width: Int, _ body: (Range<Int>, inout SampleRandom) throws -> Void) throws {
    let grain = max(1, 32_768 / max(1, width))
    try workers.forEach(rows, grain: grain) { range, _ in
      var random = SampleRandom(seed: seed, part: range.lowerBound / grain)
      try body(range, &random)
    }
  }
}

/// The values that flow into an operator.
struct OperatorInputs {
  var tensors: TensorList
  /// The number of values of each row, of inputs whose rows differ.
  var segments: [String: [Int32]] = [:]

  /// Returns the integers of an input.
  /// - Throws: `LearningError` when it is missing.
  func integers(_ name: String) throws(LearningError) -> [Int64] { try tensors.integers(name) }
}
