extension Duration {
  /// Milliseconds, rounded up and clamped to `Int64.max`.
  public var wholeMilliseconds: Int64 {
    let (seconds, attoseconds) = components
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1000)
    let rest = (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    let (sum, overflowsToo) = product.addingReportingOverflow(rest)
    return overflow || overflowsToo ? .max : sum
  }
}
