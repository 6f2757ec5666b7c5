import TestSupport
import Testing
import Turns

@testable import Wire

@Suite("Result archives", .takesTurns)
struct ArchiveTests {
  @Test("have the bytes given in the contract")
  func examples() {
    let yes = [true].withUnsafeBufferPointer { ResultArchive.array(.bool($0)) }
    #expect(yes == n(1) + n(1) + [1, 0, 0, 0] + n(1) + [1])
    let texts = withStrings(["i3", "i5"]) { ResultArchive.array(.strings($0)) }
    #expect(texts == n(1) + n(2) + [8, 0, 0, 0] + n(2) + n(2) + [0x69, 0x33] + n(2) + [0x69, 0x35])
    let matrix = [Int64](1...2).withUnsafeBufferPointer { ResultArchive.array(.int64($0), shape: [1, 2]) }
    #expect(matrix == n(2) + n(1) + n(2) + [4, 0, 0, 0] + n(2) + n(1) + n(2))
    let empty = [Double]().withUnsafeBufferPointer { ResultArchive.array(.double($0)) }
    #expect(empty == n(1) + n(0) + [7, 0, 0, 0] + n(0))

    let frame = [Int64]([3, 5]).withUnsafeBufferPointer { ids in
      withStrings(["lop", "ripple"]) { names in
        ResultArchive.dataframe([("id", .int64(ids)), ("n", .strings(names))])
      }
    }
    #expect(
      frame == n(2) + n(2) + n(2) + [0x69, 0x64] + [4, 0, 0, 0] + n(3) + n(5) + n(1) + [0x6e] + [8, 0, 0, 0]
        + n(3) + Array("lop".utf8) + n(6) + Array("ripple".utf8))

