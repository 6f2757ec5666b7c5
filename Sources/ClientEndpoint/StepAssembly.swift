import Wire

/// Assigns the bodies of a step to the tables that its head announced, in the order of operations, then of items. Empty tables
/// have no body.
///
/// | state          | `body` of the expected operation | `body` of another | `end`    |
/// |----------------|----------------------------------|-------------------|----------|
/// | awaiting table | → its bytes; next table when it is complete and no more bodies follow | violation | violation |
/// | complete       | violation                        | violation         | complete |
struct StepAssembly {
  /// An announced table that is expected.
  struct Table: Equatable {
    let operation: Int
    let item: Int
    let key: String
    let byteCount: Int
  }

  /// A violation of the protocol by the client.
  struct Violation: Error, Equatable {
    let message: String
  }

  /// All announced tables, in the order in which they are received.
  let tables: [Table]
  private var current = 0
  private var received = 0

  /// Makes an assembly for the operations of a head.
  init(_ operations: [OpDef]) {
    var tables: [Table] = []
    for (index, operation) in operations.enumerated() {
      guard case .announced(let items) = operation.largeAttribute else { continue }
      for (item, meta) in items.enumerated() where meta.size > 0 {
        tables.append(Table(operation: index, item: item, key: operation.key, byteCount: Int(meta.size)))
      }
    }
    self.tables = tables
  }

  /// Adds a body. Returns the index in `tables` of the table to which its bytes belong.
  mutating func body(key: String, byteCount: Int, hasNext: Bool) throws(Violation) -> Int {
    guard current < tables.count else {
      throw Violation(message: "a body for operation '\(key)' was received after all announced data")
    }
    let table = tables[current]
    guard key == table.key else {
      throw Violation(
        message: "a body for operation '\(key)' was received, but data of operation '\(table.key)' was expected")
    }
    guard byteCount <= table.byteCount - received else {
      throw Violation(message: "more than the announced \(table.byteCount) bytes were received for operation '\(key)'")
    }
    received += byteCount
    defer {
      if !hasNext {
        current += 1
        received = 0
      }
    }
    guard hasNext || received == table.byteCount else {
      throw Violation(
        message: "only \(received) of \(table.byteCount) announced bytes were received for operation '\(key)'")
    }
    return current
  }

  /// Ends the request stream. Throws a violation if data is missing.
  func end() throws(Violation) {
    guard current == tables.count else {
      throw Violation(message: "the data of operation '\(tables[current].key)' is incomplete")
    }
  }
}
