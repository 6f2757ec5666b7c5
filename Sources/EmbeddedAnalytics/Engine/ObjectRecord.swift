import Engines
import FoundationEssentials
import Glibc
import GraphStore
import Workers

/// How a graph is made: from a stored graph and a projection of it.
struct GraphRecipe: Codable, Sendable {
  /// The name of the stored graph's directory in the workspace.
  var directory: String
  /// The description sent to the client.
  var description: GraphDescription
  /// For graphs on which algorithms run, the requested properties.
  var projection: Projection?

  /// The properties selected by a projection to a simple graph; nil if none was selected.
  struct Projection: Codable, Sendable {
    var vertexProperty: String?
    var edgeProperty: String?
    /// Whether an algorithm runs on the property graph as it is. nil means no.
    var isWhole: Bool?
  }
}

/// The information that an engine of a later process needs to restore an object, in a small file beside those of the object.
///
/// It is written completely before the object becomes known to clients. If a crash of the machine has damaged it, its checksum
/// does not match.
///
/// The file consists of a line `gscoordinator-object <version> <checksum of the JSON in hexadecimal>`, followed by JSON. Files of
/// earlier releases contain only JSON, and their results have no checksum.
struct ObjectRecord: Codable, Sendable {
  /// The kinds of objects.
  enum Kind: String, Codable, Sendable {
    case graph, application, result
  }

  var kind: Kind
  /// The graph, the one that the application is bound to, or the one that the result belongs to.
  var graph: GraphRecipe
  /// The algorithm of an application.
  var algorithm: String?
  /// The description of a result that was sent to the client.
  var result: ContextDescription?
  /// The values of a result with one value per vertex.
  private var values: StoredResult.Values?
  /// The columns of other results.
  private var columns: [StoredResult.Column]?
  /// The dimensions of a tensor.
  private var shape: [Int]?

  /// How the values of a result are stored, in a separate file; nil for other objects.
  var stored: StoredResult? {
    if let values { return StoredResult(columns: [.init(values: values)]) }
    return columns.map { StoredResult(columns: $0, shape: shape) }
  }

  init(
    kind: Kind, graph: GraphRecipe, algorithm: String? = nil, result: ContextDescription? = nil,
    _ stored: StoredResult? = nil
  ) {
    (self.kind, self.graph, self.algorithm, self.result) = (kind, graph, algorithm, result)
    guard let stored else { return }
    if result?.kind == .vertexData {
      values = stored.columns.first?.values
    } else {
      (columns, shape) = (stored.columns, stored.shape)
    }
  }

  private static let maximumBytes = 64 << 20
  private static let magic = "gscoordinator-object"
  private static let version = 1

  /// Returns the path of the record.
  static func path(_ workspace: String, _ key: String) -> String { "\(workspace)/\(key).object" }

  /// Returns the path of a result's values.
  static func valuesPath(_ workspace: String, _ key: String) -> String { "\(workspace)/\(key).values" }

  /// Writes the record of a new object, atomically.
  func write(_ workspace: String, key: String) throws {
    let path = Self.path(workspace, key)
    let draft = path + ".draft"
    let json = [UInt8](try JSONEncoder().encode(self))
    let head = "\(Self.magic) \(Self.version) \(String(Checksum.of(json), radix: 16))\n"
    try writeFile(draft, head + String(decoding: json, as: UTF8.self))
    guard rename(draft, path) == 0 else {
      let reason = String(cString: strerror(errno))
      removeTree(draft)
      throw EngineError(.engineFailure, "cannot write '\(path)'", evidence: reason)
    }
  }

  /// Reads the record of an object.
  /// - Throws: `GraphStoreError`, or `EngineError` that names the file, if it is missing or damaged.
  static func read(_ workspace: String, key: String) throws -> ObjectRecord {
    let file = try MappedFile.openWhole(path: path(workspace, key))
    guard file.bytes.count <= maximumBytes else { throw damaged(file, "it has \(file.bytes.count) bytes") }
    let json = try json(of: file)
    do { return try JSONDecoder().decode(ObjectRecord.self, from: Data(json)) } catch {
      throw damaged(file, "\(error)")
    }
  }

  /// Returns the JSON of a record after verifying its checksum, if it has one.
  private static func json(of file: MappedFile) throws(EngineError) -> [UInt8] {
    if file.bytes.first == UInt8(ascii: "{") { return [UInt8](file.bytes) }
    guard let end = file.bytes.prefix(128).firstIndex(of: UInt8(ascii: "\n")) else {
      throw damaged(file, "it does not start with '\(magic)'")
    }
    let words = String(decoding: file.bytes[..<end], as: UTF8.self).split(separator: " ")
    guard words.count == 3, words[0] == magic else { throw damaged(file, "it does not start with '\(magic)'") }
    guard words[1] == "\(version)" else {
      throw EngineError(
        .engineFailure, "the record '\(file.path)' has a format that this program does not support",
        evidence: "version \(words[1])", hint: "Create the object again")
    }
    let json = [UInt8](file.bytes[(end + 1)...])
    guard words[2] == String(Checksum.of(json), radix: 16) else { throw damaged(file, "the checksum does not match") }
    return json
  }

  private static func damaged(_ file: MappedFile, _ evidence: String) -> EngineError {
    EngineError(
      .engineFailure, "the record '\(file.path)' is damaged", evidence: evidence, hint: "Create the object again")
  }
}
