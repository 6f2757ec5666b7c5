import Foundation
import Glibc
import Synchronization
import Testing

@testable import StateStore

/// The leadership part of a coordinator: takes part in an election, and while it leads, writes continuously.
final class Contender: Sendable {
  struct Counts: Sendable {
    var written = 0
    var deposed = 0
    var terms: [Revision] = []
  }

  let name: String
  let election: LeaderElection
  private let running: Task<Void, Never>
  private let writing: Task<Void, Never>
  private let counts: Guarded<Counts>

  init(_ name: String, _ store: any StateStore, timeToLive: Duration = .seconds(3)) throws {
    var configuration = LeaderElection.Configuration(address: "\(name).example:59001")
    configuration.id = name
    configuration.timeToLive = timeToLive
    let election = try LeaderElection(store, configuration)
    let counts = Guarded(Counts())
    (self.name, self.election, self.counts) = (name, election, counts)
    running = Task { await election.run() }
    writing = Task {
      for await role in election.roles {
        guard case .leading(let term) = role else { continue }
        counts.update { $0.terms.append(term.revision) }
        await Self.write(FencedStateStore(store, term), name, term, counts)
      }
    }
  }

  private static func write(
    _ store: FencedStateStore, _ name: String, _ term: LeadershipTerm, _ counts: Guarded<Counts>
  ) async {
    for number in 0... {
      do {
        let value = Array("\(term.revision) \(number)".utf8)
        _ = try await store.commit(
          StateTransaction(author: name, summary: "write", changes: [.put("work/\(name)", value)]))
        counts.update { $0.written += 1 }
        try await Task.sleep(for: .milliseconds(20))
      } catch let error as StateStoreError where error.code == .deposed {
        return counts.update { $0.deposed += 1 }
      } catch {
        // Unavailable: the next attempt shows whether it still leads.
        if !term.isCurrent || Task.isCancelled { return }
      }
    }
  }

  var seen: Counts { counts.value }

  var term: LeadershipTerm? { if case .leading(let term) = election.role { term } else { nil } }

  var knownLeader: String? { if case .standby(let leader?) = election.role { leader.address } else { nil } }

  /// Ends the process in an orderly way.
  func resign() async {
    running.cancel()
    await running.value
    writing.cancel()
    await writing.value
  }

  /// Waits until a condition holds.
  func wait(_ what: String, _ patience: Duration = .seconds(300), _ holds: @escaping @Sendable (Contender) -> Bool)
    async throws
  {
    try await within(patience, "\(name) \(what)") {
      while !holds(self) { try await Task.sleep(for: .milliseconds(5)) }
    }
  }
}

/// Waits until one contender leads and another one knows it. The roles may change at any time: on a starved machine, a leader may
/// be late with its renewal.
func leaderAndStandby(_ contenders: Contender...) async throws -> (leader: Contender, standby: Contender) {
  try await within(.seconds(60), "one to lead and another one to know it") {
    while true {
      if let leader = contenders.first(where: { $0.term != nil }),
        let standby = contenders.first(where: { $0.knownLeader == "\(leader.name).example:59001" })
      {
        return (leader, standby)
      }
      try await Task.sleep(for: .milliseconds(5))
    }
  }
}

/// A value that several tasks change.
final class Guarded<Value: Sendable>: Sendable {
  private let mutex: Mutex<Value>
  init(_ value: Value) { mutex = Mutex(value) }
  var value: Value { mutex.withLock { $0 } }
  func update(_ change: (inout Value) -> Void) { mutex.withLock { change(&$0) } }
}

/// Checks every other millisecond, on a thread of its own, how many contenders lead by their own clocks.
final class Referee: Sendable {
  private let isOver = Guarded(false)
  private let thread: Guarded<(looks: Int, overlaps: [String])> = Guarded((0, []))

  init(_ contenders: [Contender]) {
    let (isOver, result) = (isOver, thread)
    Thread.detachNewThread {
      while !isOver.value {
        // This thread may be suspended between two queries: a contender that leads before and after all of them in the same term
        // has led all the time.
        let before = contenders.map { $0.term }
        let leaders = contenders.indices.filter { index in
          before[index] != nil && contenders[index].term == before[index]
        }
        result.update { result in
          result.looks += 1
          if leaders.count > 1, result.overlaps.count < 10 {
            result.overlaps.append("\(leaders.map { contenders[$0].name }) at \(ContinuousClock.now)")
          }
        }
        usleep(2000)
      }
    }
  }

  /// Ends the checks and returns their results.
  func verdict() -> (looks: Int, overlaps: [String]) {
    isOver.update { $0 = true }
    return thread.value
  }
}

/// Replays a store's history: which contender led when, and that no other wrote. The model of "one leader".
/// - Returns: The terms in order.
func checkHistory(of store: any StateStore, after start: Revision) async throws -> [(term: Revision, address: String)] {
  var (terms, current): ([(term: Revision, address: String)], Revision?) = ([], nil)
  var position = start
  while case let page = try await store.history(after: position, limit: 1000), let last = page.last {
    for record in page {
      for change in record.changes {
        switch change {
        case .put("leader", let value, _):
          #expect(current == nil, "a leader was elected at \(record.revision) while \(current ?? 0) led")
          current = record.revision
          terms.append((record.revision, try JSONDecoder().decode(LeaderRecord.self, from: Data(value)).address))
        case .delete("leader"): current = nil
        case .put(let key, let value, _) where key.hasPrefix("work/"):
          let term = String(decoding: value, as: UTF8.self).split(separator: " ").first.flatMap { Revision($0) }
          #expect(
            term != nil && term == current, "\(record.author) wrote in term \(term ?? 0) while \(current ?? 0) led")
          #expect(terms.last?.address == "\(record.author).example:59001")
        default: break
        }
      }
    }
    position = last.revision
  }
  return terms
}
