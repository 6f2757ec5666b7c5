import ControlPlane
import Engines
import GraphStore
import LogStore
import Logging
import Objects
import StateStore
import Support

/// The entries of one session in the state store.
struct Remains: Sendable {
  var session: (document: SessionDocument, revision: Revision)
  var objects: [(number: Int, document: ObjectDocument)] = []
  /// The numbers of objects whose entries are unreadable.
  var damagedObjects: [Int] = []
  var steps: [StepDocument] = []
  /// The names of the instances within the session.
  var instances: [String] = []

  /// The steps that were running when the earlier process ended.
  var interrupted: [StepDocument] { steps.filter { $0.status.phase == .running } }

  /// The operations whose objects were to be unloaded by an interrupted step.
  var cutUnloads: Set<String> {
    Set(
      interrupted.flatMap(\.spec.operations).filter { $0.kind == OperationTraits.unloadTitle }.compactMap(
        \.parents.first))
  }
}

extension Coordinator {
  /// Reads the entries of all sessions, in the order of their opening. Also returns the names of sessions that exist but are
  /// unreadable.
  func readRemains() async throws(CoordinatorError) -> (remains: [Remains], unreadable: Set<String>) {
    var damaged: [String] = []
    let report = { [logger] (key: String, error: any Error) in
      logger.error("a state store entry is damaged", metadata: ["key": "\(key)", "error": "\(error)"])
      damaged.append(key)
    }
    var remains: [String: Remains] = [:]
    for (entry, document) in try await journal.read("sessions/", as: SessionDocument.self, report: report) {
      guard isSessionName(document.name), entry.key == ObjectKind.session.key(document.name) else {
        report(entry.key, CoordinatorError(.inputOutput, "the document names session '\(document.name.quotable())'"))
        continue
      }
      remains[document.name] = Remains(session: (document, entry.modified))
    }
    let unreadable = try rebuild(damaged.map { String($0.dropFirst(ObjectKind.session.prefix.count)) }, &remains)
    for (entry, document) in try await journal.read("objects/", as: ObjectDocument.self, report: report) {
      guard let (session, number) = objectNumber(entry.key) else { continue }
      remains[session]?.objects.append((number, document))
    }
    for key in damaged {
      if let (session, number) = objectNumber(key) { remains[session]?.damagedObjects.append(number) }
    }
    for (_, document) in try await journal.read("steps/", as: StepDocument.self, report: report) {
      guard let session = document.name.split(separator: "/").first else { continue }
      remains[String(session)]?.steps.append(document)
    }
    for (_, document) in try await journal.read("instances/", as: InstanceDocument.self, report: report) {
      let parts = document.name.split(separator: "/", maxSplits: 1)
      if parts.count == 2 { remains[String(parts[0])]?.instances.append(String(parts[1])) }
    }
    return (remains.values.sorted { $0.session.document.spec.serial < $1.session.document.spec.serial }, unreadable)
  }

  /// Restores damaged documents of sessions from the records in their directories.
  /// - Returns: The names of the sessions without a record.
  private func rebuild(
    _ names: [String], _ remains: inout [String: Remains]
  ) throws(CoordinatorError) -> Set<String> {
    var unreadable: Set<String> = []
    for name in names {
      guard isSessionName(name), let record = try? SessionRecord(directory: workspace.sessionDirectory(name)).read(),
        let document = record.document, document.name == name
      else {
        unreadable.insert(name)
        journal.event(.session(name), "Damaged", "the session's entry in the state store cannot be read", level: .error)
        continue
      }
      journal.event(
        .session(name), "Rebuilt",
        "the session's entry in the state store is damaged; the record in its directory is used instead",
        level: .warning)
      remains[name] = Remains(session: (document, 0))
    }
    return unreadable
  }

  private func objectNumber(_ key: String) -> (session: String, number: Int)? {
    let parts = key.split(separator: "/")
    guard parts.count == 3, parts[0] == "objects", let number = Int(parts[2]) else { return nil }
    return (String(parts[1]), number)
  }
}

/// Returns whether a name is valid for a session and its directory.
func isSessionName(_ name: String) -> Bool {
  !name.isEmpty && name.utf8.count <= 255 && !name.holdsByte(of: "/\0") && name != "." && name != ".."
}

extension SessionDocument {
  /// Whether its client may know it and did not close it.
  var wasOpen: Bool {
    guard let phase = SessionLifecycle.Phase(rawValue: status.phase) else { return true }
    guard phase == .connected || phase == .detached else { return false }
    let ready = condition(.ready)
    return ready?.status == .true || waiting != nil || ready?.reason == .known(.recoveryFailed)
  }
}

extension StepDocument {
  /// Its number in the session.
  var number: Int? { name.split(separator: "/").last.flatMap { Int($0) } }

  /// Returns the step, marked as interrupted by the end of the coordinator.
  func interrupted() -> StepDocument {
    var step = self
    step.status = StepStatus(
      phase: .interrupted, finishedMilliseconds: nowMilliseconds(),
      failure: .init(operation: "", code: "interrupted", message: Self.interruptionText(self)))
    return step
  }

  /// Returns the message about it for the session's log.
  static func interruptionText(_ step: StepDocument) -> String {
    let operations = step.spec.operations.map(\.kind).joined(separator: ", ")
    return "The coordinator ended while a step was running (\(operations)). Its results are lost: run it again."
  }
}
