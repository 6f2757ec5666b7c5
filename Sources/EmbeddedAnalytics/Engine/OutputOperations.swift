import Engines
import GraphStore
import JSON
import Support
import Synchronization
import Vocabulary
import Workers

/// Results written to files of this machine.
extension EmbeddedAnalyticalEngine {
  /// Gives a selection of a result an id. There is no object store: the id stands for the selection, which a following
  /// `DATA_SINK` reads, and which ends with its result.
  func keepSelection(_ operation: Operation, _ inputs: [ObjectHandle]) throws -> AnalyticalResult {
    let selection = try selection(operation, inputs)
    objects.withLock { $0.keep(selection, for: operation.key) }
    let number = String(UInt64.random(in: 1...UInt64(Int64.max)), radix: 16)
    let id = "o" + String(repeating: "0", count: 16 - number.count) + number
    return .value(Array(JSONValue.object([("object_id", .string(id))]).encoded.utf8))
  }

  private func selection(_ operation: Operation, _ inputs: [ObjectHandle]) throws -> FrameSelection {
    guard case .context(let key) = inputs.first, let context = objects.withLock({ $0.contexts[key] }) else {
      throw EngineError(.invalidArgument, "\(operation.traits.name) needs a result as its parent")
    }
    let selection = FrameSelection(
      context: key, columns: try operation.selectedColumns(), range: try operation.vertexRange())
    for column in selection.columns { _ = try ResultSelector(column.selector, of: context.result, on: context.graph) }
    return selection
  }

  /// Writes the selection of an earlier operation to a file.
  func writeKeptSelection(_ operation: Operation, _ log: any ProgressLog) async throws -> AnalyticalResult {
    guard let parent = operation.parents.first, let selection = objects.withLock({ $0.selections[parent] }) else {
      throw EngineError(
        .illegalState, "the data frame to write does not exist any more",
        hint: "Make it with to_vineyard_dataframe() in the same step, or use context.output()")
    }
    return try await write(selection, operation, log)
  }

  /// Writes columns of a result to a file.
  func writeOutput(
    _ operation: Operation, _ inputs: [ObjectHandle], _ log: any ProgressLog
  ) async throws -> AnalyticalResult {
    try await write(try selection(operation, inputs), operation, log)
  }

  private func write(
    _ selection: FrameSelection, _ operation: Operation, _ log: any ProgressLog
  ) async throws -> AnalyticalResult {
    guard let context = objects.withLock({ $0.contexts[selection.context] }) else {
      throw Self.notThere("result", selection.context)
    }
    let form = try TextForm(try operation.optionalText(.writeOptions) ?? "")
    let target = try Self.place(try operation.text(.fd))
    let staging = "\(workspace)/\(objectKey("output"))"
    try makeDirectory(staging)
    defer { removeTree(staging) }
    let places = places
    try await pool.run(storage: storage, threads: 1) {
      // Engines with several workers write one file each; this is the file of the only worker.
      try ExportSource.result(context).write(
        selection.columns, selection.range, form, to: "\(staging)/\(target.name)_0",
        ExportBounds(storage: $0.storage, cancellation: $0.cancellation))
      try places.move(contentsOf: staging, to: target.directory)
    }
    log.info("Written to \(target.directory)/\(target.name)_0")
    return .done
  }

  /// Returns the directory and the name of a file of this machine.
  private static func place(_ path: String) throws(EngineError) -> (directory: String, name: String) {
    var text = path
    if let scheme = path.firstRange(of: "://") {
      guard path[..<scheme.lowerBound] == "file" else {
        throw EngineError.notBuilt("writing results to '\(path[..<scheme.lowerBound])'")
      }
      text = String(path[scheme.upperBound...])
    }
    let parts = text.pathParts
    guard let name = parts.last, name != "..", name != ".", !text.utf8.contains(0) else {
      throw EngineError(.invalidArgument, "'\(path.prefix(1024))' is not a path that can be written")
    }
    return ((text.utf8.first == UInt8(ascii: "/") ? "/" : "./") + parts.dropLast().joined(separator: "/"), name)
  }
}

/// Columns of a result that a client named.
struct FrameSelection: Sendable {
  /// The key of the result.
  let context: String
  let columns: [FrameColumn]
  let range: VertexRange?
}

extension Operation {
  /// The selected columns of `TO_VINEYARD_DATAFRAME`, or the single one of `TO_VINEYARD_TENSOR`.
  fileprivate func selectedColumns() throws(EngineError) -> [FrameColumn] {
    guard type == .toVineyardTensor else { return try frameColumns() }
    return [FrameColumn(name: "", selector: try selector())]
  }
}
