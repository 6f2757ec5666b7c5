import TestSupport
import Testing
import Turns

@testable import GraphStore

@Suite("CSV: random files", .takesTurns)
struct CSVRandomTests {
  /// The result of a ten-line reader for a file without a header: rows of fields, or the first faulty row.
  enum Naive: Equatable {
    case rows([[String]])
    case fieldCount(line: Int, expected: Int, found: Int)
    case openQuote(line: Int)
    case empty

    init(_ bytes: [UInt8]) {
      var rows: [[[UInt8]]] = []
      var lines: [Int] = []
      var line = 1
      var next = 0
      func at(_ index: Int) -> UInt8? { index < bytes.count ? bytes[index] : nil }
      func isLineEnd(_ byte: UInt8?) -> Bool { byte == nil || byte == 10 || byte == 13 }
      func skipLineEnd() {
        if at(next) == 13, at(next + 1) == 10 { next += 1 }
        next += 1
        line += 1
      }
      while next < bytes.count {
        if isLineEnd(at(next)) {
          skipLineEnd()
          continue
        }
        var row: [[UInt8]] = []
        lines.append(line)
        repeat {
          if !row.isEmpty { next += 1 }
          var field: [UInt8] = []
          if at(next) == 34 {
            next += 1
            while at(next) != 34 || at(next + 1) == 34 {
              guard let byte = at(next) else {
                let isRagged = rows.first.map { row.count >= $0.count } ?? false
                let before = Self(checking: rows, lines)
                self =
                  switch before {
                  case .fieldCount: before
                  default:
                    isRagged
                      ? .fieldCount(line: lines.last!, expected: rows[0].count, found: row.count + 1)
                      : .openQuote(line: lines.last!)
                  }
                return
              }
              if byte == 10 || byte == 13 && at(next + 1) != 10 { line += 1 }
              field.append(byte)
              next += byte == 34 ? 2 : 1
            }
            next += 1
          }
          while !isLineEnd(at(next)), at(next) != 44 {
            field.append(at(next)!)
            next += 1
          }
          row.append(field)
        } while at(next) == 44
        rows.append(row)
        if next < bytes.count { skipLineEnd() }
      }
      self = Self(checking: rows, lines)
    }

    private init(checking rows: [[[UInt8]]], _ lines: [Int]) {
      guard let expected = rows.first?.count else {
        self = .empty
        return
      }
      for (row, line) in zip(rows, lines) where row.count != expected {
        self = .fieldCount(line: line, expected: expected, found: row.count)
        return
      }
      self = .rows(rows.map { $0.map { String(decoding: $0, as: UTF8.self) } })
    }
  }

  @Test("Any bytes are read as by a naive reader, wherever they are cut", arguments: 0..<6)
  func againstNaiveReader(_ seed: UInt64) async throws {
    var random = SplitMix(seed: seed)
    // The weights determine how malformed a file is.
    let alphabets = ["ab1,\n", "a,,\n\n\r", "a\",\n", "a\"\",\n\r\n", "\"\n\r,", "ab12 .,\"\n"]
    for _ in 0..<100 {
      let alphabet = Array(alphabets.randomElement(using: &random)!.utf8)
      let count = Int.random(in: 0...60, using: &random)
      let bytes = (0..<count).map { _ in alphabet.randomElement(using: &random)! }
      let expected = Naive(bytes)
      let columns = if case .rows(let rows) = expected { rows[0].count } else { 0 }
      let options = CSVOptions(
        hasHeader: false, columns: (0..<columns).map { (.index($0), "std::string") }, includesAllColumns: true)
      for blockBytes in [1, 2, 3, 7, 33, 1 << 20] {
        let text = String(decoding: bytes, as: UTF8.self).debugDescription
        do {
          let table = try await Loader().csv(bytes: bytes, options, blockBytes: blockBytes)
          let rows = (0..<table.rowCount).map { row in table.columns.map { $0.texts[row] } }
          #expect(expected == .rows(rows), "\(text) in blocks of \(blockBytes)")
        } catch let error as GraphStoreError {
          let wanted =
            switch expected {
            case .rows: "no error"
            case .fieldCount(let line, let expected, let found):
              "line \(line): expected \(expected) fields, found \(found)"
            case .openQuote(let line): "line \(line), column"
            case .empty: "is empty"
            }
          #expect(error.message.contains(wanted), "\(text) in blocks of \(blockBytes): \(error)")
        }
      }
    }
  }

  @Test("Tables survive being written and read back, with any quoting and line ends", arguments: 0..<6)
  func roundTrip(_ seed: UInt64) async throws {
    var random = SplitMix(seed: seed + 100)
    let rowCount = Int.random(in: 1...400, using: &random)
    let integers = (0..<rowCount).map { _ in
      Int64.random(in: .min ... .max, using: &random) >> Int64.random(in: 0..<64, using: &random)
    }
    let doubles = (0..<rowCount).map { _ in Double.random(in: -1000...1000, using: &random) }
    let letters = Array("ab ,\"\n\r;é😀")
    let strings = (0..<rowCount).map { _ in
      "s" + String((0..<Int.random(in: 0...9, using: &random)).map { _ in letters.randomElement(using: &random)! })
    }
    let lineEnd = ["\n", "\r\n", "\r"].randomElement(using: &random)!
    var text = "i,d,s" + lineEnd
    for row in 0..<rowCount {
      func field(_ value: String) -> String {
        let mustQuote = value.utf8.contains { [10, 13, 34, 44].contains($0) }
        guard mustQuote || Int.random(in: 0..<4, using: &random) == 0 else { return value }
        return "\"" + value.replacing("\"", with: "\"\"") + "\""
      }
      text +=
        [field("\(integers[row])"), field("\(doubles[row])"), field(strings[row])].joined(separator: ",") + lineEnd
      if Int.random(in: 0..<10, using: &random) == 0 { text += lineEnd }
    }
    for blockBytes in [1, 13, 256, 4096, 1 << 20] {
      let table = try await Loader().csv(text, blockBytes: blockBytes, sampleBytes: 64)
      #expect(table.schema == ["i int64", "d double", "s string"])
      #expect(Array(table.columns[0].values(as: Int64.self)) == integers)
      #expect(Array(table.columns[1].values(as: Double.self)) == doubles)
      #expect(table["s"] == strings)
    }
  }
}
