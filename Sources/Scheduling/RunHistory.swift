import Objects

/// How long recent holders held their allocations, by tenant and kind of engine.
struct RunHistory: Sendable {
  /// The number of durations kept per class, and the number needed for an estimate.
  static let kept = 64
  static let enough = 8
  /// The maximum number of classes (tenant and kind) kept.
  static let maximumClasses = 4_096

  private struct Class: Sendable, Hashable {
    let tenant: String
    let kinds: UInt8

    init(_ request: ResourceRequest) {
      tenant = request.tenant
      kinds = request.members.reduce(0) { kinds, member in
        kinds | (member.resources.analyticalSlots > 0 ? 1 : 0) | (member.resources.interactiveSlots > 0 ? 2 : 0)
          | (member.resources.learningSlots > 0 ? 4 : 0)
      }
    }
  }

  private struct Times: Sendable {
    /// The most recent durations, in a ring buffer.
    var ring: [Int64] = []
    var next = 0
    var sorted: [Int64] = []

    mutating func record(_ time: Int64) {
      if ring.count < RunHistory.kept {
        ring.append(time)
      } else {
        sorted.remove(at: sorted.firstIndex(of: ring[next])!)
        ring[next] = time
      }
      next = (next + 1) % RunHistory.kept
      sorted.insert(time, at: sorted.firstIndex { $0 > time } ?? sorted.count)
    }
  }

  private var classes: [Class: Times] = [:]
  /// The classes in the order of their creation.
  private var order: [Class] = []

  /// Records how long a holder held its allocation, in nanoseconds.
  mutating func record(_ time: Int64, of request: ResourceRequest) {
    let kind = Class(request)
    if classes[kind] == nil {
      if order.count >= Self.maximumClasses { classes[order.removeFirst()] = nil }
      order.append(kind)
    }
    classes[kind, default: Times()].record(time)
  }

  /// Returns the shortest and the longest known duration in nanoseconds; nil if too few are known.
  func bounds(of request: ResourceRequest) -> (least: Int64, most: Int64)? {
    guard let times = classes[Class(request)]?.sorted, times.count >= Self.enough else { return nil }
    return (times[0], times[times.count - 1])
  }

  /// Returns the first and the ninth decile of the durations in nanoseconds; nil if too few are known.
  func quantiles(of request: ResourceRequest) -> (low: Int64, high: Int64)? {
    guard let times = classes[Class(request)]?.sorted, times.count >= Self.enough else { return nil }
    return (times[times.count / 10], times[times.count - 1 - times.count / 10])
  }
}
