import Engines
import GraphStore
import Workers

/// Loads tables into stored graphs of a session.
struct GraphLoading {
  let workspace: String
  /// Authorizes the places that are read.
  let places: any Places
  let log: any ProgressLog

  /// Loads tables into a graph, which extends `base` if there is one, and stores it under the name `key` in the workspace. Leaves
  /// nothing behind on failure.
  /// - Throws: `EngineError`, `GraphStoreError`, `CancellationError`.
  func load(
    _ sources: [TableSource], onto base: StoredGraph?, options: GraphOptions, key: String, workers: Workers
  ) throws -> PropertyGraph {
    let staging = "\(workspace)/\(key).tables"
    try makeDirectory(staging)
    // The files of all tables stay on disk until they are removed together, even those no longer read.
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
      let ids = source.tableIDColumns
      switch source.role {
      case .vertices(let label, _):
        try builder.addVertices(label: label, table: table, id: ids[0])
      case .edges(let label, let sourceLabel, let destinationLabel, _, _):
        try builder.addEdges(
          label: label, sourceLabel: sourceLabel, destinationLabel: destinationLabel, table: table, source: ids[0],
          destination: ids[1])
      }
    }
    // Files must survive the end of this process, but not a crash of the machine, which checksums detect.
    return try builder.seal(durable: false)
  }

  private func read(_ source: TableSource, staging: String, _ workers: Workers) throws -> Table {
    let subject =
      switch source.role {
      case .vertices(let label, _): "Loading vertex labeled \(label)"
      case .edges(let label, _, _, _, _): "Loading edge labeled \(label)"
      }
    log.progress(of: subject, percent: 0, note: "")
    var tenths = 0
    let table =
      switch source.location {
      case .csv(let path, let options):
        try readCSV(path, options, staging: staging, workers) { fraction, rate in
          guard Int(fraction * 10) > tenths, fraction < 1 else { return }
          tenths = Int(fraction * 10)
          log.progress(of: subject, percent: tenths * 10, note: ", \(rate) MB/s")
        }
      case .arrowStream(let path, let byteCount):
        try TableReader.readArrowStream(
          path: path, byteCount: byteCount, staging: staging, workers: workers, required: source.role.idColumns)
      case .other(let scheme, let source):
        throw EngineError(
          .unimplemented, "tables from '\(scheme)' cannot be loaded by the embedded analytical engine",
          evidence: source,
          hint:
            "It loads delimited text files by path, and pandas or numpy data. GraphScope's own engine loads more: start "
            + "the coordinator with --engine graphscope")
      case .unreadable(let error): throw error
      }
    log.progress(of: subject, percent: 100, note: ", \(table.rowCount) rows")
    if case .csv(let path, let options) = source.location, let remark = HeaderRemark.of(table, path, options) {
      log.info("\(subject): \(remark)")
    }
    return table
  }

  /// Reads a delimited text file; `progress` receives the part that is done and the megabytes of the file per second.
  private func readCSV(
    _ path: String, _ options: CSVOptions, staging: String, _ workers: Workers,
    progress: (_ fraction: Double, _ rate: Int) -> Void
  ) throws -> Table {
    let file = try places.open(path)
    let start = ContinuousClock.now
    return try TableReader.readCSV(file, options: options, staging: staging, workers: workers) { fraction in
      let seconds = max(start.duration(to: .now) / .seconds(1), 0.001)
      progress(fraction, Int(fraction * Double(file.byteCount) / seconds / 1e6))
    }
  }
}
