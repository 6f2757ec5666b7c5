import Engines
import GraphStore
import Vocabulary
import Workers

extension EmbeddedAnalyticalEngine {
  /// Estimates the resources for loading tables, from their sizes and samples. Returns nil for tables that cannot be sampled
  /// cheaply or at all; errors are reported when they are loaded.
  public func estimate(_ operation: Operation, on inputs: [ObjectHandle]) async throws -> LoadEstimate? {
    try await describingFailures {
      switch operation.type {
      case .createGraph:
        guard operation.graphOrigin == .tables, case .tables(let sources) = inputs.first else { return nil }
        return try await estimate(sources, onto: nil, options: try operation.graphOptions())
      case .addLabels:
        guard inputs.count > 1, case .tables(let sources) = inputs[1] else { return nil }
        guard let base = try? await graphToExtend(inputs) else { return nil }
        return try await estimate(sources, onto: base, options: base.options)
      default: return nil
      }
    }
  }

  private func graphToExtend(_ inputs: [ObjectHandle]) async throws -> PropertyGraph {
    try await wake(inputs[0])
    return try propertyGraph(inputs, for: "ADD_LABELS").stored.graph
  }

  private func estimate(
    _ sources: [TableSource], onto base: PropertyGraph?, options: GraphOptions
  ) async throws -> LoadEstimate? {
    // Files may be on a slow disk, so a thread of the pool waits for it.
    try await pool.run { [self] workers in
      var estimation = LoadEstimation(extending: base, options: options, threads: workers.width)
      for source in sources {
        try workers.cancellation.check()
        guard let table = sketch(source) else { return nil }
        let ids = source.tableIDColumns
        switch source.role {
        case .vertices(let label, _): estimation.addVertices(label: label, table: table, id: ids[0])
        case .edges(let label, let sourceLabel, let destinationLabel, _, _):
          estimation.addEdges(
            label: label, sourceLabel: sourceLabel, destinationLabel: destinationLabel, table: table, source: ids[0],
            destination: ids[1])
        }
      }
      let outcome = estimation.conclude()
      return LoadEstimate(
        residentBytes: outcome.residentBytes, peakBytes: outcome.peakBytes, diskBytes: outcome.residentBytes,
        basis: outcome.basis)
    }
  }

  private func sketch(_ source: TableSource) -> TableSketch? {
    switch source.location {
    case .csv(let path, let options):
      (try? places.open(path)).flatMap {
        try? TableReader.sketchCSV($0, options: options, ids: source.role.idColumns)
      }
    case .arrowStream(let path, let byteCount):
      try? TableReader.sketchArrowStream(path: path, byteCount: byteCount, ids: source.role.idColumns)
    case .other, .unreadable: nil
    }
  }
}
