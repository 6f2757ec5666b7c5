import CPlatform
import Engines
import FoundationEssentials
import Glibc
import GraphStore
import JSON
import NIOPosix
import Wire

/// Reads tables that the engine cannot read itself, in columnar formats or on other file systems. A helper process of the
/// installed Python packages converts each to an Arrow stream, which is passed to the engine like a client's data frame.
struct TableConversion: Sendable {
  let places: any Places
  let lender: FileLender
  let script: PythonScript

  /// Returns the tables with the foreign ones converted to streams, and the streams' files. These have no name any more; keep
  /// them until the tables were read.
  /// - Throws: `EngineError` with the helper's output when a table cannot be read.
  func converted(_ tables: [TableSource]) async throws -> (tables: [TableSource], files: [OpenedFile]) {
    var result = (tables: tables, files: [OpenedFile]())
    for index in tables.indices {
      guard let table = try ForeignTable(tables[index].original) else { continue }
      let path = "\(script.directory)/table-\(UInt32.random(in: 0...UInt32.max)).arrow"
      defer { unlink(path) }
      try await convert(table, to: path)
      let stream = try opened(path)
      result.tables[index] = try Self.streamed(tables[index], stream)
      result.files.append(stream)
    }
    return result
  }

  /// Opens the helper's output. A helper that runs as another user might have replaced it.
  private func opened(_ path: String) throws -> OpenedFile {
    let descriptor = script.user.opening {
      let descriptor = open(path, OpenedFile.flags | O_NOFOLLOW)
      return descriptor < 0 ? -errno : descriptor
    }
    guard descriptor >= 0 else {
      throw EngineError(.internalFailure, "the helper that reads tables wrote nothing")
    }
    guard script.user == nil || platform_take_over(descriptor) == 0 else {
      close(descriptor)
      throw EngineError(.engineFailure, "the output of the helper is still being written")
    }
    return try describingFailures { try OpenedFile(taking: descriptor, path: path) }
  }

  private func convert(_ table: ForeignTable, to path: String) async throws {
    let loan = try await lender.lend(try await opened(table).map(\.file))
    defer { loan.end() }
    let names = JSONValue.array(loan.names.map { .string($0) })
    let order = table.order + [("output", JSONValue.string(path)), ("files", names)]
    let end = try await script.run(Self.reader, order, purpose: "table")
    guard end.isSuccess else {
      throw EngineError(
        .engineFailure, "'\(table.path)' cannot be read as \(table.kind)",
        evidence: end.lastLines.last ?? end.cause,
        hint: table.isLocal
          ? "Paths refer to the coordinator's machine"
          : "Pass credentials and addresses as arguments of the loader: Loader(url, key=..., secret=...)")
    }
  }

  /// Opens the files of a table on this machine. Returns none for a storage that may be accessed, which the helper reads itself.
  private func opened(_ table: ForeignTable) async throws -> [PlacedFile] {
    guard table.isLocal else {
      try places.require(table.path, options: table.storageOptions, for: .reading)
      return []
    }
    let files = try await NIOThreadPool.singleton.runIfActive { [places] in
      try describingFailures { try places.files(at: table.path) }
    }
    // Files that other programs left in the directory are not data.
    let data = files.filter { file in
      let name = file.name.split(separator: "/").last ?? ""
      return files.count == 1 || !name.hasPrefix("_") && !name.hasPrefix(".")
    }
    guard !data.isEmpty else { throw EngineError(.engineFailure, "'\(table.path)' has no files") }
    return data
  }

  /// Returns the table in the form that the engine reads.
  private static func streamed(_ table: TableSource, _ stream: OpenedFile) throws(EngineError) -> TableSource {
    guard var original = table.original else {
      throw EngineError(.internalFailure, "the helper that reads tables wrote nothing")
    }
    let path = "/proc/self/fd/\(stream.descriptor)"
    original.content = .file(SpooledData(path: path, byteCount: stream.byteCount))
    original.attributes[.protocol] = .text("pandas")
    original.attributes[.source] = .text("")
    original.attributes[.readOptions] = .text("{}")
    original.attributes[.storageOptions] = .text("{}")
    return TableSource(
      role: table.role, location: .arrowStream(path: path, byteCount: stream.byteCount), original: original)
  }

  /// Reads the files of a table piece by piece, selects the requested columns in their order, and writes an Arrow stream. The
  /// file systems are those of `fsspec`, with vineyard's for HDFS and OSS.
  private static let reader = """
    import pyarrow as pa
    options, kind, path = order["options"], order["kind"], order["path"]
    chosen = [name for name in str(options.get("schema") or "").split(",") if name]
    known = {"int32_t": pa.int32(), "int64_t": pa.int64(), "uint32_t": pa.uint32(), "uint64_t": pa.uint64(),
             "float": pa.float32(), "double": pa.float64(), "std::string": pa.large_string()}
    types = [known.get(name) for name in str(options.get("column_types") or "").split(",")]

    def files():
        import fsspec
        if order["local"]:
            return [open(name, "rb") for name in order["files"]]
        try:
            import vineyard.drivers.io.fsspec_adaptors
        except ImportError:
            pass
        system, _, found = fsspec.get_fs_token_paths(path, storage_options=order["storage_options"])
        names = []
        for name in found:
            if system.isdir(name):
                names += [inner for inner in system.find(name) if os.path.basename(inner)[:1] not in ("_", ".")]
            else:
                names.append(name)
        if not names:
            raise FileNotFoundError("no files at " + path)
        return [system.open(name, "rb") for name in sorted(names)]

    def flag(name, default):
        value = options.get(name, default)
        return value if isinstance(value, bool) else str(value).lower() in ("1", "true")

    def pieces(file):
        if kind == "ORC":
            import pyarrow.orc
            table = pyarrow.orc.ORCFile(file)
            return table.schema, (table.read_stripe(index) for index in range(table.nstripes))
        if kind == "PARQUET":
            import pyarrow.parquet
            table = pyarrow.parquet.ParquetFile(file)
            return table.schema_arrow, table.iter_batches()
        from pyarrow import csv
        def opened(block, types):
            file.seek(0)
            return csv.open_csv(
                file, csv.ReadOptions(block_size=block, autogenerate_column_names=not flag("header_row", True)),
                csv.ParseOptions(delimiter=options.get("delimiter") or ","), csv.ConvertOptions(column_types=types))
        # The names first: a type must be known before the column is read, and columns may be chosen by number.
        names = wanted(opened(1 << 20, {}).schema.names)
        table = opened(1 << 25, {name: known for name, known in zip(names, types[:len(chosen)]) if known is not None})
        return table.schema, table

    def wanted(present):
        names = [name if name in present else present[int(name)] for name in chosen]
        if not names or flag("include_all_columns", False):
            names += [name for name in present if name not in names]
        return names

    try:
        writer = None
        with pa.OSFile(order["output"], "wb") as sink:
            for file in files():
                schema, batches = pieces(file)
                if writer is None:
                    names = wanted(schema.names)
                    columns = [schema.field(name).type for name in names]
                    for index, chosen_type in enumerate(types[:len(chosen)]):
                        columns[index] = chosen_type or columns[index]
                    target = pa.schema(list(zip(names, columns)))
                    writer = pa.ipc.new_stream(sink, target)
                for batch in batches:
                    writer.write_table(pa.Table.from_batches([batch]).select(target.names).cast(target))
            writer.close()
    except Exception as error:
        sys.exit("%s: %s" % (type(error).__name__, " ".join(str(error).split())[:1000]))
    """
}
