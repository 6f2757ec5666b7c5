import Cluster
import FoundationEssentials
import Glibc

/// Writes down what the coordinator is about to do and what it did, so that the next process knows. Every method returns
/// when the store has it.
final class Journal: Sendable {
  /// Where it is written.
  let store: any StateStore
  private let logs: LogStore

  /// Most changes of one transaction.
  private static let batch = 100
  /// Finished steps of a session that are kept.
  static let keptSteps = 100

  init(store: any StateStore, logs: LogStore) {
    self.store = store
    self.logs = logs
  }

  // MARK: Writing

  /// Applies changes as one, and tells the audit trail.
  /// - Throws: `CoordinatorError` of code `stateUnavailable`.
  @discardableResult
  func commit(
    _ summary: String, by author: String, on object: String, conditions: [StateCondition] = [],
    _ changes: [StateChange]
  ) async throws(CoordinatorError) -> Revision {
    do {
      let revision = try await store.commit(
        StateTransaction(author: author, summary: summary, conditions: conditions, changes: changes))
      logs.audit(author: author, action: summary, object: object, revision: revision)
      return revision
    } catch {
      throw CoordinatorError(.stateUnavailable, "cannot \(summary): the state store failed: \(error)")
    }
  }

  /// Applies any number of changes, in order, in as many transactions as it takes.
  func commitAll(
    _ summary: String, by author: String, on object: String, _ changes: [StateChange]
  ) async throws(CoordinatorError) {
    var rest = changes[...]
    while !rest.isEmpty {
      try await commit(summary, by: author, on: object, Array(rest.prefix(Self.batch)))
      rest = rest.dropFirst(Self.batch)
    }
  }

  /// Sets a document.
  static func put(_ key: String, _ document: some Encodable) -> StateChange {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do { return .put(key, [UInt8](try encoder.encode(document))) } catch {
      // Every document is made of strings, numbers and lists of them.
      preconditionFailure("a document of the state store cannot be encoded: \(error)")
    }
  }

  /// Sets the document of an object.
  static func put<Spec, Status>(_ object: ClusterObject<Spec, Status>) -> StateChange {
    put(object.kind.key(object.name), object)
  }

  // MARK: Reading

  /// All entries below a prefix; damaged ones are left out and told to `report`.
  func read<Document: Decodable>(
    _ prefix: String, as type: Document.Type, report: (String, any Error) -> Void
  ) async throws(CoordinatorError) -> [(entry: StateEntry, document: Document)] {
    let snapshot: StateSnapshot
    do { snapshot = try await store.entries(prefix: prefix, at: nil) } catch {
      throw CoordinatorError(.stateUnavailable, "cannot read the state store: \(error)")
    }
    var documents: [(entry: StateEntry, document: Document)] = []
    for entry in snapshot.entries {
      do { documents.append((entry, try JSONDecoder().decode(type, from: Data(entry.value)))) } catch {
        report(entry.key, error)
      }
    }
    return documents
  }

  // MARK: Telling

  /// Tells operators that something happened to an object.
  func event(_ object: String, _ reason: String, _ message: String, level: LogRecord.Level = .info) {
    logs.event(object: object, reason: reason, message: message, level: level)
  }
}

/// Where the objects of a session are in the state store, by number.
func objectKey(_ session: String, _ number: Int) -> String { "objects/\(session)/\(padded(number))" }

/// The name of a step.
func stepName(_ session: String, _ number: Int) -> String { "\(session)/\(padded(number))" }

/// A number whose texts have the order of the numbers.
private func padded(_ number: Int) -> String {
  let digits = String(number)
  return String(repeating: "0", count: max(0, 9 - digits.count)) + digits
}
