import Engines
import FoundationEssentials
import Glibc
import Wire

/// Reads tables in columnar files, which the engine cannot read itself: a helper process of the installed Python packages
/// turns each into an Arrow stream, which goes to the engine as a client's data frame does.
struct TableConversion: Sendable {
  let installation: Installation
  let environment: [String: String]
  /// Where the streams are kept until they are loaded.
  let directory: String
  let children: any ChildLauncher

  /// The tables with those in columnar files turned into streams, and the files of these, which the caller removes.
  /// - Throws: `EngineError` with what the helper said when a file cannot be read.
  func converted(_ tables: [TableSource]) async throws -> (tables: [TableSource], files: [String]) {
    var result = (tables: tables, files: [String]())
    do {
      for index in tables.indices {
        guard let file = ColumnarFile(tables[index].original) else { continue }
        let path = "\(directory)/table-\(UInt32.random(in: 0...UInt32.max)).arrow"
        result.files.append(path)
        try await convert(file, to: path)
        result.tables[index] = try Self.streamed(tables[index], path)
      }
    } catch {
      for path in result.files { unlink(path) }
      throw error
    }
    return result
  }

  private func convert(_ file: ColumnarFile, to path: String) async throws {
    guard let python = installation.python else {
      throw EngineError(
        .unimplemented, "\(file.kind) files need the Python environment of GraphScope's engines",
        hint: InstallationProblem.remedy)
    }
    let end = try await children.run(
      ChildProgram(
        name: "table-\(path.hashValue.magnitude)", executable: python,
        arguments: ["-c", Self.script, file.path, file.kind, file.options, path], environment: environment,
        directory: directory))
    guard end.isSuccess else {
      throw EngineError(
        .engineFailure, "'\(file.path)' cannot be read as \(file.kind)",
        evidence: end.lastLines.last ?? end.cause, hint: "Paths are those of the coordinator's machine")
    }
  }

  /// The table as the engine is to read it.
  private static func streamed(_ table: TableSource, _ path: String) throws(EngineError) -> TableSource {
    var info = stat()
    guard stat(path, &info) == 0, var original = table.original else {
      throw EngineError(.internalFailure, "the helper that reads columnar files wrote nothing")
    }
    original.size = Int64(info.st_size)
    original.attributes[.protocol] = .text("pandas")
    original.attributes[.source] = .text("")
    original.attributes[.readOptions] = .text("{}")
    original.attributes[.storageOptions] = .text("{}")
    return TableSource(
      role: table.role, location: .arrowStream(path: path, byteCount: Int(info.st_size)), original: original)
  }

  /// Reads a file, takes the chosen columns in their order, and writes an Arrow stream.
  private static let script = """
    import json, os, sys
    import pyarrow as pa
    path, kind, options, output = sys.argv[1:]
    options = json.loads(options)
    path = os.path.expandvars(os.path.expanduser(path[7:] if path.startswith("file://") else path))
    try:
        if kind == "ORC":
            import pyarrow.orc
            table = pyarrow.orc.read_table(path)
        else:
            import pyarrow.parquet
            table = pyarrow.parquet.read_table(path)
        chosen = [name for name in str(options.get("schema") or "").split(",") if name]
        types = str(options.get("column_types") or "").split(",")
        names = [name if name in table.column_names else table.column_names[int(name)] for name in chosen]
        known = {"int32_t": pa.int32(), "int64_t": pa.int64(), "uint32_t": pa.uint32(), "uint64_t": pa.uint64(),
                 "float": pa.float32(), "double": pa.float64(), "std::string": pa.large_string()}
        rest = names if names and not options.get("include_all_columns") else (
            names + [name for name in table.column_names if name not in names])
        columns = []
        for index, name in enumerate(rest):
            column = table.column(name)
            wanted = known.get(types[index]) if index < len(names) and index < len(types) else None
            columns.append(column.cast(wanted) if wanted is not None else column)
        table = pa.table(columns, names=rest)
        with pa.OSFile(output, "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
    except Exception as error:
        sys.exit("%s: %s" % (type(error).__name__, error))
    """
}

/// A table in a columnar file, as the client announces it.
struct ColumnarFile: Equatable {
  /// The file, as the user typed it.
  let path: String
  /// `ORC` or `PARQUET`.
  let kind: String
  /// A JSON object: which columns, and their types.
  let options: String

  /// Reads the announcement; nil for anything but a columnar file on the coordinator's machine.
  init?(_ item: ChunkMeta?) {
    guard let item, item.attributes[.protocol]?.text == "file", let source = item.attributes[.source]?.text else {
      return nil
    }
    let options = item.attributes[.readOptions]?.text ?? "{}"
    let named = (try? JSONValue(parsing: options))?["filetype"]?.text?.uppercased()
    if named == "ORC" || source.hasSuffix(".orc") {
      kind = "ORC"
    } else if named == "PARQUET" || source.hasSuffix(".parquet") || source.hasSuffix(".pq") {
      kind = "PARQUET"
    } else {
      return nil
    }
    path = source
    self.options = options.isEmpty ? "{}" : options
  }
}
