extension Duration {
  /// Milliseconds, rounded up; the largest number for what is longer.
  public var wholeMilliseconds: Int64 {
    let (seconds, attoseconds) = components
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
    let rest = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    let (sum, overflowsToo) = product.addingReportingOverflow(rest)
    return overflow || overflowsToo ? .max : sum
  }
}
