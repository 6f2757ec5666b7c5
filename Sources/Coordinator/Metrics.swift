import Synchronization

/// Counters and histograms in the format of Prometheus (text exposition format 0.0.4). Every metric is known before its first
/// value; a series takes a few dozen bytes, and a metric has at most `maximumSeries` series.
public final class Metrics: Sendable {
  /// A counter, which only increases.
  public enum Counter: String, Sendable, CaseIterable {
    /// The number of preempted sessions and instances.
    case preemptions = "gscoordinator_preemptions_total"
    /// The number of loads rejected because of their estimate.
    case refusedLoads = "gscoordinator_loads_refused_total"
    /// How often a tenant's quota or the host's memory refused storage for an engine.
    case refusedStorage = "gscoordinator_storage_refused_total"
    /// The number of rejected requests for resources.
    case refusedRequests = "gscoordinator_requests_refused_total"
    /// The number of opened sessions.
    case sessionsOpened = "gscoordinator_sessions_opened_total"
  }

  /// A histogram.
  public enum Histogram: String, Sendable, CaseIterable {
    /// The waiting time of requests for resources, in seconds.
    case schedulingWait = "gscoordinator_scheduling_wait_seconds"
    /// The estimated peak memory of a load, as a multiple of the measured one.
    case estimatedPeak = "gscoordinator_load_estimate_peak_ratio"
    /// The estimated memory that remains in use after a load, as a multiple of the measured one.
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

  /// Creates metrics without values.
  public init() {}

  /// Increases a counter.
  public func add(_ counter: Counter, _ amount: UInt64 = 1) {
    state.withLock { $0.counters[counter, default: 0] += amount }
  }

  /// Adds a value to a histogram; ignores NaN and infinite values.
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

  /// Returns the current value of a counter.
  public func value(_ counter: Counter) -> UInt64 { state.withLock { $0.counters[counter] ?? 0 } }

  /// Returns the number and the sum of a histogram's values.
  public func summary(_ histogram: Histogram) -> (count: UInt64, sum: Double) {
    state.withLock { ($0.histograms[histogram]?.count ?? 0, $0.histograms[histogram]?.sum ?? 0) }
  }

  /// All counters and histograms in the text format, each with its type.
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

  /// Returns a gauge with labels, for values stored elsewhere: its type, then one line per series.
  static func gauge(_ name: String, _ series: [(labels: [(String, String)], value: Double)]) -> String {
    guard !series.isEmpty else { return "" }
    let lines = series.prefix(maximumSeries).map { labels, value in
      let text = labels.map { "\($0.0)=\"\(escaped($0.1))\"" }.joined(separator: ",")
      return name + (text.isEmpty ? "" : "{\(text)}") + " \(value)"
    }
    return (["# TYPE \(name) gauge"] + lines).joined(separator: "\n") + "\n"
  }

  /// The maximum number of series of a gauge.
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
  /// The duration in seconds, with fractions.
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
