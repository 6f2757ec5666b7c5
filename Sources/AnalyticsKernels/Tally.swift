import Engines

/// A count that fails instead of overflowing.
struct Tally: BitwiseCopyable {
  private(set) var count = 0

  /// Adds the product of two numbers.
  /// - Throws: `EngineError` of code `invalidValue` if the count exceeds 63 bits.
  @inline(__always)
  mutating func add(_ number: Int, times factor: Int = 1) throws(EngineError) {
    let (product, isTooLarge) = number.multipliedReportingOverflow(by: factor)
    let (sum, exceeds) = count.addingReportingOverflow(product)
    guard !isTooLarge, !exceeds else {
      throw EngineError(.invalidValue, "the graph has more subgraphs of this kind than 63 bits can count")
    }
    count = sum
  }
}
