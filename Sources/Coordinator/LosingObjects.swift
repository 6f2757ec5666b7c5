import ControlPlane
import Engines
import StateStore
import Synchronization

/// Handling of objects that a session's engines can no longer find, after a restart of the engines or of the coordinator. Their
/// graphs do not count towards a quota and cannot be served. If an object left data behind, the session keeps its handle, so that
/// an unload removes the data.
extension Session {
  /// Forgets lost objects, first in the state store, and reports them in the session's log.
  func forget(_ lost: [LostObject]) async throws(CoordinatorError) {
    guard !lost.isEmpty else { return }
    tell(lost, "Lost")
    try await journal.commitAll(
      "record lost objects", by: "coordinator", on: object, changes(forgetting: lost), mayUseReserve: true)
    drop(lost)
  }

  /// Names the first lost objects in the session's log.
  func tell(_ lost: [LostObject], _ word: String) {
    for object in lost.prefix(Self.namedLosses) { log.error("\(word): \(object.handle): \(object.reason)") }
    if lost.count > Self.namedLosses { log.error("\(word): \(lost.count - Self.namedLosses) more objects") }
  }

  /// Returns the changes of the state store that forget lost objects.
  func changes(forgetting lost: [LostObject]) -> [StateChange] {
    registry.withLock { $0.entries(of: lost.handlesWithoutRemains) }.map {
      Journal.put(objectKey(id, $0.number), ObjectDocument(.none, of: $0.key))
    }
  }

  /// Forgets lost objects that the state store has already forgotten.
  func drop(_ lost: [LostObject]) {
    forgetGraphs(of: lost.map(\.handle))
    registry.withLock { $0.lose(lost.handlesWithoutRemains) }
  }

  /// Removes the graphs among these objects.
  func forgetGraphs(of handles: [ObjectHandle]) {
    perform(tell(.graphsLost(keys: handles.compactMap { if case .graph(let key) = $0 { key } else { nil } })))
    countGraphs()
  }

  /// The maximum number of lost objects named in the session's log.
  private static let namedLosses = 100
}

extension [LostObject] {
  fileprivate var handlesWithoutRemains: [ObjectHandle] { filter { !$0.hasRemains }.map(\.handle) }
}