    #expect(ResultArchive.count(8) == n(8))
    #expect(ResultArchive.flag(true) == [1])
    #expect(ResultArchive.document([0x80]) == n(1) + [0x80])
    #expect(ResultArchive.batch(vertex: 9, count: 4, [0x90]) == n(9) + [4, 0, 0, 0] + n(1) + [0x90])
    #expect(ResultArchive.batch(vertex: 9, [0x90]) == n(9) + n(1) + [0x90])
  }

  @Test("contain values of every type, all rows or some of them in any order")
  func everyType() throws {
    try check([true, false, true], { .bool($0) }, { .bool($0) })
    try check([1, -2, .max] as [Int32], { .int32($0) }, { .int32($0) })
    try check([1, 2, .max] as [UInt32], { .uint32($0) }, { .uint32($0) })
    try check([1, -2, .max] as [Int64], { .int64($0) }, { .int64($0) })
    try check([1, 2, .max] as [UInt64], { .uint64($0) }, { .uint64($0) })
    try check([1, -2.5, .infinity] as [Float], { .float($0) }, { .float($0) })
    try check([1, -2.5, .greatestFiniteMagnitude] as [Double], { .double($0) }, { .double($0) })
    try withStrings(["", "ä", "long enough to need the heap"]) { column in
      try checkColumn(.strings(column), .strings(["", "ä", "long enough to need the heap"]))
      let rows: [UInt32] = [2, 0, 2]
      let some = rows.withUnsafeBufferPointer { ResultArchive.array(.strings(column), rows: $0) }
      let last = "long enough to need the heap"
      let values = try read(some)
      #expect(values == .strings([last, "", last]))
    }
  }

  @Test("of a slice of a string column contain only its strings")
  func slicedStrings() throws {
    let all = ["one", "two", "three"]
    try withStrings(all) { column in
      let tail = StringColumn(offsets: UnsafeBufferPointer(rebasing: column.offsets[1...]), bytes: column.bytes)
      let values = try read(ResultArchive.array(.strings(tail)))
      #expect(values == .strings(["two", "three"]))
    }
  }

  @Test("of values without a type keep the number of values")
  func untyped() throws {
    #expect(try read(n(1) + n(3) + [255, 255, 255, 255] + n(3)) == .none(.undefined, count: 3))
  }

  @Test("that are damaged are rejected or read, never fatal")
  func damage() {
    let frame = [Int64]([3, 5]).withUnsafeBufferPointer { ids in
      withStrings(["lop", "ripple"]) { ResultArchive.dataframe([("id", .int64(ids)), ("n", .strings($0))]) }
    }
    let array = withStrings(["a", "bc"]) { ResultArchive.array(.strings($0), shape: [2, 1]) }
    for count in 0..<frame.count { #expect(refusal { try readFrame(Array(frame.prefix(count))) } != nil) }
    for count in 0..<array.count { #expect(refusal { try read(Array(array.prefix(count))) } != nil) }
    var random = SplitMix(seed: 3)
    for _ in 0..<20_000 {
      var bytes = Bool.random(using: &random) ? frame : array
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      _ = try? readFrame(bytes)
      _ = try? read(bytes)
    }
  }

  @Test("with impossible sizes allocate no memory for them")
  func impossibleSizes() {
    #expect(refusal { try read(n(.max)) } == .malformed)
    #expect(refusal { try read(n(-1)) } == .malformed)
    #expect(refusal { try read(n(2) + n(1 << 40) + n(1 << 40) + [4, 0, 0, 0] + n(0)) } == .malformed)
    #expect(refusal { try read(n(1) + n(2) + [4, 0, 0, 0] + n(1) + n(1)) } == .malformed)
    #expect(refusal { try read(n(1) + n(1) + [9, 0, 0, 0] + n(1)) } == .unknownValue)
    #expect(refusal { try readFrame(n(1 << 50) + n(0)) } == .malformed)
    #expect(refusal { try readFrame(n(1) + n(1 << 50) + n(0) + [8, 0, 0, 0]) } == .malformed)
    #expect(refusal { try readFrame(n(0) + n(0) + [0]) } == .malformed)
  }

  private func check<T: Equatable>(
    _ values: [T], _ column: (UnsafeBufferPointer<T>) -> ArchiveColumn, _ expected: ([T]) -> ArchiveValues
  ) throws {
    try values.withUnsafeBufferPointer { try checkColumn(column($0), expected(values)) }
    let rows: [UInt32] = [2, 0]
    let some = values.withUnsafeBufferPointer { buffer in
      rows.withUnsafeBufferPointer { ResultArchive.array(column(buffer), rows: $0) }
    }
    #expect(try read(some) == expected([values[2], values[0]]))
  }

  private func checkColumn(_ column: ArchiveColumn, _ expected: ArchiveValues) throws {
    #expect(try read(ResultArchive.array(column)) == expected)
    let frame = try readFrame(ResultArchive.dataframe([("a", column), ("ö", column)]))
    #expect(frame.map(\.name) == ["a", "ö"])
    #expect(frame.map(\.values) == [expected, expected])
  }
}

private func read(_ bytes: [UInt8]) throws -> ArchiveValues {
  try bytes.withUnsafeBytes { try ResultArchive.readArray($0).values }
}

private func readFrame(_ bytes: [UInt8]) throws -> [(name: String, values: ArchiveValues)] {
  try bytes.withUnsafeBytes { try ResultArchive.readDataframe($0) }
}

/// Returns a number as stored in archives.
private func n(_ value: Int64) -> [UInt8] { withUnsafeBytes(of: value.littleEndian) { Array($0) } }

private func withStrings<R>(_ strings: [String], _ body: (StringColumn) throws -> R) rethrows -> R {
  var offsets: [UInt64] = [0]
  var bytes: [UInt8] = []
  for string in strings {
    bytes += Array(string.utf8)
    offsets.append(UInt64(bytes.count))
  }
  return try offsets.withUnsafeBufferPointer { offsets in
    try bytes.withUnsafeBytes { try body(StringColumn(offsets: offsets, bytes: $0)) }
  }
}
