/// The durations of commits, in microseconds.
struct Times: CustomStringConvertible {
  private let sorted: [Double]
  private let elapsed: Double
  private let processor: Double

  /// Creates times from the duration of each commit and the totals of all.
  init(_ each: [Double], elapsed: Double, processor: Double) {
    sorted = each.sorted()
    self.elapsed = elapsed
    self.processor = processor
  }

  private func quantile(_ part: Double) -> Double { sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))] }

  /// The times as a JSON object.
  var description: String {
    let count = Double(sorted.count)
    return #"{"p50":\#(quantile(0.5)),"p99":\#(quantile(0.99)),"p99.9":\#(quantile(0.999)),"#
      + #""elapsed":\#(elapsed / count),"processor":\#(processor / count)}"#
  }
}
