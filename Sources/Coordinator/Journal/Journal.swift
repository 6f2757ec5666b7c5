import FoundationEssentials
import Glibc
import LogStore
import Objects
import StateStore

/// Records in the state store what the coordinator is about to do and what it did, for the next process. Every method returns
/// once the store has the record.
final class Journal: Sendable {
  /// The state store.
  let store: any StateStore
  /// The usage of the store by tenant.
  let shares: StateShares
  private let logs: LogStore

  /// The number of finished steps of a session to keep.
  static let keptSteps = 100

  init(store: any StateStore, logs: LogStore, shareBound: Int = StateShares.defaultBound) {
    self.store = store
    shares = StateShares(bound: shareBound)
    self.logs = logs
  }

  // MARK: Writing

  /// Applies changes in one transaction, and records them in the audit trail.
  /// - Parameter mayUseReserve: Whether the changes lead to space being freed, or are requested by an operator: a full store
  ///   still accepts them, like transactions that only delete.
  /// - Throws: `CoordinatorError` of code `stateUnavailable`.
  @discardableResult
  func commit(
    _ summary: String, by author: String, on object: some JournalSubject, conditions: [StateCondition] = [],
    _ changes: [StateChange], mayUseReserve: Bool = false
  ) async throws(CoordinatorError) -> Revision {
    do {
      let revision = try await store.commit(
        StateTransaction(
          author: author, summary: summary, conditions: conditions, changes: changes,
          mayUseReserve: mayUseReserve || changes.allSatisfy(\.isDeletion)))
      shares.applied(changes)
      logs.audit(author: author, action: summary, object: object.description, revision: revision)
      return revision
    } catch {
      throw CoordinatorError(.stateUnavailable, "cannot \(summary): the state store failed: \(error)")
    }
  }

  /// Applies any number of changes in order, in as many transactions as necessary.
  func commitAll(
    _ summary: String, by author: String, on object: some JournalSubject, _ changes: [StateChange],
    mayUseReserve: Bool = false
  ) async throws(CoordinatorError) {
    for batch in changes.batches() {
      try await commit(summary, by: author, on: object, Array(batch), mayUseReserve: mayUseReserve)
    }
  }

  /// Returns the change that sets a document.
  static func put(_ key: String, _ document: some Encodable) -> StateChange {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do { return .put(key, [UInt8](try encoder.encode(document))) } catch {
      // Every document consists of strings, numbers and lists of them.
      preconditionFailure("a document of the state store cannot be encoded: \(error)")
    }
  }

  /// Returns the change that sets the document of an object.
  static func put<Spec, Status>(_ object: ClusterObject<Spec, Status>) -> StateChange {
    put(object.kind.key(object.name), object)
  }

  // MARK: Reading

  /// Returns all documents with a prefix; damaged ones are omitted and passed to `report`.
  func read<Document: Decodable>(
    _ prefix: String, as type: Document.Type, report: (String, any Error) -> Void
  ) async throws(CoordinatorError) -> [(entry: StateEntry, document: Document)] {
    let snapshot: StateSnapshot
    do { snapshot = try await store.entries(prefix: prefix, at: nil) } catch {
      throw CoordinatorError(.stateUnavailable, "cannot read the state store: \(error)")
    }
    shares.applied(snapshot.entries.map { .put($0.key, $0.value) })
    var documents: [(entry: StateEntry, document: Document)] = []
    for entry in snapshot.entries {
      do { documents.append((entry, try JSONDecoder().decode(type, from: Data(entry.value)))) } catch {
        report(entry.key, error)
      }
    }
    return documents
  }

  // MARK: Events

  /// Records an event of an object for operators.
  func event(_ object: ObjectReference, _ reason: String, _ message: String, level: LogRecord.Level = .info) {
    logs.event(object: object.description, reason: reason, message: message, level: level)
  }
}

/// The subject of a transaction in the audit trail.
protocol JournalSubject: CustomStringConvertible {}

extension ObjectReference: JournalSubject {}

extension Journal {
  /// A collection of objects.
  enum Collection: String, JournalSubject {
    case cluster, children

    var description: String { rawValue }
  }
}

extension StateChange {
  fileprivate var isDeletion: Bool { if case .delete = self { true } else { false } }
}

/// Returns the key of a session's object in the state store, by number.
func objectKey(_ session: String, _ number: Int) -> String { "objects/\(session)/\(padded(number))" }

/// Returns the name of a step.
func stepName(_ session: String, _ number: Int) -> String { "\(session)/\(padded(number))" }

/// Returns a number as text that sorts in the order of the numbers.
private func padded(_ number: Int) -> String {
  let digits = String(number)
  return String(repeating: "0", count: max(0, 9 - digits.count)) + digits
}
