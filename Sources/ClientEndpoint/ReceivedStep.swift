import Coordinator
import Engines
import NIOCore
import Wire

/// A step as received from its client. While it waits, only the bytes of its head are kept: in memory, or in a file of the
/// session if the head is large.
struct ReceivedStep: WaitingStep {
  /// The bytes of a head.
  enum Head: Sendable {
    case memory(ByteBuffer)
    case file(Spool)
  }

  /// Larger heads, in bytes, are kept in a file.
  static let memoryBytes = 64 << 10

  let head: Head
  /// The tables that the head announced; `spools` has their data.
  let tables: [StepAssembly.Table]
  let spools: [Spool]

  var waitingBytes: Int { if case .memory(let bytes) = head { bytes.readableBytes } else { 0 } }

  /// Decoding a head from a file temporarily needs about twice its size.
  var operationBytes: Int { if case .file(let spool) = head { 2 * spool.byteCount } else { 0 } }

  func operations() async throws -> [Operation] {
    switch head {
    case .memory(let buffer): return try buffer.withUnsafeReadableBytes { try operations(of: $0) }
    case .file(let spool):
      // Copying megabytes must not block the event loop.
      return try await Task.detached { try spool.read { try operations(of: $0) } }.value
    }
  }

  private func operations(of bytes: UnsafeRawBufferPointer) throws -> [Operation] {
    guard case .head(let head) = try RunStepRequest.decode(bytes) else { return [] }
    return try operations(head.dag.operations)
  }

  private func operations(_ definitions: [OpDef]) throws(EngineError) -> [Operation] {
    var spooled: [Int: [Int: SpooledData]] = [:]
    for (table, spool) in zip(tables, spools) {
      spooled[table.operation, default: [:]][table.item] = SpooledData(path: spool.path, byteCount: spool.byteCount)
    }
    var operations: [Operation] = []
    operations.reserveCapacity(definitions.count)
    for (index, definition) in definitions.enumerated() {
      operations.append(try Operation(definition, spooled: spooled[index] ?? [:]))
    }
    return operations
  }
}
