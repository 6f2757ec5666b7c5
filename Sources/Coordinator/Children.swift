import LogStore
import Logging
import Objects
import StateStore
import Supervision

/// Journals child processes in the state store.
struct StoredChildren: ChildJournal {
  let journal: Journal

  func record(_ child: ChildRecord) async throws {
    let object = ObjectReference(.child, child.name)
    try await journal.commit(
      "record that a child process is \(child.status.phase.rawValue)", by: child.owner, on: object, [Journal.put(child)]
    )
    switch child.status.phase {
    case .ready: journal.event(object, "Ready", "process \(child.status.process.map { "\($0)" } ?? "?") is ready")
    case .exited, .waiting, .crashLooping:
      journal.event(object, "Ended", child.status.lastExit?.text ?? "the process ended", level: .warning)
    default: break
    }
  }

  func erase(_ name: String) async throws {
    try await journal.commit(
      "delete a child process", by: "coordinator", on: ObjectReference(.child, name),
      [.delete(ObjectKind.child.key(name))])
  }
}

extension Supervisor {
  /// Creates a supervisor that journals children in the state store and writes their output to the log store.
  static func stored(
    _ journal: Journal, _ logs: LogStore, directory: String, controlGroups: ControlGroups?
  ) -> Supervisor {
    Supervisor(
      configuration: .init(directory: directory, controlGroups: controlGroups),
      journal: StoredChildren(journal: journal)
    ) { child, line, isError in
      var record = logs.record(isError ? .error : .info, line)
      record.child = child
      logs.append(record, to: .child(child))
      ChildLines.shared.wrote(line, by: child)
    }
  }
}

extension Coordinator {
  /// Ends the children of an earlier process that are no longer needed.
  func recoverChildren() async throws(CoordinatorError) {
    let records = try await journal.read("children/", as: ChildRecord.self) { [logger] key, error in
      logger.error("a state store entry is damaged", metadata: ["key": "\(key)", "error": "\(error)"])
    }.map(\.document)
    guard !records.isEmpty else { return }
    let recovery = await children.recover(records) { _ in nil }
    for child in recovery.ended {
      journal.event(
        ObjectReference(.child, child.name), "Orphan",
        child.status.lastExit?.text ?? "the process ended with its coordinator")
    }
    try await journal.commitAll(
      "delete child processes of an earlier coordinator", by: "coordinator", on: Journal.Collection.children,
      records.map { .delete(ObjectKind.child.key($0.name)) })
  }
}
