/// The state of one aggregation over the rows of one group.
///
/// Nulls are skipped by all functions except `count(*)`. `held` says how many values are kept; the memory of a query is bounded
/// where it runs.
public struct Accumulator: Sendable {
  private let function: AggregateFunction
  private let isDistinct: Bool
  private var seen: Set<GroupingKey> = []
  private var count: Int64 = 0
  private var sum = RunningSum()
  private var extreme: Value = .null
  private var values: [Value] = []
  private var deviation = RunningDeviation()
  private var percentile: Double?

  /// Creates the state before the first row.
  /// - Parameter distinct: Whether values that are the same count once.
  public init(_ function: AggregateFunction, distinct: Bool) {
    self.function = function
    isDistinct = distinct
  }

  /// The number of values that are kept for the result.
  public var held: Int { values.count + seen.count }

  /// Takes the arguments of a row: none for `count(*)`, the value, and for percentiles the percentile.
  /// - Throws: An error for values that the function does not take, for sums that leave 64 bits, and for percentiles that are not
  ///   between 0 and 1.
  public mutating func add(_ arguments: [Value]) throws(QueryError) {
    if function == .countAll {
      count += 1
      return
    }
    if function == .continuousPercentile || function == .discretePercentile { try readPercentile(arguments[1]) }
    let value = arguments[0]
    if value.isNull || (isDistinct && !seen.insert(GroupingKey(value)).inserted) { return }
    switch function {
    case .countAll, .count: count += 1
    case .sum, .average: try sum.add(value, function.rawValue, isExact: function == .sum)
    case .minimum: if extreme.isNull || value.precedes(extreme) { extreme = value }
    case .maximum: if extreme.isNull || extreme.precedes(value) { extreme = value }
    case .collect: values.append(value)
    case .sampleDeviation, .populationDeviation: deviation.add(try number(value).double)
    case .continuousPercentile, .discretePercentile:
      _ = try number(value)
      values.append(value)
    }
  }

  /// The value of the aggregation over the rows so far.
  /// - Throws: An error for a sum or mean that leaves the range of its type.
  public func result() throws(QueryError) -> Value {
    switch function {
    case .countAll, .count: return .integer(count)
    case .sum: return try sum.sum()
    case .average: return try sum.mean()
    case .minimum, .maximum: return extreme
    case .collect: return .list(values)
    case .sampleDeviation: return .float(deviation.deviation(dividingBy: deviation.count - 1))
    case .populationDeviation: return .float(deviation.deviation(dividingBy: deviation.count))
    case .continuousPercentile: return continuous()
    case .discretePercentile: return discrete()
    }
  }

  private func number(_ value: Value) throws(QueryError) -> Number {
    guard let number = value.number else { throw .wrongType("\(function.rawValue)()", takes: "numbers", not: value) }
    return number
  }

  private mutating func readPercentile(_ value: Value) throws(QueryError) {
    if percentile != nil { return }
    guard let number = value.number?.double, number >= 0, number <= 1 else {
      throw QueryError(
        .argument, detail: "NumberOutOfRange",
        "The percentile of \(function.rawValue)() is \(value.cypherText(graph: nil, limit: 60)); it must be a number from 0.0 to 1.0"
      )
    }
    percentile = number
  }

  private var sorted: [Value] { values.sorted { $0.precedes($1) } }

  private func discrete() -> Value {
    guard let percentile, !values.isEmpty else { return .null }
    let sorted = sorted
    let position = percentile * Double(sorted.count)
    let whole = position.rounded(.down)
    let index = whole == position && whole > 0 ? Int(whole) - 1 : Int(whole)
    return sorted[min(index, sorted.count - 1)]
  }

  private func continuous() -> Value {
    guard let percentile, !values.isEmpty else { return .null }
    let sorted = sorted.map { $0.number?.double ?? .nan }
    let position = percentile * Double(sorted.count - 1)
    let lower = Int(position.rounded(.down))
    let upper = min(lower + 1, sorted.count - 1)
    let part = position - Double(lower)
    return .float(part == 0 ? sorted[lower] : sorted[lower] * (1 - part) + sorted[upper] * part)
  }
}

/// A sum of numbers, or of durations.
private struct RunningSum: Sendable {
  private var count: Int64 = 0
  private var whole: Int128 = 0
  private var real = 0.0
  /// What rounding lost (Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", 1974).
  private var lost = 0.0
  private var isReal = false
  private var duration: DurationValue?

  /// - Parameter isExact: Whether a sum of whole numbers must stay within 64 bits.
  mutating func add(_ value: Value, _ function: String, isExact: Bool) throws(QueryError) {
    if case .temporal(.duration(let next)) = value, count == 0 || duration != nil {
      duration = try duration?.adding(next) ?? next
    } else {
      guard duration == nil, let number = value.number else {
        throw .wrongType("\(function)()", takes: duration == nil ? "numbers or durations" : "durations", not: value)
      }
      switch number {
      case .whole(let next):
        whole += Int128(next)
        if isExact, Int64(exactly: whole) == nil { throw .overflow("sum()") }
      case .real(let next): add(next)
      }
    }
    count += 1
  }

  private mutating func add(_ next: Double) {
    isReal = true
    let sum = real + next
    if sum.isFinite { lost += real.magnitude >= next.magnitude ? (real - sum) + next : (next - sum) + real }
    real = sum
  }

  func sum() throws(QueryError) -> Value {
    if let duration { return .temporal(.duration(duration)) }
    if isReal { return .float(total) }
    guard let sum = Int64(exactly: whole) else { throw .overflow("sum()") }
    return .integer(sum)
  }

  func mean() throws(QueryError) -> Value {
    if count == 0 { return .null }
    if let duration { return .temporal(.duration(try duration.divided(by: .whole(count)))) }
    return .float(total / Double(count))
  }

  private var total: Double { real.isFinite ? Double(whole) + real + lost : Double(whole) + real }
}

/// Mean and squared deviations (Welford, "Note on a Method for Calculating Corrected Sums of Squares and Products", 1962).
private struct RunningDeviation: Sendable {
  private(set) var count = 0
  private var mean = 0.0
  private var squares = 0.0

  mutating func add(_ value: Double) {
    count += 1
    let difference = value - mean
    mean += difference / Double(count)
    squares += difference * (value - mean)
  }

  func deviation(dividingBy divisor: Int) -> Double { divisor > 0 ? (squares / Double(divisor)).squareRoot() : 0 }
}
