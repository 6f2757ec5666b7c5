import TestSupport
import Testing
import Turns

@testable import GraphStore

/// The expectations were taken from pyarrow 15.0.2 (`pyarrow.csv.read_csv`). Exceptions: bool becomes int32, columns without any
/// value and times of day become strings, and all timestamps are milliseconds.
@Suite("CSV: types and values of cells", .takesTurns)
struct CSVInferenceTests {
  @Test(
    "The type of a column is the first that fits all its cells",
    arguments: [
      (["1"], "int64", ["1"]), (["-1", "007"], "int64", ["-1", "7"]), (["0x1F", "0Xff"], "int64", ["31", "255"]),
      (["0xffffffffffffffff"], "int64", ["-1"]), ([" 1", "2\t"], "int64", ["1", "2"]), (["-0"], "int64", ["0"]),
      (["9223372036854775807", "-9223372036854775808"], "int64", ["9223372036854775807", "-9223372036854775808"]),
      (["00000000000000000000000001"], "int64", ["1"]), (["20171017"], "int64", ["20171017"]),
      (["\"1\"", "2"], "int64", ["1", "2"]), (["\"1\"2", "\"1\" "], "int64", ["12", "1"]),
      (["+1"], "double", ["1.0"]), (["1", "2.5"], "double", ["1.0", "2.5"]), ([".5", "1."], "double", ["0.5", "1.0"]),
      (["1e3", "1E-2", "+.5"], "double", ["1000.0", "0.01", "0.5"]), ([" 1.5 "], "double", ["1.5"]),
      (["inf", "-Infinity", "+INF"], "double", ["inf", "-inf", "inf"]), (["Nan", "+nan"], "double", ["nan", "nan"]),
      (["9223372036854775808"], "double", ["9.223372036854776e+18"]), (["-0.0"], "double", ["-0.0"]),
      (["1e400", "1e-400", "0e99999999999"], "double", ["inf", "0.0", "0.0"]),
      (["123456789012345678901234567890"], "double", ["1.2345678901234568e+29"]),
      (["true", "False", "TRUE"], "int32", ["1", "0", "1"]), (["1", "true"], "int32", ["1", "1"]),
      (["0", "1"], "int64", ["0", "1"]),
      (["2017-10-17", "1969-12-31"], "date32", ["17456", "-1"]), ([" 2017-10-17 "], "date32", ["17456"]),
      (["2016-02-29", "0001-01-01", "9999-12-31"], "date32", ["16860", "-719162", "2932896"]),
      (["1991-06-22 04:00"], "timestampMilliseconds", ["677563200000"]),
      (["1991-06-22T04"], "timestampMilliseconds", ["677563200000"]),
      (["1999-05-09 09:45:38"], "timestampMilliseconds", ["926243138000"]),
      (["1999-05-09 09:45:38.5", "1999-05-09"], "timestampMilliseconds", ["926243138500", "926208000000"]),
      (["1999-05-09 09:45:38.123456789"], "timestampMilliseconds", ["926243138123"]),
      (["1969-12-31 23:59:59.9"], "timestampMilliseconds", ["-100"]),
      (["1991-06-22 04:00Z", "1991-06-22 05:30+01:30"], "timestampMilliseconds", ["677563200000", "677563200000"]),
      (["1991-06-22 04:00-0030", "1991-06-22T04Z"], "timestampMilliseconds", ["677565000000", "677563200000"]),
      (["1991-06-22 04:00", "1991-06-22 04:00Z"], "string", ["1991-06-22 04:00", "1991-06-22 04:00Z"]),
      (["-0x1F"], "string", ["-0x1F"]), (["1_000"], "string", ["1_000"]), (["tRue"], "string", ["tRue"]),
      (["true", "2"], "string", ["true", "2"]), (["true "], "string", ["true "]), (["1", " "], "string", ["1", " "]),
      (["2017/10/17", "10/17/1977"], "string", ["2017/10/17", "10/17/1977"]), (["2017-1-7"], "string", ["2017-1-7"]),
      (["2017-02-29"], "string", ["2017-02-29"]), (["2017-10-17", "1"], "string", ["2017-10-17", "1"]),
      (["1991-06-22 24:00"], "string", ["1991-06-22 24:00"]), (["1991-06-22Z"], "string", ["1991-06-22Z"]),
      (["04:00", "04:00:01"], "string", ["04:00", "04:00:01"]), (["1", "2.5", "abc"], "string", ["1", "2.5", "abc"]),
      (["-", "+", ".", "e5", "1e", "--1"], "string", ["-", "+", ".", "e5", "1e", "--1"]),
      (["Null", "None"], "string", ["Null", "None"]), ([" NULL"], "string", [" NULL"]),
      (["abc", "NULL", ""], "string", ["abc", "NULL", ""]),
    ] as [([String], String, [String])])
  func inference(_ cells: [String], _ type: String, _ values: [String]) async throws {
    // The result depends neither on the order of rows nor on where the file is cut.
    for (cells, values) in [(cells, values), (cells.reversed(), values.reversed())] {
      for blockBytes in [1, 9, 1 << 20] {
        let text = "x,y\n" + cells.map { "\($0),1\n" }.joined()
        let table = try await Loader().csv(text, blockBytes: blockBytes, sampleBytes: 4)
        #expect(table.schema == ["x \(type)", "y int64"])
        #expect(table["x"] == values)
      }
    }
  }

