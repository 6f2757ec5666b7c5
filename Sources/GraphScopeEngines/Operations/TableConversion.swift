import Engines
import FoundationEssentials
import Glibc
import Wire

/// Reads tables that the engine cannot read itself, in columnar files or on other file systems: a helper process of the
/// installed Python packages turns each into an Arrow stream, which goes to the engine as a client's data frame does.
struct TableConversion: Sendable {
  let script: PythonScript

  /// The tables with the foreign ones turned into streams, and the files of these, which the caller removes.
  /// - Throws: `EngineError` with what the helper said when one cannot be read.
  func converted(_ tables: [TableSource]) async throws -> (tables: [TableSource], files: [String]) {
    var result = (tables: tables, files: [String]())
    do {
      for index in tables.indices {
        guard let table = try ForeignTable(tables[index].original) else { continue }
        let path = "\(script.directory)/table-\(UInt32.random(in: 0...UInt32.max)).arrow"
        result.files.append(path)
        try await convert(table, to: path)
        result.tables[index] = try Self.streamed(tables[index], path)
      }
    } catch {
      for path in result.files { unlink(path) }
      throw error
    }
    return result
  }

  private func convert(_ table: ForeignTable, to path: String) async throws {
    let order = table.order + [("output", JSONValue.string(path))]
    let end = try await script.run(Self.reader, order, purpose: "table")
    guard end.isSuccess else {
      throw EngineError(
        .engineFailure, "'\(table.path)' cannot be read as \(table.kind)",
        evidence: end.lastLines.last ?? end.cause,
        hint: table.isLocal
          ? "Paths are those of the coordinator's machine"
          : "Credentials and addresses are the loader's further arguments: Loader(url, key=..., secret=...)")
    }
  }

  /// The table as the engine is to read it.
  private static func streamed(_ table: TableSource, _ path: String) throws(EngineError) -> TableSource {
    var info = stat()
    guard stat(path, &info) == 0, var original = table.original else {
      throw EngineError(.internalFailure, "the helper that reads tables wrote nothing")
    }
    original.size = Int64(info.st_size)
    original.attributes[.protocol] = .text("pandas")
    original.attributes[.source] = .text("")
    original.attributes[.readOptions] = .text("{}")
    original.attributes[.storageOptions] = .text("{}")
    return TableSource(
      role: table.role, location: .arrowStream(path: path, byteCount: Int(info.st_size)), original: original)
  }

  /// Reads the files of a table piece by piece, takes the chosen columns in their order, and writes an Arrow stream. The
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
        if not order["local"]:
            try:
                import vineyard.drivers.io.fsspec_adaptors
            except ImportError:
                pass
        place = os.path.expandvars(path) if order["local"] else path
        system, _, found = fsspec.get_fs_token_paths(place, storage_options=order["storage_options"])
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
