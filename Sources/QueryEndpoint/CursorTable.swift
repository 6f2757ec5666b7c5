import QueryAlgebra
import Synchronization

/// The cursors of a connection, by its names for them. A query that is being compiled has a place before it has a cursor.
struct CursorTable<ID: Hashable> {
  /// Holds a cursor, or the fact that nobody wants it.
  final class Place: Sendable {
    private struct State {
      var cursor: (any QueryCursor)?
      var isCancelled = false
    }

    private let state = Mutex(State())

    var cursor: (any QueryCursor)? { state.withLock { $0.cursor } }

    /// Puts a cursor in; cancels it and returns false if the place was given up before.
    func fill(_ cursor: any QueryCursor) -> Bool {
      let isWanted = state.withLock { state in
        if !state.isCancelled { state.cursor = cursor }
        return !state.isCancelled
      }
      if !isWanted { cursor.cancel() }
      return isWanted
    }

    func cancel() {
      let cursor = state.withLock { state in
        state.isCancelled = true
        defer { state.cursor = nil }
        return state.cursor
      }
      cursor?.cancel()
    }
  }

  private var places: [ID: Place] = [:]

  /// Makes a place.
  mutating func place(for id: ID) -> Place {
    let place = Place()
    places[id] = place
    return place
  }

  subscript(id: ID) -> (any QueryCursor)? { places[id]?.cursor }

  /// Ends a query, also one that is still being compiled.
  mutating func cancel(_ id: ID) { places.removeValue(forKey: id)?.cancel() }

  /// Ends all queries.
  mutating func cancelAll() {
    for place in places.values { place.cancel() }
    places = [:]
  }
}