  @Test(
    "Missing values do not affect the type",
    arguments: [
      "", "NULL", "null", "NA", "N/A", "n/a", "nan", "NaN", "-nan", "-NaN", "#N/A", "#NA", "#N/A N/A", "1.#IND",
      "-1.#IND", "1.#QNAN", "-1.#QNAN", "\"\"", "\"NA\"",
    ])
  func missing(_ spelling: String) async throws {
    let text =
      "i,d,b,t,none\n" + "7,0.5,true,2017-10-17,\(spelling)\n"
      + Array(repeating: spelling, count: 5).joined(separator: ",") + "\n"
    let table = try await Loader().csv(text)
    #expect(table.schema == ["i int64", "d double", "b int32", "t date32", "none string"])
    // A spelling of "no value" is kept if the column contains nothing else, because its meaning is then unknown.
    let word = spelling.replacing("\"", with: "")
    #expect(table.columns.map(\.texts) == [["7", "0"], ["0.5", "0.0"], ["1", "0"], ["17456", "0"], [word, word]])
    #expect(table.columns.map(\.isVacant) == [false, false, false, false, true])
  }

  @Test(
    "A column of spellings of \"no value\" keeps them unless it contains a value anywhere",
    arguments: [
      (["NA", "NA"], "string", ["NA", "NA"]), (["", "NULL"], "string", ["", "NULL"]),
      (["NaN", "nan", ""], "string", ["NaN", "nan", ""]), (["NA", "", "5"], "int64", ["0", "0", "5"]),
      (["", "", "0.5", "NA"], "double", ["0.0", "0.0", "0.5", "0.0"]), (["NA", "None"], "string", ["NA", "None"]),
    ] as [([String], String, [String])])
  func words(_ cells: [String], _ type: String, _ values: [String]) async throws {
    for blockBytes in [1, 9, 1 << 20] {
      let text = "x,y\n" + cells.map { "\($0),1\n" }.joined()
      let table = try await Loader().csv(text, blockBytes: blockBytes, sampleBytes: 4)
      #expect(table.schema == ["x \(type)", "y int64"])
      #expect(table["x"] == values)
    }
  }

  @Test("The first missing value is located, whatever its type and however the file is cut")
  func firstMissing() async throws {
    let rows = (0..<50).map {
      "\($0),\($0 == 30 || $0 == 40 ? "" : "0.5"),\($0 == 20 ? "" : "x"),\($0 == 45 ? "NA" : "7")"
    }
    let text = "a,b,c,d\r\n\r\n" + rows.joined(separator: "\r\n")
    for blockBytes in [1, 50, 1 << 20] {
      let loader = Loader()
      let table = try await loader.csv(text, .columns("d:int32_t", all: true), blockBytes: blockBytes, sampleBytes: 20)
      let file = "'\(loader.directory)/input.csv'"
      #expect(table.columns.map(\.name) == ["d", "a", "b", "c"])
      #expect(table.columns.map(\.firstMissing) == ["line 48 of \(file)", nil, "line 33 of \(file)", nil])
    }
  }

