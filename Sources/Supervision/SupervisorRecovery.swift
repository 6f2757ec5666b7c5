import CPlatform
import Glibc
import StateStore
import Support

/// The outcome of recovering the children of an earlier coordinator.
public struct ChildRecovery: Sendable {
  /// Children that are alive and supervised again.
  public var adopted: [ChildRecord] = []
  /// Children that have ended; their records give the cause.
  public var ended: [ChildRecord] = []
}

extension Supervisor {
  /// Takes over the children of an earlier coordinator that has ended.
  ///
  /// Adopts each child that outlives its coordinator, is still wanted, and whose process is the journaled one. Ends every other
  /// process that carries a token of the records: TERM, then KILL. Signals are sent only through a descriptor opened before the
  /// token was read, so a reused process id never hits an unrelated process. The outcome is journaled.
  /// - Parameters:
  ///   - records: All records of the journal.
  ///   - grace: The time between TERM and KILL.
  ///   - specification: Returns the specification to supervise a living child by; nil if the child is no longer wanted.
  public func recover(
    _ records: [ChildRecord], grace: Duration = .seconds(5),
    specification: @Sendable (ChildRecord) -> ChildSpecification?
  ) async -> ChildRecovery {
    let lively = records.filter { $0.mayLive && !$0.status.token.isEmpty && supervised[$0.name] == nil }
    let members = Dictionary(
      grouping: ProcessTable.members(tokens: Set(lively.map(\.status.token))), by: \.token
    ).mapValues { $0.map(\.process) }
    var recovery = ChildRecovery()
    var orphans: [ChildRecord] = []
    for record in lively {
      let processes = members[record.status.token] ?? []
      if let own = processes.first(where: { isJournaled($0, record) }), mayAdopt(record),
        let wanted = specification(record), let adopted = adopt(record, as: wanted, own)
      {
        recovery.adopted.append(adopted)
      } else {
        orphans.append(record)
      }
    }
    let left = await reap(Set(orphans.map(\.status.token)), grace: grace)
    for record in orphans {
      let token = record.status.token
      let exit = ExitCause.unknown(
        reason: members[token] == nil ? "it ended before this coordinator started" : "it was ended as an orphan")
      recovery.ended.append(await bury(record, exit, leftBehind: left[token] ?? []))
    }
    return recovery
  }

  private func isJournaled(_ process: ProcessReference, _ record: ChildRecord) -> Bool {
    process.number == record.status.process && record.status.bootID == ProcessTable.bootID
      && ProcessTable.entry(process.number)?.startTime == record.status.startTime
  }

  private func mayAdopt(_ record: ChildRecord) -> Bool {
    record.spec.lifetime == .outlivesUs && [.starting, .adopted, .ready, .unresponsive].contains(record.status.phase)
  }

  /// Supervises a living process again; returns nil if that is impossible.
  private func adopt(_ record: ChildRecord, as specification: ChildSpecification, _ process: ProcessReference)
    -> ChildRecord?
  {
    let child = SupervisedChild(specification, record: record)
    let wasReady = record.status.phase == .ready || record.status.phase == .unresponsive
    do {
      try admit(specification)
      try followOutputFiles(of: child, savingPosition: wasReady)
    } catch { return nil }
    child.process = process
    child.controlGroup = configuration.controlGroups?.find(name: record.status.token)
    supervised[record.name] = child
    perform(child.lifecycle.adopt(at: .now), on: child)
    follow(child)
    switch specification.readiness {
    case .started: becameReady(child)
    // The earlier coordinator has already read the line.
    case .line where wasReady: becameReady(child)
    default: break
    }
    return child.record
  }

  /// Ends every process with one of the tokens.
  /// - Returns: The ids of the processes that could not be ended, by token.
  private func reap(_ tokens: Set<String>, grace: Duration) async -> [String: [Int32]] {
    let start = ContinuousClock.now
    var told: Set<Int32> = []
    while true {
      let left = ProcessTable.members(tokens: tokens)
      let passed = ContinuousClock.now - start
      if left.isEmpty || passed > grace + .seconds(10) {
        return Dictionary(grouping: left, by: \.token).mapValues { $0.map(\.process.number) }
      }
      for (_, process) in left {
        if passed >= grace {
          process.signal(SIGKILL)
        } else if told.insert(process.number).inserted {
          process.signal(SIGTERM)
        }
      }
      await pause(.milliseconds(20))
    }
  }

  private func pause(_ duration: Duration) async {
    await withCheckedContinuation { continuation in
      _ = thread.at(.now + duration) { continuation.resume() }
    }
  }

  /// Reads the last output of an ended child and journals its end.
  private func bury(_ old: ChildRecord, _ cause: ExitCause, leftBehind: [Int32]) async -> ChildRecord {
    var record = old
    record.status.lastExit = ChildExit(cause: cause, lastLines: takeLastOutput(of: old))
    record.status.process = nil
    record.status.leftBehind = leftBehind
    record.moved(to: .exited, nowMilliseconds: nowMilliseconds())
    if let group = configuration.controlGroups?.find(name: old.status.token) {
      _ = group.kill()
      _ = group.remove()
    }
    // If this fails, the next coordinator repeats it.
    try? await journal.record(record)
    return record
  }

  private func takeLastOutput(of record: ChildRecord) -> [String] {
    guard record.spec.lifetime == .outlivesUs, configuration.directory != nil else { return [] }
    let directory = outputDirectory(token: record.status.token)
    let sink = sink
    var last: [String] = []
    for (name, isError) in [("output", false), ("error", true)] {
      let output = try? FileOutput(path: directory + "/" + name, isError: isError, savesPosition: true) {
        line, isError in
        last.append(ChildExit.shortened(line))
        if last.count > ChildExit.keptLines { last.removeFirst() }
        sink(record.name, line, isError)
      }
      output?.finish()
    }
    try? Directories.remove(directory)
    return last
  }
}
