/// What commits took, in microseconds.
struct Times: CustomStringConvertible {
  private let sorted: [Double]
  private let elapsed: Double
  private let processor: Double

  /// Each commit's own time, and what all of them took together.
  init(_ each: [Double], elapsed: Double, processor: Double) {
    sorted = each.sorted()
    self.elapsed = elapsed
    self.processor = processor
  }

  private func quantile(_ part: Double) -> Double { sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))] }

  /// An object of JSON.
  var description: String {
    let count = Double(sorted.count)
    return #"{"p50":\#(quantile(0.5)),"p99":\#(quantile(0.99)),"p99.9":\#(quantile(0.999)),"#
      + #""elapsed":\#(elapsed / count),"processor":\#(processor / count)}"#
  }
}