  @Test("A type that is refuted far into the file is corrected")
  func lateRefutation() async throws {
    var rows = (0..<1000).map { "\($0),\($0),\($0),,word\($0)" }
    rows[500] = "500,500.5,x,2017-10-17,"
    rows[700] = "700,,é,2017-10-18,\"\"\"\""
    let table = try await Loader().csv(
      "a,b,c,d,e\n" + rows.joined(separator: "\n"), blockBytes: 1000, sampleBytes: 20)
    #expect(table.schema == ["a int64", "b double", "c string", "d date32", "e string"])
    #expect(table.columns.map { $0.characters != nil } == [false, false, true, false, true])
    #expect(table["b"][499...501] == ["499.0", "500.5", "501.0"])
    #expect(table["c"][500] == "x" && table["c"][700] == "é" && table["c"][999] == "999")
    #expect(table["d"][500] == "17456" && table["d"][0] == "0")
    #expect(table["e"][700] == "\"" && table["e"][500] == "" && table["e"][999] == "word999")
  }

  @Test(
    "All spellings of types are accepted",
    arguments: [
      (["int32_t", "int32", "int", "INT"], ColumnType.int32), (["int64_t", "int64", "long"], .int64),
      (["uint32_t", "uint32"], .uint32), (["uint64_t", "uint64"], .uint64), (["float"], .float),
      (["double"], .double), (["std::string", "string", "str"], .string), (["bool"], .int32),
    ])
  func typeNames(_ names: [String], _ type: ColumnType) async throws {
    for name in names {
      let table = try await Loader().csv("a\n1\n0\n", .columns("a:\(name)"))
      #expect(table.columns[0].type == type)
      #expect(table["a"].map { Double($0) } == [1, 0])
    }
    #expect(try await Loader().csv("a\n2.5\n", .columns("a:"))["a"] == ["2.5"])
  }

  @Test("Declared types store their values exactly")
  func declaredValues() async throws {
    func values(_ type: String, _ cells: String...) async throws -> [String] {
      try await Loader().csv("a\n" + cells.joined(separator: "\n"), .columns("a:\(type)"))["a"]
    }
    #expect(
      try await values("int32_t", "-2147483648", "2147483647", " 5 ", "0x7F") == [
        "-2147483648", "2147483647", "5", "127",
      ])
    #expect(try await values("uint32_t", "4294967295", "NULL") == ["4294967295", "0"])
    #expect(try await values("uint64_t", "18446744073709551615") == ["18446744073709551615"])
    #expect(
      try await values("float", "16777217", "0.1", "1e-50", "3.4028236e38") == ["16777216.0", "0.1", "0.0", "inf"])
    #expect(try await values("std::string", "1", "NULL", " x ") == ["1", "NULL", " x "])
    #expect(try await values("bool", "true", "0", "NA") == ["1", "0", "0"])
    #expect(try await values("timestamp[s]", "1970-01-01 00:00:01", "1970-01-01 01:00+01:00") == ["1000", "0"])
  }

  @Test("Decimal numbers are the nearest doubles and floats, whatever their length")
  func exactDecimals() {
    var random = SplitMix(seed: 11)
    func check(_ text: String) {
      let bytes = Array(text.utf8) + [0]
      bytes.withUnsafeBufferPointer { buffer in
        let cell = CellBytes(rebasing: buffer.dropLast())
        #expect(CellText.double(cell)?.bitPattern == Double(text)!.bitPattern, "\(text)")
        #expect(CellText.float(cell)?.bitPattern == Float(text)!.bitPattern, "\(text)")
      }
    }
    func digits(_ count: Int) -> String {
      String((0..<count).map { _ in Character(String(Int.random(in: 0...9, using: &random))) })
    }
    for _ in 0..<4000 {
      check(Double(bitPattern: .random(in: 0...0x7FEF_FFFF_FFFF_FFFF, using: &random)).description)
      check(Double.random(in: -1...1, using: &random).description)
      check(digits(.random(in: 1...21, using: &random)) + "." + digits(.random(in: 0...21, using: &random)))
      check("0." + digits(.random(in: 1...25, using: &random)))
      check(digits(.random(in: 1...20, using: &random)) + "e\(Int.random(in: -40...40, using: &random))")
    }
    // Half way between two doubles, and slightly beside it.
    for text in [
      "9007199254740993", "9007199254740995", "9007199254740993.0", "9007199254740992.9999", "900719925474099.3e1",
      "0.500000000000000166533453693773481063544750213623046875", "1152921504606847104", "1152921504606846975",
      "4503599627370496.5", "4503599627370497.5", "18446744073709551615", "18014398509481985e3", "1e22", "1e23",
      "8.5e-1", "2.2250738585072011e-308", "5e-324", "1.7976931348623157e308", "0.000000000000000000000001",
    ] { check(text) }
  }
}
