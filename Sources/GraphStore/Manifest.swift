import FoundationEssentials

/// The table of contents of a stored graph: one line with a version and a checksum, followed by JSON.
///
/// The line is `gscoordinator-graph <version> <checksum of the JSON in hexadecimal>`. The manifest is written last: a directory
/// without one is not a graph.
struct Manifest: Codable, Sendable {
  /// A stored file.
  struct File: Codable, Sendable {
    /// The size in bytes.
    var size: Int
    /// The checksum of the contents; see `Checksum`.
    var checksum: UInt64
  }

  /// A column, as the names of its files.
  struct Column: Codable, Sendable {
    var data: String
    var characters: String?
    /// `Column.firstMissing`; also nil in manifests of earlier versions.
    var firstMissing: String?
  }

  /// How ids of a vertex label are looked up; see `IDIndex`.
  struct Index: Codable, Sendable {
    enum Kind: String, Codable { case contiguous, direct, hash }
    var kind: Kind
    /// The smallest id; 0 for a hash table.
    var first: Int64
    /// The table; nil for contiguous ids.
    var file: String?
  }

  /// The vertices of a label.
  struct VertexLabel: Codable, Sendable {
    var count: Int
    /// The ids, as Int64 values or strings, depending on the graph's type of ids.
    var ids: Column
    var index: Index
    var properties: [Column]
  }

  /// Compressed sparse rows, as the names of their files.
  struct Adjacency: Codable, Sendable, Equatable {
    var offsets: String
    var neighbours: String
    var edges: String
  }

  /// The edges of one relation of an edge label.
  struct Relation: Codable, Sendable {
    var count: Int
    var hasParallelEdges: Bool
    var source: String
    var destination: String
    var outgoing: Adjacency
    /// The incoming rows; equal to `outgoing` if the rows are symmetric.
    var incoming: Adjacency
    var properties: [Column]
  }

  var identifier: Int64
  /// The seed of the hash tables. Kept when a graph is extended, because tables are shared.
  var seed: UInt64
  var schema: GraphSchema
  var options: GraphOptions
  var vertexLabels: [VertexLabel]
  /// By edge label, then in the order of the schema's relations.
  var edgeLabels: [[Relation]]
  var files: [String: File]

  static let fileName = "manifest"
  private static let magic = "gscoordinator-graph"
  private static let version = 1
  private static let maximumSize = 256 << 20

  /// Returns the bytes of the manifest file.
  func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    let json = [UInt8](try encoder.encode(self))
    let checksum = String(Checksum.of(json), radix: 16)
    return Array("\(Self.magic) \(Self.version) \(checksum)\n".utf8) + json
  }

  /// Reads the manifest of a directory.
  static func read(directory: String) throws(GraphStoreError) -> Manifest {
    let path = directory + "/" + fileName
    let file: MappedFile
    do { file = try MappedFile.openWhole(path: path) } catch {
      // A file that cannot be opened or read at the moment may be undamaged.
      guard error.code != .inputOutput else { throw error }
      guard error.code == .notFound else { throw .damaged(path, error.description) }
      throw GraphStoreError(.notFound, "there is no stored graph in '\(directory)'", evidence: "no file '\(path)'")
    }
    guard file.bytes.count <= maximumSize else {
      throw .damaged(path, "\(file.bytes.count) bytes; at most \(maximumSize) are accepted")
    }
    let lineEnd = file.bytes.prefix(128).firstIndex(of: UInt8(ascii: "\n")) ?? 0
    let words = String(decoding: file.bytes[..<lineEnd], as: UTF8.self).split(
      separator: " ", omittingEmptySubsequences: false)
    guard words.count == 3, words[0] == magic else { throw .damaged(path, "it does not start with '\(magic)'") }
    guard words[1] == String(version) else {
      throw GraphStoreError(
        .damaged, "the graph in '\(directory)' has a format that this program does not support",
        evidence: "version \(words[1])",
        hint: "Load it again from its sources")
    }
    let json = [UInt8](file.bytes[(lineEnd + 1)...])
    guard words[2] == String(Checksum.of(json), radix: 16) else { throw .damaged(path, "the checksum does not match") }
    do {
      return try JSONDecoder().decode(Manifest.self, from: Data(json))
    } catch {
      throw .damaged(path, "\(error)")
    }
  }
}

extension GraphStoreError {
  /// Returns the error for a stored file that does not match its manifest.
  static func damaged(_ path: String, _ evidence: String) -> GraphStoreError {
    GraphStoreError(
      .damaged, "the stored graph's file '\(path)' is damaged", evidence: evidence,
      hint: "Load the graph again from its sources")
  }
}
