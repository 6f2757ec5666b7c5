import Foundation

/// Elects one of several processes that share a store as the leader.
///
/// The leader is the process that created the key `leader` under a lease of its own. It renews the lease every third of its time
/// to live, and stops leading by its own clock if no renewal succeeded for the time to live minus a margin; the store allows a
/// successor only after the entire time to live. A leader writes through a ``FencedStateStore``, so that a deposed leader changes
/// nothing even if its clock stands still.
///
/// The margin must cover the drift between clocks within the time to live and, for etcd 3.4, its election timeout (1 s), for
/// which a member that was just cut off may still renew a lease.
public final class LeaderElection: Sendable {
  /// The configuration of a candidate.
  public struct Configuration: Sendable {
    /// The address at which clients reach this process when it leads.
    public var address: String
    /// The id of this process.
    public var id = randomStateID()
    /// The key of the leader's record.
    public var key = "leader"
    /// How long a silent leader keeps the lead, and thus how long a takeover takes. Whole seconds, at least 3.
    public var timeToLive = Duration.seconds(10)
    /// How much earlier than the store a leader considers its lease expired. If nil, a fifth of the time to live and at least one
    /// second.
    public var margin: Duration?

    /// Creates a configuration with defaults.
    public init(address: String) { self.address = address }

    /// How long a renewal counts.
    var validity: Duration { timeToLive - (margin ?? max(.seconds(1), timeToLive / 5)) }
  }

  private let store: any StateStore
  private let configuration: Configuration
  private let seat: LeaderSeat

  /// Creates a candidate, which takes part once ``run()`` is called.
  /// - Throws: `StateStoreError` of code `invalidArgument` if the margin leaves no time to lead.
  public init(_ store: any StateStore, _ configuration: Configuration) throws {
    guard configuration.validity > .zero else {
      throw StateStoreError(
        .invalidArgument,
        "The leader's lease of \(configuration.timeToLive) is not longer than its safety margin. Set it to 3 seconds or more."
      )
    }
    self.store = store
    self.configuration = configuration
    seat = LeaderSeat(key: configuration.key, validity: configuration.validity)
  }

  /// The current role, according to the clock.
  public var role: LeaderRole { seat.role }

  /// The role, whenever it changes. The stream is for one reader; a slow reader sees only the newest role. It ends with
  /// ``run()``.
  public var roles: AsyncStream<LeaderRole> { seat.roles }

  /// Takes part until the task is cancelled, then resigns, so that a successor may start at once. Stop everything reserved to the
  /// leader before you cancel the task. If the store cannot be reached, retries; if it is not the expected store, ends the
  /// election.
  public func run() async {
    seat.observed(nil)
    while !Task.isCancelled {
      do {
        if let (term, lease) = try await campaign() { await lead(term, lease) }
      } catch let error as StateStoreError where Self.isLoss(error) {
        seat.failed(error)
        break
      } catch {
        // The store cannot be reached: nothing is known, so do nothing.
        try? await Task.sleep(for: pause / 4)
      }
    }
    seat.finish()
  }

  /// Verifies, once this process leads, that everything committed by earlier leaders is present.
  /// - Throws: `StateStoreError`; see `StateStore`.
  public func takeOver() async throws { try await store.takeOver() }

  private static func isLoss(_ error: StateStoreError) -> Bool {
    [.replaced, .damaged, .tooNew].contains(error.code)
  }

  /// The interval between two renewals, and between two checks for a leader.
  private var pause: Duration { configuration.timeToLive / 3 }

  // MARK: Standby

  /// Becomes the leader if there is none; otherwise waits for some time for the leader to leave.
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
      // It may or may not have been applied. Without its lease, it has no effect.
      await release(lease)
      guard (error as? StateStoreError)?.code == .conflict else { throw error }
    }
    return nil
  }

  private func claim(_ lease: StateLease) throws -> StateTransaction {
    let record = LeaderRecord(
      address: configuration.address, id: configuration.id, since: Int64(Date().timeIntervalSince1970 * 1000))
    return StateTransaction(
      author: "coordinator", summary: "become leader at \(configuration.address)",
      conditions: [.absent(configuration.key)],
      changes: [.put(configuration.key, Array(try JSONEncoder().encode(record)), lease: lease)])
  }

  /// Waits until the leader's key changes, but no longer than `pause`.
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

  /// Leads until the lease is lost or the task is cancelled.
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

  /// Stops leading when the deadline passes, even while a renewal is pending.
  private func watchClock() async {
    while !Task.isCancelled, let deadline = seat.deadline {
      try? await Task.sleep(until: deadline, clock: .continuous)
      guard !Task.isCancelled else { return }
      seat.handle { machine, now in machine.tick(at: now) }
    }
  }

  /// Renews the lease until that fails permanently, and checks that the key still belongs to this process: an operator may have
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
        // A lease that is gone although it was renewed in time indicates that everything else may be gone, too.
        do { try await store.verify() } catch let error as StateStoreError where Self.isLoss(error) {
          seat.failed(error)
        } catch {}
        seat.refused(in: term)
      } catch {
        wait = pause / 8
      }
    }
  }

  /// Ends a lease, even if the task is cancelled. If the store cannot be reached, the lease expires by itself.
  private func release(_ lease: StateLease) async {
    let store = store
    // A task of its own, which the cancellation of this one does not reach; this one waits for it.
    await Task {
      await withTaskGroup { group in
        group.addTask { try? await store.revokeLease(lease) }
        group.addTask { try? await Task.sleep(for: lease.timeToLive) }
        await group.next()
        group.cancelAll()
      }
    }.value
  }
}
