import Engines
import Wire

/// A table that the engine does not read itself, as the client announces it.
struct ForeignTable: Equatable {
  /// The file or directory, as the user typed it.
  let path: String
  /// `CSV`, `ORC` or `PARQUET`.
  let kind: String
  /// Whether it is on the coordinator's machine.
  let isLocal: Bool
  /// Which columns, and their types.
  private let options: JSONValue
  /// What the file system is to know: addresses and keys.
  private let storageOptions: JSONValue

  /// File systems of other machines. Tables of Hive are ORC files in HDFS, as vineyard takes them.
  private static let remote: Set<String> = ["hdfs", "hive", "s3", "oss"]

  /// Reads the announcement; nil for what the engine reads itself.
  /// - Throws: `EngineError.invalidArgument` when its options are not JSON.
  init?(_ item: ChunkMeta?) throws(EngineError) {
    guard let item, let place = item.attributes[.protocol]?.text, let source = item.attributes[.source]?.text,
      place == "file" || Self.remote.contains(place)
    else { return nil }
    let isLocal = place == "file"
    // A local CSV file has its options behind the path and none beside it.
    let optionsText = item.attributes[.readOptions]?.text ?? ""
    let named = (try? JSONValue(parsing: optionsText))?["filetype"]?.text?.uppercased()
    if named == "ORC" || source.hasSuffix(".orc") || place == "hive" {
      kind = "ORC"
    } else if named == "PARQUET" || source.hasSuffix(".parquet") || source.hasSuffix(".pq") {
      kind = "PARQUET"
    } else if !isLocal {
      kind = "CSV"
    } else {
      return nil
    }
    self.isLocal = isLocal
    path = place == "hive" ? "hdfs" + source.dropFirst(place.count) : source
    options = try PythonScript.options(optionsText, "options for reading '\(source.prefix(200))'")
    storageOptions = try PythonScript.options(
      item.attributes[.storageOptions]?.text ?? "", "storage options of '\(source.prefix(200))'")
  }

  /// What the helper that reads it is told.
  var order: [(key: String, value: JSONValue)] {
    [
      ("path", .string(path)), ("kind", .string(kind)), ("local", .bool(isLocal)), ("options", options),
      ("storage_options", storageOptions),
    ]
  }

  static func == (one: Self, other: Self) -> Bool {
    JSONValue.object(one.order).encoded == JSONValue.object(other.order).encoded
  }
}
