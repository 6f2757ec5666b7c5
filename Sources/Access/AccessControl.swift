import FoundationEssentials
import LogStore
import Synchronization

/// Identifies and authorizes callers, for both endpoints. Safe to use from any thread.
public final class AccessControl: Sendable {
  private struct State {
    var policy: AccessPolicy
    var tokens: TokenSet
    var attempts = FailedAttempts()
    var denials = FailedAttempts()
    /// Ids of the tokens that were valid at the last check.
    var valid: Set<String>
  }

  private let state: Mutex<State>
  /// Counts the changes of the policy and the tokens, so that cached identities are determined again after a change.
  private let changes = Atomic<UInt64>(0)
  private let logs: LogStore
  private let clock = ContinuousClock()

  /// The clock that decides whether tokens have expired; tests supply their own.
  private let now: @Sendable () -> Date

  /// - Throws: `AccessPolicyError` when a principal has two tenants.
  public init(
    _ policy: AccessPolicy, tokens: TokenSet, logs: LogStore, now: @escaping @Sendable () -> Date = { Date() }
  ) throws(AccessPolicyError) {
    try policy.requireOneTenant(tokens)
    state = Mutex(State(policy: policy, tokens: tokens, valid: Self.valid(tokens, now())))
    self.logs = logs
    self.now = now
  }

  private static func valid(_ tokens: TokenSet, _ now: Date) -> Set<String> {
    Set(tokens.all.filter { $0.isValid(at: now) }.map(\.id))
  }

  /// The policy in force.
  public var policy: AccessPolicy { state.withLock { $0.policy } }

  /// Increases with every change of the policy or the tokens.
  public var generation: UInt64 { changes.load(ordering: .acquiring) }

  // MARK: Changes

  /// Replaces the policy, starting with the next call.
  /// - Throws: `AccessPolicyError` when the policy conflicts with the tokens; then nothing changes.
  public func replace(_ policy: AccessPolicy) throws(AccessPolicyError) {
    try state.withLock { state throws(AccessPolicyError) in
      try policy.requireOneTenant(state.tokens)
      state.policy = policy
      changes.add(1, ordering: .releasing)
    }
  }

  /// Replaces the tokens, starting with the next call.
  /// - Throws: `AccessPolicyError` when the tokens conflict with the policy; then nothing changes.
  public func replace(_ tokens: TokenSet) throws(AccessPolicyError) {
    try state.withLock { state throws(AccessPolicyError) in
      try state.policy.requireOneTenant(tokens)
      state.tokens = tokens
      changes.add(1, ordering: .releasing)
    }
  }

  /// Returns the ids of the tokens that were valid at the previous call of this method and are no longer valid. Calls that were
  /// made with them must be ended.
  public func takeEnded() -> Set<String> {
    state.withLock { state in
      let valid = Self.valid(state.tokens, now())
      let ended = state.valid.subtracting(valid)
      if !ended.isEmpty { changes.add(1, ordering: .releasing) }
      state.valid = valid
      return ended
    }
  }

  // MARK: Calls

  /// Returns the identity of the caller.
  /// - Throws: `AccessRefusal`. A valid token is accepted even from a source that has sent many invalid ones: many clients may
  ///   share an address, and a token cannot be guessed.
  public func authenticate(_ evidence: Evidence) throws(AccessRefusal) -> Authentication {
    let (policy, tokens) = state.withLock { ($0.policy, $0.tokens) }
    do {
      return try policy.identify(evidence, tokens: tokens, at: now())
    } catch {
      throw refused(error, evidence, to: "call")
    }
  }

  /// Returns the identity of the caller for a request that is open to everyone; nil when the caller is unknown. Records no
  /// failure.
  public func recognize(_ evidence: Evidence) -> Authentication? {
    let (policy, tokens) = state.withLock { ($0.policy, $0.tokens) }
    return try? policy.identify(evidence, tokens: tokens, at: now())
  }

  /// Records a refusal in the audit trail, and turns it into `tooManyAttempts` when its source has failed too often.
  /// - Returns: the refusal to answer with.
  public func refused(_ refusal: AccessRefusal, _ evidence: Evidence, to action: String) -> AccessRefusal {
    let source = evidence.source
    if refusal == .wrongToken || refusal == .malformedAuthorization {
      let pause = state.withLock { $0.attempts.fail(source, at: clock.now) }
      if let pause { return .tooManyAttempts(Int(pause.components.seconds) + 1) }
    }
    deny(nil, source, action, refusal, shown: evidence.certificate)
    return refusal
  }

  /// Requires a role for an action, and records a refusal in the audit trail.
  /// - Throws: `AccessRefusal` with the code `permissionDenied`.
  public func require(
    _ role: Role, of caller: Authentication, for action: @autoclosure () -> String
  ) throws(AccessRefusal) {
    guard caller.identity.role < role else { return }
    let action = action()
    let refusal = AccessRefusal.needs(role, for: action, has: caller.identity.role)
    deny(caller, caller.source, action, refusal)
    throw refusal
  }

  // MARK: The audit trail

  /// Records in the audit trail that the caller did something to an object, `kind/name`.
  public func note(_ caller: Authentication, _ action: String, _ object: String) {
    logs.append(record(caller, caller.source, "\(action) \(object)", reason: action, object: object), to: .audit)
  }

  /// Records a denial. A source that must pause adds no more records, so that it cannot flood the trail. A certificate that
  /// matches no rule is described in the trail, so that an operator can map it, but not in the answer.
  private func deny(
    _ caller: Authentication?, _ source: String, _ action: String, _ refusal: AccessRefusal,
    shown certificate: Evidence.Certificate? = nil
  ) {
    guard state.withLock({ $0.denials.fail(source, at: clock.now) == nil }) else { return }
    let shown = certificate.map { "; it presented the \($0.name) with the fingerprint \($0.fingerprint)" } ?? ""
    var record = record(
      caller, source, "denied \(action): \(refusal.message)\(shown)", reason: refusal.code.rawValue, object: nil)
    record.level = .warning
    logs.append(record, to: .audit)
  }

  private func record(
    _ caller: Authentication?, _ source: String, _ text: String, reason: String, object: String?
  ) -> LogRecord {
    let author = caller?.identity.principal.description ?? source
    let who = caller.map { caller in
      "\(author) (\(caller.identity.role.rawValue) of \(caller.identity.tenant), by \(caller.method), from \(source))"
    }
    var record = logs.record(.info, "\(who ?? author): \(text)")
    record.author = author
    record.reason = reason
    record.object = object
    record.tenant = caller?.identity.tenant
    return record
  }
}
