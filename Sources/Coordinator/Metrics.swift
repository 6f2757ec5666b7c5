import Synchronization

/// What is counted and measured, as Prometheus reads it (text exposition format 0.0.4). Every metric is known before the
/// first value; a series costs a few dozen bytes, and there are at most `maximumSeries` of a metric.
public final class Metrics: Sendable {
  /// A count that only grows.
  public enum Counter: String, Sendable, CaseIterable {
    /// Sessions and instances that had to give way.
    case preemptions = "gscoordinator_preemptions_total"
    /// Loads that were refused because of their estimate.
    case refusedLoads = "gscoordinator_loads_refused_total"
    /// Times that a tenant's quota or the host's memory refused what an engine wanted.
    case refusedStorage = "gscoordinator_storage_refused_total"
    /// Requests for resources that were refused.
    case refusedRequests = "gscoordinator_requests_refused_total"
    /// Sessions that were opened.
    case sessionsOpened = "gscoordinator_sessions_opened_total"
  }

  /// A distribution.
  public enum Histogram: String, Sendable, CaseIterable {
    /// How long who asked for resources waited, in seconds.
    case schedulingWait = "gscoordinator_scheduling_wait_seconds"
    /// The estimate of a load's peak of memory, as a multiple of what was measured.
    case estimatedPeak = "gscoordinator_load_estimate_peak_ratio"
    /// The estimate of what stays of a load in memory, as a multiple of what was measured.
    case estimatedResident = "gscoordinator_load_estimate_resident_ratio"

    var bounds: [Double] {
      switch self {
      case .schedulingWait: [0.001, 0.01, 0.1, 1, 10, 60, 300, 1800]
      case .estimatedPeak, .estimatedResident: [0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 4]
      }
    }
  }

  private struct Distribution {
    var counts: [UInt64]
    var sum = 0.0
    var count: UInt64 = 0
  }

  private struct State {
    var counters: [Counter: UInt64] = [:]
    var histograms: [Histogram: Distribution] = [:]
  }

  private let state = Mutex(State())

  /// Nothing counted yet.
  public init() {}

  /// Adds to a count.
  public func add(_ counter: Counter, _ amount: UInt64 = 1) {
    state.withLock { $0.counters[counter, default: 0] += amount }
  }

  /// Adds a value to a distribution; what is no number is left out.
  public func observe(_ histogram: Histogram, _ value: Double) {
    guard value.isFinite else { return }
    let bounds = histogram.bounds
    state.withLock { state in
      var distribution = state.histograms[histogram] ?? Distribution(counts: Array(repeating: 0, count: bounds.count))
      if let index = bounds.firstIndex(where: { value <= $0 }) { distribution.counts[index] += 1 }
      distribution.sum += value
      distribution.count += 1
      state.histograms[histogram] = distribution
    }
  }

  /// A count as it stands.
  public func value(_ counter: Counter) -> UInt64 { state.withLock { $0.counters[counter] ?? 0 } }

  /// How many values a distribution has, and their sum.
  public func summary(_ histogram: Histogram) -> (count: UInt64, sum: Double) {
    state.withLock { ($0.histograms[histogram]?.count ?? 0, $0.histograms[histogram]?.sum ?? 0) }
  }

  /// All counts and distributions in the text format, each with its type.
  public var text: String {
    let state = state.withLock { $0 }
    var lines: [String] = []
    for counter in Counter.allCases {
      lines.append("# TYPE \(counter.rawValue) counter")
      lines.append("\(counter.rawValue) \(state.counters[counter] ?? 0)")
    }
    for histogram in Histogram.allCases {
      let name = histogram.rawValue
      lines.append("# TYPE \(name) histogram")
      let distribution = state.histograms[histogram]
      var cumulative: UInt64 = 0
      for (index, bound) in histogram.bounds.enumerated() {
        cumulative += distribution?.counts[index] ?? 0
        lines.append("\(name)_bucket{le=\"\(bound)\"} \(cumulative)")
      }
      lines.append("\(name)_bucket{le=\"+Inf\"} \(distribution?.count ?? 0)")
      lines.append("\(name)_sum \(distribution?.sum ?? 0)")
      lines.append("\(name)_count \(distribution?.count ?? 0)")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// One gauge with a label, for values that are known elsewhere: a line for every series, behind its type.
  static func gauge(_ name: String, _ series: [(labels: [(String, String)], value: Double)]) -> String {
    guard !series.isEmpty else { return "" }
    let lines = series.prefix(maximumSeries).map { labels, value in
      let text = labels.map { "\($0.0)=\"\(escaped($0.1))\"" }.joined(separator: ",")
      return name + (text.isEmpty ? "" : "{\(text)}") + " \(value)"
    }
    return (["# TYPE \(name) gauge"] + lines).joined(separator: "\n") + "\n"
  }

  /// Series of a gauge that are shown.
  static let maximumSeries = 1_000

  private static func escaped(_ text: String) -> String {
    text.flatMap { character -> String in
      switch character {
      case "\\": "\\\\"
      case "\"": "\\\""
      case "\n": "\\n"
      default: String(character)
      }
    }.map(String.init).joined()
  }
}

extension Duration {
  /// In seconds, with fractions.
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
