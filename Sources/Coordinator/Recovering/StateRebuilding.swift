import ControlPlane
import FoundationEssentials
import Objects
import StateStore

/// Restores entries of sessions in the state store from the records in their directories, and files that were set aside. Existing
/// entries are not changed.
public struct StateRebuilding: Sendable {
  /// The result of a rebuilding.
  public struct Report: Sendable, Equatable {
    /// The sessions whose entries were restored.
    public var sessions: [String] = []
    /// The number of objects whose entries were restored.
    public var objects = 0
    /// The entries restored from `lost+found`.
    public var broughtBack: [String] = []
    /// What could not be restored, each with the reason.
    public var left: [String] = []

    /// Whether there was nothing to do.
    public var isEmpty: Bool { sessions.isEmpty && objects == 0 && broughtBack.isEmpty && left.isEmpty }
  }

  private let workspace: Workspace
  private let lostAndFound: LostAndFound
  private let store: any StateStore
  private let author: String

  /// Creates a rebuilding on behalf of `author`; no coordinator may be using the workspace.
  public init(workspace: Workspace, store: any StateStore, author: String) {
    self.workspace = workspace
    self.store = store
    self.author = author
    lostAndFound = LostAndFound(workspace: workspace.path)
  }

  /// Restores everything possible.
  /// - Throws: `CoordinatorError`, or the error of the store.
  public func run() async throws -> Report {
    var report = Report()
    for entry in try lostAndFound.list() where entry.kind == .session {
      do throws(CoordinatorError) {
        if try lostAndFound.bringBack(entry) {
          report.broughtBack.append(entry.session)
        } else {
          report.left.append("lost+found/\(entry.name): session '\(entry.session)' already has a directory")
        }
      } catch {
        report.left.append("lost+found/\(entry.name): \(error)")
      }
    }
    for name in try workspace.sessionNames().sorted() {
      do { try await rebuild(name, &report) } catch { try leave("sessions/\(name)", error, &report) }
    }
    for entry in try lostAndFound.list() where entry.kind == .objects {
      do { try await bringBack(entry, &report) } catch { try leave("lost+found/\(entry.name)", error, &report) }
    }
    return report
  }

  /// Reports what cannot be restored because it is damaged itself; rethrows other errors.
  private func leave(_ what: String, _ error: any Error, _ report: inout Report) throws {
    if let error = error as? StateStoreError, error.code != .invalidArgument { throw error }
    report.left.append("\(what): \(error)")
  }

  /// Restores the missing entries of a session.
  private func rebuild(_ name: String, _ report: inout Report) async throws {
    let record = try SessionRecord(directory: workspace.sessionDirectory(name)).read()
    let known = try await entry(ObjectKind.session.key(name), as: SessionDocument.self)
    var changes: [StateChange] = []
    if known == nil {
      guard var document = record?.document, document.name == name else {
        return report.left.append("sessions/\(name): the directory has no record of its session")
      }
      guard document.wasOpen else {
        return report.left.append("sessions/\(name): the session was being opened or closed")
      }
      document.status.phase = SessionLifecycle.Phase.detached.rawValue
      changes.append(Journal.put(document))
      report.sessions.append(name)
    }
    let numbers = try await knownNumbers(of: name)
    for (number, object) in (record?.objects ?? [:]).sorted(by: { $0.key < $1.key }) where numbers[number] == nil {
      changes.append(Journal.put(objectKey(name, number), object))
      if object.kind != .nothing { report.objects += 1 }
    }
    try await commit(changes, "rebuild a session from its directory")
  }

  /// Restores objects of an existing session.
  private func bringBack(_ entry: SetAside, _ report: inout Report) async throws {
    let lines = entry.objects ?? []
    guard try await self.entry(ObjectKind.session.key(entry.session), as: SessionDocument.self) != nil else {
      return report.left.append("lost+found/\(entry.name): its session '\(entry.session)' no longer exists")
    }
    guard !lines.isEmpty else {
      return report.left.append("lost+found/\(entry.name): no record names the operations that made these objects")
    }
    var numbers = try await knownNumbers(of: entry.session)
    let operations = Set(numbers.values.filter { $0.kind != .nothing }.map(\.operation))
    guard lines.allSatisfy({ $0.object.map { !operations.contains($0.operation) } ?? true }) else {
      return report.left.append("lost+found/\(entry.name): the same operations have made other objects since")
    }
    guard try lostAndFound.bringBack(entry) else {
      return report.left.append("lost+found/\(entry.name): other files have taken the place of some of its files")
    }
    var changes: [StateChange] = []
    for line in lines {
      guard let object = line.object else { continue }
      let free = line.number.flatMap { numbers[$0] == nil ? $0 : nil } ?? Self.firstFree(numbers)
      let same = numbers.first { $0.value.operation == object.operation }?.key
      numbers[same ?? free] = object
      changes.append(Journal.put(objectKey(entry.session, same ?? free), object))
    }
    try await commit(changes, "recover objects of a session")
    report.objects += changes.count
    report.broughtBack.append("\(changes.count) objects of \(entry.session)")
  }

  /// Returns the first number after all others; a damaged record may contain any number.
  private static func firstFree(_ numbers: [Int: ObjectDocument]) -> Int {
    (numbers.keys.lazy.filter { $0 < .max }.max() ?? -1) + 1
  }

  // MARK: The store

  /// Returns the objects in the store, by number; damaged entries are omitted.
  private func knownNumbers(of session: String) async throws -> [Int: ObjectDocument] {
    let entries = try await store.entries(prefix: "objects/\(session)/", at: nil).entries
    return entries.reduce(into: [:]) { numbers, entry in
      guard let number = entry.key.split(separator: "/").last.flatMap({ Int($0) }) else { return }
      numbers[number] = try? JSONDecoder().decode(ObjectDocument.self, from: Data(entry.value))
    }
  }

  private func entry<Document: Decodable>(_ key: String, as type: Document.Type) async throws -> Document? {
    try await store.entry(key, at: nil).flatMap { try? JSONDecoder().decode(type, from: Data($0.value)) }
  }

  private func commit(_ changes: [StateChange], _ summary: String) async throws {
    for batch in changes.batches() {
      _ = try await store.commit(
        StateTransaction(author: author, summary: summary, changes: Array(batch), mayUseReserve: true))
    }
  }
}
