import Objects

/// Estimates of start times, from the durations of earlier holders of the same tenant and kind.
extension Scheduler {
  /// The release of an amount at a time.
  private struct Return: Comparable {
    let time: Int64
    let amount: Resources
    let sessions: Int
    /// Whether it counts towards the quota of the tenant in question.
    let isOurs: Bool

    static func < (a: Return, b: Return) -> Bool { a.time < b.time }
    static func == (a: Return, b: Return) -> Bool { a.time == b.time }
  }

  /// Returns the expected start relative to now, treating all hosts as one, with holders that run for a short or for a long time.
  func expectedStart(of waiter: Waiter, after ahead: [Waiter], at time: Int64) -> ClosedRange<Duration>? {
    guard let latest = start(of: waiter, after: ahead, at: time, isLate: true) else { return nil }
    let earliest = start(of: waiter, after: ahead, at: time, isLate: false) ?? latest
    let low = Duration.nanoseconds(max(0, min(earliest, latest) - time))
    return low...(.nanoseconds(max(0, latest - time)))
  }

  private func start(of waiter: Waiter, after ahead: [Waiter], at time: Int64, isLate: Bool) -> Int64? {
    var returns = BinaryHeap<Return>()
    let tenant = waiter.request.tenant
    for holder in holders.values {
      guard let end = supposedEnd(of: holder, at: time, isLate: isLate) else { continue }
      returns.insert(
        Return(
          time: end, amount: .sum(holder.booked), sessions: holder.request.sessions,
          isOurs: holder.request.tenant == tenant))
    }
    var supposed = tenants[tenant]!
    var free = hosts.total - hosts.used
    var now = time
    for next in ahead + [waiter] {
      let (wanted, sessions) = (shapes[next.shape].total, next.request.sessions)
      let isOurs = next.request.tenant == tenant
      let quota = supposed.policy.quota
      while !wanted.fits(in: free)
        || isOurs && !quota.exceeded(by: wanted, sessions: sessions, beyond: supposed).isEmpty
      {
        guard let back = returns.popFirst() else { return nil }
        now = max(now, back.time)
        free = free + back.amount
        if back.isOurs {
          supposed.held = supposed.held - back.amount
          supposed.sessions -= back.sessions
        }
      }
      free = free - wanted
      if isOurs {
        supposed.held = supposed.held + wanted
        supposed.sessions += sessions
      }
      if let times = history.quantiles(of: next.request) {
        let end = now + (isLate ? times.high : times.low)
        returns.insert(Return(time: end, amount: wanted, sessions: sessions, isOurs: isOurs))
      } else if !isLate {
        returns.insert(Return(time: now, amount: wanted, sessions: sessions, isOurs: isOurs))
      }
    }
    return now
  }

  /// Returns the assumed end of a holder; nil for never: it has run longer than all known durations, or none is known.
  private func supposedEnd(of holder: Holder, at time: Int64, isLate: Bool) -> Int64? {
    guard let times = history.quantiles(of: holder.request) else { return isLate ? nil : time }
    if !isLate { return max(time, holder.started + times.low) }
    let end = holder.started + times.high
    return end >= time ? end : nil
  }
}
