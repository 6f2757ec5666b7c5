import GraphStore
import Wire

/// A table of vertices or edges that a graph is to be loaded from.
public struct TableSource: Sendable {
  /// What the rows are.
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

  /// Where the rows are.
  public enum Location: Sendable, Equatable {
    /// A delimited text file on the coordinator's machine.
    case csv(path: String, CSVOptions)
    /// An Arrow IPC stream that the client sent, spooled to a file of `byteCount` bytes.
    case arrowStream(path: String, byteCount: Int)
    /// A place this list does not know, with the client's words for it.
    case other(protocol: String, source: String)
  }

  /// What the rows are.
  public var role: Role
  /// Where the rows are.
  public var location: Location
  /// The table as the client announced it, for engines that speak the client's own protocol.
  public var original: ChunkMeta?

  /// Says what and where.
  public init(role: Role, location: Location, original: ChunkMeta? = nil) {
    self.role = role
    self.location = location
    self.original = original
  }
}
