import Engines
import GraphStore

/// Makes stored graphs of a session from tables.
struct GraphLoading {
  let workspace: String
  let log: any ProgressLog

  /// Reads tables and stores a graph of them, on top of `base` if there is one, under the name `key` in the workspace.
  /// When this throws, nothing stays behind.
  /// - Throws: `EngineError`, `GraphStoreError`, `CancellationError`.
  func load(
    _ sources: [TableSource], onto base: StoredGraph?, options: GraphOptions, key: String, workers: Workers
  ) throws -> PropertyGraph {
    let staging = "\(workspace)/\(key).tables"
    try makeDirectory(staging)
    // Files of tables are on the disk until all of them are removed, also those that nobody reads any more.
    var staged: [StorageReservation] = []
    defer {
      removeTree(staging)
      staged = []
    }
    var builder = try GraphBuilder(
      directory: "\(workspace)/\(key)", extending: base?.graph, options: options, workers: workers,
      progress: { log.info("Loading: \($0)") })
    for source in sources {
      let table = try read(source, staging: staging, workers)
      staged += table.reservations
      switch source.role {
      case .vertices(let label, let id):
        try builder.addVertices(label: label, table: table, id: id)
      case .edges(let label, let sourceLabel, let destinationLabel, let from, let to):
        try builder.addEdges(
          label: label, sourceLabel: sourceLabel, destinationLabel: destinationLabel, table: table, source: from,
          destination: to)
      }
    }
    // They must survive the end of this process, not that of the machine: checksums tell when they did not.
    return try builder.seal(durable: false)
  }

  private func read(_ source: TableSource, staging: String, _ workers: Workers) throws -> Table {
    let subject =
      switch source.role {
      case .vertices(let label, _): "Loading vertex labeled \(label)"
      case .edges(let label, _, _, _, _): "Loading edge labeled \(label)"
      }
    log.info("\(subject): 0%")
    var tenths = 0
    let table =
      switch source.location {
      case .csv(let path, let options):
        try TableReader.readCSV(path: path, options: options, staging: staging, workers: workers) { fraction in
          guard Int(fraction * 10) > tenths, fraction < 1 else { return }
          tenths = Int(fraction * 10)
          log.info("\(subject): \(tenths)0%")
        }
      case .arrowStream(let path, let byteCount):
        try TableReader.readArrowStream(
          path: path, byteCount: byteCount, staging: staging, workers: workers, required: source.role.idColumns)
      case .other(let scheme, let source):
        throw EngineError(
          .unimplemented, "tables from '\(scheme)' cannot be loaded by the embedded analytical engine",
          evidence: source, hint: "It loads delimited text files by path, and pandas or numpy data")
      }
    log.info("\(subject): 100%, \(table.rowCount) rows")
    return table
  }
}
