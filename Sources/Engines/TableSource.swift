import GraphStore

/// A table of vertices or edges from which to load a graph.
public struct TableSource: Sendable {
  /// The contents of the rows.
  public enum Role: Sendable, Equatable {
    /// Vertices of a label, identified by a column.
    case vertices(label: String, id: ColumnReference)
    /// Edges of a label from one vertex label to another.
    case edges(
      label: String, sourceLabel: String, destinationLabel: String, source: ColumnReference,
      destination: ColumnReference)

    /// The columns that hold ids.
    public var idColumns: [ColumnReference] {
      switch self {
      case .vertices(_, let id): [id]
      case .edges(_, _, _, let source, let destination): [source, destination]
      }
    }
  }

  /// The location of the rows.
  public enum Location: Sendable, Equatable {
    /// A delimited text file on the coordinator's machine.
    case csv(path: String, CSVOptions)
    /// An Arrow IPC stream from the client, spooled to a file of `byteCount` bytes.
    case arrowStream(path: String, byteCount: Int)
    /// A place of a protocol not listed here, as the client described it.
    case other(protocol: String, source: String)
    /// A file described in a way that only some engines may understand; the others report the error.
    case unreadable(EngineError)
  }

  /// The contents of the rows.
  public var role: Role
  /// The location of the rows.
  public var location: Location
  /// The table as the client announced it, for engines that use the client's own protocol.
  public var original: Payload?

  /// The columns that hold ids, by their positions in the table that is read. A number counts the columns of a file, but the
  /// table read from a file begins with the requested columns, and clients request ids first.
  public var tableIDColumns: [ColumnReference] {
    let ids = role.idColumns
    guard case .csv(_, let options) = location,
      options.columns.prefix(ids.count).map(\.reference) == ids
    else { return ids }
    return ids.indices.map { .index($0) }
  }

  /// Creates a table source.
  public init(role: Role, location: Location, original: Payload? = nil) {
    self.role = role
    self.location = location
    self.original = original
  }
}
