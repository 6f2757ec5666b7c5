import GraphStore
import Synchronization

/// The stored graphs of a session, by the numbers under which clients know them. The engine that makes graphs enters them; the
/// other engines of the session look them up. A graph stays in the catalogue as long as its session holds it, and a graph that an
/// engine serves is not unloaded.
public final class GraphCatalogue: Sendable {
  /// A stored graph, or the part of it that is visible under one number.
  public struct Entry: Sendable {
    /// What the client received: the number, and the schema with hidden items marked as not valid.
    public let description: GraphDescription
    /// The directory of the graph's files. Other processes may map them; they never change.
    public let directory: String
    private let opening: @Sendable () async throws -> PropertyGraph

    /// Creates an entry for a graph in `directory`. `opening` maps it, or returns it if it is mapped already.
    public init(
      description: GraphDescription, directory: String, opening: @escaping @Sendable () async throws -> PropertyGraph
    ) {
      (self.description, self.directory, self.opening) = (description, directory, opening)
    }

    /// Returns the graph. It is mapped once, however many engines use it.
    /// - Throws: `EngineError` when its files cannot be read; `CancellationError`.
    public func graph() async throws -> PropertyGraph { try await opening() }
  }

  private let entries = Mutex<[Int64: Entry]>([:])

  /// Creates an empty catalogue.
  public init() {}

  /// Returns the graph with a number.
  /// - Throws: `EngineError` with code `illegalState` when the graph is not, or no longer, in the session.
  public func entry(_ number: Int64) throws(EngineError) -> Entry {
    if let entry = entries.withLock({ $0[number] }) { return entry }
    throw EngineError(
      .illegalState, "graph \(number) is not in this session",
      hint: "It was unloaded or belongs to another session. Load it in this session"
    )
  }

  /// Adds a graph under its number.
  public func enter(_ entry: Entry) { entries.withLock { $0[entry.description.objectID] = entry } }

  /// Removes the graph with a number. Does nothing if there is none.
  public func remove(_ number: Int64) { _ = entries.withLock { $0.removeValue(forKey: number) } }

  /// Removes all graphs.
  public func removeAll() { entries.withLock { $0 = [:] } }
}
