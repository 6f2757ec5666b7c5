import Wire

/// Matches the bodies of a step to the tables that its head announced: in order of operations, then of items; tables of
/// no bytes have no body.
///
/// | state          | `body` of the awaited operation | `body` of another | `end`    |
/// |----------------|---------------------------------|-------------------|----------|
/// | awaiting table | → its bytes; next table when full and no more follow | violation | violation |
/// | complete       | violation                       | violation         | complete |
struct StepAssembly {
  /// A table that is to arrive.
  struct Table: Equatable {
    let operation: Int
    let item: Int
    let key: String
    let byteCount: Int
  }

  /// What a body breaks.
  struct Violation: Error, Equatable {
    let message: String
  }

  /// All tables that the head announced, in the order of their arrival.
  let tables: [Table]
  private var current = 0
  private var received = 0

  /// Begins with the operations of a head.
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

  /// A body arrived. Returns the position in `tables` of the table its bytes belong to.
  mutating func body(key: String, byteCount: Int, hasNext: Bool) throws(Violation) -> Int {
    guard current < tables.count else {
      throw Violation(message: "a body for operation '\(key)' came after all announced data")
    }
    let table = tables[current]
    guard key == table.key else {
      throw Violation(message: "a body for operation '\(key)' came while data of '\(table.key)' was awaited")
    }
    guard byteCount <= table.byteCount - received else {
      throw Violation(message: "more than the announced \(table.byteCount) bytes came for operation '\(key)'")
    }
    received += byteCount
    defer {
      if !hasNext {
        current += 1
        received = 0
      }
    }
    guard hasNext || received == table.byteCount else {
      throw Violation(message: "\(received) of \(table.byteCount) announced bytes came for operation '\(key)'")
    }
    return current
  }

  /// The client has sent everything.
  func end() throws(Violation) {
    guard current == tables.count else {
      throw Violation(message: "the data of operation '\(tables[current].key)' did not arrive completely")
    }
  }
}
