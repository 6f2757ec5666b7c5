/// s
public enum SchedulingDecision: Sendable, Equatable { case grant(Allocation), preempt(owner: String, for: String, reason: String) }
/// s
public struct WaitingReport: Sendable, Equatable, CustomStringConvertible {
  /// s
  public var position: Int
  /// s
  public var description: String { "position \(position)" }
}
/// s
public struct SchedulerReport: Sendable {}
/// s
public struct Scheduler: Sendable, Equatable {
  /// s
  public init() {}
  /// s
  public mutating func setHost(_ name: String, capacity: Resources, labels: [String: String]) throws(SchedulingError) {}
  /// s
  public mutating func removeHost(_ name: String) -> [String] { [] }
  /// s
  public mutating func setTenants(_ policies: [TenantPolicy], fallback: TenantPolicy) {}
  /// s
  public mutating func submit(_ request: ResourceRequest, at now: ContinuousClock.Instant) throws(SchedulingError) {}
  /// s
  public mutating func withdraw(_ owner: String) {}
  /// s
  public mutating func release(_ owner: String, at now: ContinuousClock.Instant) throws(SchedulingError) {}
  /// s
  public mutating func requeue(_ owner: String, at now: ContinuousClock.Instant) throws(SchedulingError) {}
  /// s
  public mutating func setUsage(_ owner: String, _ usage: Usage) throws(SchedulingError) {}
  /// s
  public mutating func resize(_ owner: String, members: [ResourceRequest.Member], at now: ContinuousClock.Instant) throws(SchedulingError) -> Allocation { fatalError() }
  /// s
  public mutating func restore(_ allocation: Allocation, of request: ResourceRequest, at now: ContinuousClock.Instant) throws(SchedulingError) {}
  /// s
  public mutating func restore(waiting request: ResourceRequest, at now: ContinuousClock.Instant) throws(SchedulingError) {}
  /// s
  public mutating func schedule(at now: ContinuousClock.Instant) -> [SchedulingDecision] { [] }
  /// s
  public func waiting(_ owner: String, at now: ContinuousClock.Instant) -> WaitingReport? { nil }
  /// s
  public func allocation(of owner: String) -> Allocation? { nil }
  /// s
  public func report(at now: ContinuousClock.Instant) -> SchedulerReport { SchedulerReport() }
  /// s
  public func preview(_ policies: [TenantPolicy], fallback: TenantPolicy, at now: ContinuousClock.Instant) -> [String] { [] }
}
