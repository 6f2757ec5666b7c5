/// How long holders held what they held: the last few times of each tenant, by the kinds of engines.
struct RunHistory: Sendable {
  /// Times that are kept, and how many of them are enough to conclude from.
  static let kept = 64
  static let enough = 8
  /// Tenants and kinds that are kept.
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
    /// The last ones, in a ring.
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
  /// In the order in which they were made.
  private var order: [Class] = []

  /// A holder has held for so many nanoseconds.
  mutating func record(_ time: Int64, of request: ResourceRequest) {
    let kind = Class(request)
    if classes[kind] == nil {
      if order.count >= Self.maximumClasses { classes[order.removeFirst()] = nil }
      order.append(kind)
    }
    classes[kind, default: Times()].record(time)
  }

  /// The shortest and the longest of the times that are known, in nanoseconds; nil when they are too few.
  func bounds(of request: ResourceRequest) -> (least: Int64, most: Int64)? {
    guard let times = classes[Class(request)]?.sorted, times.count >= Self.enough else { return nil }
    return (times[0], times[times.count - 1])
  }

  /// The times that one in ten falls below and above, in nanoseconds; nil when they are too few.
  func quantiles(of request: ResourceRequest) -> (low: Int64, high: Int64)? {
    guard let times = classes[Class(request)]?.sorted, times.count >= Self.enough else { return nil }
    return (times[times.count / 10], times[times.count - 1 - times.count / 10])
  }
}
