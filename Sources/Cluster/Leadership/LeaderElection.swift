import Foundation

/// Makes one of several processes that share a store the leader.
///
/// The leader is who made the key `leader` under a lease of its own. It renews the lease every third of its time to
/// live, and stops leading by its own clock when no renewal succeeded for the time to live less a margin; the store
/// lets the next one begin only after the whole time. What a leader writes goes through a ``FencedStateStore``, so that
/// not even a clock that stands still can let a deposed one change anything.
///
/// The margin must cover what clocks may differ within the time to live and, for etcd 3.4, its election timeout (1 s):
/// a member that was just cut off may renew a lease for so long.
public final class LeaderElection: Sendable {
  /// How to take part.
  public struct Configuration: Sendable {
    /// Where clients reach us when we lead.
    public var address: String
    /// Which process we are.
    public var id = randomStateID()
    /// The key of the leader's record.
    public var key = "leader"
    /// How long a leader that is silent keeps the lead: how long a takeover takes. Whole seconds, 3 or more.
    public var timeToLive = Duration.seconds(10)
    /// How much earlier than the store a leader stops to believe in its lease. A fifth of the time to live and at
    /// least a second if nil.
    public var margin: Duration?

    /// The defaults.
    public init(address: String) { self.address = address }

    /// How long a renewal counts.
    var validity: Duration { timeToLive - (margin ?? max(.seconds(1), timeToLive / 5)) }
  }

  private let store: any StateStore
  private let configuration: Configuration
  private let seat: LeaderSeat

  /// Takes part once ``run()`` is called.
  /// - Throws: `StateStoreError` of code `invalidArgument` when the margin leaves no time to lead.
  public init(_ store: any StateStore, _ configuration: Configuration) throws {
    guard configuration.validity > .zero else {
      throw StateStoreError(
        .invalidArgument,
        "A leader's lease of \(configuration.timeToLive) is not longer than its margin. Make it 3 seconds or more.")
    }
    self.store = store
    self.configuration = configuration
    seat = LeaderSeat(key: configuration.key, validity: configuration.validity)
  }

  /// What we are now, by the clock.
  public var role: LeaderRole { seat.role }

  /// What we are, whenever it changes; for one reader. One that is late sees only the newest. Ends with ``run()``.
  public var roles: AsyncStream<LeaderRole> { seat.roles }

  /// Takes part until the task is cancelled; then it resigns, so that another one may begin at once. Stop what only a
  /// leader may do before you cancel it. A store that cannot be reached is asked again.
  public func run() async {
    seat.observed(nil)
    while !Task.isCancelled {
      do {
        if let (term, lease) = try await campaign() { await lead(term, lease) }
      } catch {
        // The store cannot be reached: nothing is known, nothing is done.
        try? await Task.sleep(for: pause / 4)
      }
    }
    seat.finish()
  }

  /// The time between two renewals, and between two looks at who leads.
  private var pause: Duration { configuration.timeToLive / 3 }

  // MARK: Standby

  /// Becomes leader if there is none; otherwise waits a while for the leader to go.
  private func campaign() async throws -> (Revision, StateLease)? {
    if let holder = try await store.entry(configuration.key, at: nil) {
      seat.observed(try? JSONDecoder().decode(LeaderRecord.self, from: Data(holder.value)))
      await waitForChange(after: holder.modified)
      return nil
    }
    seat.observed(nil)
    guard seat.handle({ machine, _ in machine.campaign() }) == .campaign else { return nil }
    defer {
      seat.handle { machine, _ in
        machine.lost(); return .none
      }
    }
    let askedAt = ContinuousClock.now
    let lease = try await store.grantLease(timeToLive: configuration.timeToLive)
    do {
      let term = try await store.commit(claim(lease))
      let action = seat.handle { machine, now in machine.won(term: term, askedAt: askedAt, now: now) }
      if action == .lead(term: term) { return (term, lease) }
      await release(lease)
    } catch {
      // Whether it was applied may be unknown. Without its lease it has no effect.
      await release(lease)
      guard (error as? StateStoreError)?.code == .conflict else { throw error }
    }
    return nil
  }

  private func claim(_ lease: StateLease) throws -> StateTransaction {
    let record = LeaderRecord(
      address: configuration.address, id: configuration.id, since: Int64(Date().timeIntervalSince1970 * 1000))
    return StateTransaction(
      author: "coordinator", summary: "lead from \(configuration.address)", conditions: [.absent(configuration.key)],
      changes: [.put(configuration.key, Array(try JSONEncoder().encode(record)), lease: lease)])
  }

  /// Waits until the leader's key changes, at most for a pause.
  private func waitForChange(after revision: Revision) async {
    await withTaskGroup(of: Bool.self) { group in
      let changes = store.changes(prefix: configuration.key, after: revision)
      group.addTask {
        do {
          for try await record in changes where record.changes.contains(where: { $0.key == self.configuration.key }) {
            return true
          }
        } catch {}
        return false
      }
      group.addTask {
        try? await Task.sleep(for: self.pause)
        return true
      }
      while let isOver = await group.next(), !isOver {}
      group.cancelAll()
    }
  }

  // MARK: Leading

  /// Leads until the lease is lost, or the task is cancelled.
  private func lead(_ term: Revision, _ lease: StateLease) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.watchClock() }
      group.addTask { await self.keepLease(term, lease) }
      await group.next()
      group.cancelAll()
    }
    if seat.handle({ machine, _ in machine.resign() }) == .stop { await release(lease) }
    seat.handle { machine, _ in
      machine.steppedDown(); return .none
    }
  }

  /// Ends leading when the deadline passes, whatever the renewal waits for.
  private func watchClock() async {
    while !Task.isCancelled, let deadline = seat.deadline {
      try? await Task.sleep(until: deadline, clock: .continuous)
      guard !Task.isCancelled else { return }
      seat.handle { machine, now in machine.tick(at: now) }
    }
  }

  /// Renews the lease until that fails for good, and makes sure that the key is still ours: an operator may have
  /// deleted it.
  private func keepLease(_ term: Revision, _ lease: StateLease) async {
    var wait = pause
    while !Task.isCancelled, seat.term == term {
      try? await Task.sleep(for: wait)
      guard !Task.isCancelled else { return }
      let askedAt = ContinuousClock.now
      do {
        try await store.renewLease(lease)
        guard try await store.entry(configuration.key, at: nil)?.modified == term else {
          seat.refused(in: term)
          return
        }
        seat.handle { machine, now in machine.renewed(askedAt: askedAt, now: now) }
        wait = pause
      } catch let error as StateStoreError where error.code == .leaseExpired {
        seat.refused(in: term)
      } catch {
        wait = pause / 8
      }
    }
  }

  /// Ends a lease, also when our task is cancelled. If the store cannot be reached the lease ends by itself.
  private func release(_ lease: StateLease) async {
    let store = store
    let revocation = Task { try? await store.revokeLease(lease) }
    let guardian = Task {
      try await Task.sleep(for: lease.timeToLive)
      revocation.cancel()
    }
    await revocation.value
    guardian.cancel()
  }
}
