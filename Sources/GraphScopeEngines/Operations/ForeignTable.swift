import Engines
import JSON
import Wire

/// A table that the engine cannot read itself, as announced by the client.
struct ForeignTable: Equatable {
  /// The path of the file or directory, as the client wrote it.
  let path: String
  /// `CSV`, `ORC` or `PARQUET`.
  let kind: String
  /// Whether it is on the coordinator's machine.
  let isLocal: Bool
  /// The columns to read, and their types.
  private let options: JSONValue
  /// Options for the file system: addresses and keys.
  let storageOptions: JSONValue

  /// File systems of other machines. Hive tables are ORC files in HDFS, as in vineyard.
  private static let remote: Set<String> = ["hdfs", "hive", "s3", "oss"]

  /// Parses an announcement; returns nil for a table that the engine reads itself.
  /// - Throws: `EngineError.invalidArgument` when its options are not JSON.
  init?(_ item: Payload?) throws(EngineError) {
    guard let item, let place = item.attributes[.protocol]?.text, let source = item.attributes[.source]?.text,
      place == "file" || Self.remote.contains(place)
    else { return nil }
    let isLocal = place == "file"
    // The options of a local CSV file follow its path; there are no separate ones.
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

  /// The order for the helper that reads the table.
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
