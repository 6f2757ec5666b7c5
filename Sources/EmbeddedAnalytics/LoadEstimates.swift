import Engines
import GraphStore

extension EmbeddedAnalyticalEngine {
  /// What loading tables will take, by their sizes and a look at parts of them. Nil for tables that cannot be looked at
  /// in passing, for whatever reason: loading them tells it.
  public func estimate(_ operation: AnalyticalOperation, on inputs: [ObjectHandle]) async throws -> LoadEstimate? {
    try await describingFailures {
      switch operation {
      case .createGraph(let options, _):
        guard case .tables(let sources) = inputs.first else { return nil }
        return try await estimate(sources, onto: nil, options: options)
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
    // Files may be on a slow disk: a thread of the pool waits for it.
    try await pool.run { workers in
      var estimation = LoadEstimation(extending: base, options: options, threads: workers.width)
      for source in sources {
        try workers.cancellation.check()
        guard let table = Self.sketch(source) else { return nil }
        switch source.role {
        case .vertices(let label, let id): estimation.addVertices(label: label, table: table, id: id)
        case .edges(let label, let sourceLabel, let destinationLabel, let from, let to):
          estimation.addEdges(
            label: label, sourceLabel: sourceLabel, destinationLabel: destinationLabel, table: table, source: from,
            destination: to)
        }
      }
      let outcome = estimation.conclude()
      return LoadEstimate(
        residentBytes: outcome.residentBytes, peakBytes: outcome.peakBytes, diskBytes: outcome.residentBytes,
        basis: outcome.basis)
    }
  }

  private static func sketch(_ source: TableSource) -> TableSketch? {
    switch source.location {
    case .csv(let path, let options):
      try? TableReader.sketchCSV(path: path, options: options, ids: source.role.idColumns)
    case .arrowStream(let path, let byteCount):
      try? TableReader.sketchArrowStream(path: path, byteCount: byteCount, ids: source.role.idColumns)
    case .other: nil
    }
  }
}
