import Testing
import Wire

@testable import ClientEndpoint

@Suite("Matching bodies to announced tables")
struct StepAssemblyTests {
  private func source(_ key: String, _ sizes: [Int64]) -> OpDef {
    OpDef(key: key, op: .dataSource, largeAttribute: .announced(sizes.map { ChunkMeta(size: $0) }))
  }

  @Test("Bodies fill the tables in order; tables without bytes have none")
  func order() throws {
    var assembly = StepAssembly([source("a", [10, 0, 5]), OpDef(key: "b", op: .addLabels), source("c", [1])])
    #expect(assembly.tables.map(\.byteCount) == [10, 5, 1])
    #expect(try assembly.body(key: "a", byteCount: 4, hasNext: true) == 0)
    #expect(try assembly.body(key: "a", byteCount: 6, hasNext: false) == 0)
    #expect(try assembly.body(key: "a", byteCount: 5, hasNext: false) == 1)
    #expect(throws: StepAssembly.Violation.self) { try assembly.end() }
    #expect(try assembly.body(key: "c", byteCount: 1, hasNext: false) == 2)
    try assembly.end()
  }

  @Test("A step without tables rejects bodies")
  func none() throws {
    var assembly = StepAssembly([OpDef(key: "a", op: .addLabels)])
    try assembly.end()
    #expect(throws: StepAssembly.Violation.self) { try assembly.body(key: "a", byteCount: 0, hasNext: false) }
  }

  @Test("A body of another operation, too long or too short a table, or one too many is a violation")
  func violations() throws {
    let assembly = StepAssembly([source("a", [3])])
    var other = assembly
    #expect(throws: StepAssembly.Violation.self) { try other.body(key: "x", byteCount: 3, hasNext: false) }
    var long = assembly
    #expect(throws: StepAssembly.Violation.self) { try long.body(key: "a", byteCount: 4, hasNext: true) }
    var short = assembly
    #expect(throws: StepAssembly.Violation.self) { try short.body(key: "a", byteCount: 2, hasNext: false) }
    var late = assembly
    _ = try late.body(key: "a", byteCount: 3, hasNext: false)
    #expect(throws: StepAssembly.Violation.self) { try late.body(key: "a", byteCount: 1, hasNext: false) }
  }

  @Test("A table may be divided into any pieces", arguments: 1...7)
  func anyCut(piece: Int) throws {
    var assembly = StepAssembly([source("a", [20, 7])])
    for (index, size) in [20, 7].enumerated() {
      var rest = size
      while rest > 0 {
        let count = min(piece, rest)
        rest -= count
        #expect(try assembly.body(key: "a", byteCount: count, hasNext: rest > 0) == index)
      }
    }
    try assembly.end()
  }
}
