/// A function of many rows.
public enum AggregateFunction: String, Sendable, CaseIterable {
  /// The number of rows.
  case countAll
  /// The number of values that are not null.
  case count
  /// The sum; 0 of nothing.
  case sum
  /// The mean; null of nothing.
  case average = "avg"
  /// The smallest value; null of nothing.
  case minimum = "min"
  /// The largest value; null of nothing.
  case maximum = "max"
  /// The values that are not null, as a list.
  case collect
  /// The standard deviation of a sample; 0 of nothing.
  case sampleDeviation = "stdev"
  /// The standard deviation of a population; 0 of nothing.
  case populationDeviation = "stdevp"
  /// The percentile by interpolation; null of nothing.
  case continuousPercentile = "percentilecont"
  /// The percentile as one of the values; null of nothing.
  case discretePercentile = "percentiledisc"
}
