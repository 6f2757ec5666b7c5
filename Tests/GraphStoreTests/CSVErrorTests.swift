import Glibc
import Testing
import Turns

@testable import GraphStore

@Suite("CSV: errors and their messages", .takesTurns)
struct CSVErrorTests {
  @Test("The error for a missing file quotes the path as written and says where it is looked up")
  func missingFile() async throws {
    setenv("LOADER_TEST_SECRET", "hunter2", 1)
    for path in ["/data/does_not_exist.csv", "/data/$LOADER_TEST_SECRET.csv"] {
      let error = await #expect(throws: GraphStoreError.self) {
        try await Loader().run { workers in
          try TableReader.readCSV(
            path: path, options: CSVOptions(), staging: "/tmp", workers: workers, progress: { _ in })
        }
      }
      #expect(error?.code == .notFound)
      #expect(error?.description.contains(path) == true)
      #expect(error?.description.contains("coordinator's machine") == true)
      #expect(error?.description.contains("hunter2") == false)
    }
  }

  @Test("Directories, devices, named pipes and impossible paths are rejected")
  func noFile() async throws {
    let loader = Loader()
    let pipe = loader.directory + "/pipe"
    mkfifo(pipe, 0o600)
    for path in ["/tmp", "/dev/null", pipe, "a\0b"] {
      let error = await #expect(throws: GraphStoreError.self) {
        try await Loader().run { workers in
          try TableReader.readCSV(
            path: path, options: CSVOptions(), staging: "/tmp", workers: workers, progress: { _ in })
        }
      }
      #expect(error?.code == .invalidArgument, "\(path)")
    }
  }

  @Test("Empty files are rejected", arguments: ["", "\n", "\r\n\r\n", "\u{FEFF}"])
  func emptyFile(_ text: String) async throws {
    let error = await Loader().failure(text)
    #expect(error?.code == .invalidData)
    #expect(error?.message.hasSuffix("input.csv' is empty") == true)
  }

  @Test("The error for a missing column lists the columns and suggests the nearest one")
  func missingColumn() async throws {
    let text = "id,name,age\n1,a,2\n"
    let misspelt = await Loader().failure(text, .columns("nmae"))
    #expect(misspelt?.code == .notFound)
    #expect(misspelt?.message.hasSuffix("has no column 'nmae'") == true)
    #expect(misspelt?.evidence == "its columns are 'id', 'name', 'age'")
    #expect(misspelt?.hint == "Did you mean 'name'?")
    #expect(await Loader().failure(text, .columns("Age"))?.hint == "Did you mean 'age'?")
    #expect(await Loader().failure(text, .columns("something"))?.hint.contains("compared exactly") == true)
    #expect(await Loader().failure(text, .columns("3"))?.hint == "Columns are counted from 0")
    #expect(await Loader().failure(text, .columns("id", delimiter: "|"))?.hint.contains("delimiter") == true)
  }

  @Test("A name that two columns share is ambiguous")
  func ambiguousColumn() async throws {
    #expect(await Loader().failure("a,a\n1,2\n", .columns("a"))?.message.contains("several columns named 'a'") == true)
    #expect(try await Loader().csv("a,a\n1,2\n", .columns("1"))["a"] == ["2"])
  }

  @Test("A column may have a number as its name")
  func numberAsName() async throws {
    #expect(try await Loader().csv("id,2017\n1,5\n", .columns("2017"))["2017"] == ["5"])
  }

  @Test("The error for a cell that does not fit its declared type names file, line, column and value")
  func wrongType() async throws {
    let text = "id,name,age\n1,a,5\n\n2,\"x\ny\",6\n3,b,abc\n"
    let loader = Loader()
    let error = await #expect(throws: GraphStoreError.self) { try await loader.csv(text, .columns("age:int64_t")) }
    #expect(error?.code == .invalidData)
    #expect(error?.message == "'\(loader.directory)/input.csv' line 6, column 'age': 'abc' is not an int64")
  }

  @Test(
    "Cells outside a type's format or range are rejected",
    arguments: [
      ("int64_t", ["+1", "1.5", "true", "9223372036854775808", "-", "0x", "0x11112222333344445", "1e3", "1 2", "١"]),
      ("int32_t", ["2147483648", "-2147483649", "0x123456789"]),
      ("uint32_t", ["-1", "4294967296", "-0"]), ("uint64_t", ["-1", "18446744073709551616"]),
      ("double", ["1,5", "0x1F", "1.5.2", "1e", "e5", ".", "+", "1d5", "--1", "inf1", "true"]),
      ("float", ["x"]), ("bool", ["2", "tRue", " true", "yes"]), ("date32", ["2017-02-29", "2017-1-7", "2017/10/17"]),
      ("timestamp[ms]", ["2017-10-17 24:00", "2017-10-17 4:00", " 2017-10-17 04:00", "2017-10-17 04:00+24:00"]),
    ])
  func refusedCells(_ type: String, _ cells: [String]) async throws {
    for cell in cells {
      let error = await Loader().failure("c;d\n\(cell);1\n", .columns("c:\(type)", delimiter: ";"))
      #expect(error?.message.contains("line 2, column 'c': '\(cell)' is not a") == true, "\(cell)")
    }
  }

  @Test("Unknown types, two types for a column, and impossible delimiters are rejected")
  func impossibleOptions() async throws {
    let unknown = await Loader().failure("a\n1\n", .columns("a:decimal"))
    #expect(unknown?.code == .invalidArgument)
    #expect(unknown?.hint.contains("int64_t") == true)
    #expect(await Loader().failure("a\n1\n", .columns("a:int", "0:double"))?.message.contains("two types") == true)
    for delimiter: UInt8 in [0, 10, 13, 34, 45, 48, 65, 122, 200] {
      let error = await #expect(throws: GraphStoreError.self) {
        try await Loader().csv("a\n1\n", CSVOptions(delimiter: delimiter))
      }
      #expect(error?.message.contains("cannot be a delimiter") == true)
    }
  }

  @Test("The error for a row with a wrong number of fields names line, expectation and finding")
  func raggedRows() async throws {
    #expect(await Loader().failure("a,b\n1,2\n1\n")?.message.contains("line 3: expected 2 fields, found 1") == true)
    #expect(await Loader().failure("a,b\r\n1,2,\r\n")?.message.contains("line 2: expected 2 fields, found 3") == true)
    #expect(await Loader().failure("a\n1,\"2\n3\",4")?.message.contains("line 2: expected 1 fields, found 3") == true)
    #expect(await Loader().failure("a,b\n1,2\n5 6\n")?.evidence == "'5 6'")
  }

  @Test("The error for an unclosed quote names the line on which it opens")
  func openQuote() async throws {
    for blockBytes in [1, 4, 1 << 20] {
      let error = await Loader().failure("a,b\n1,2\n3,\"x\n5,6\n7,8\n", blockBytes: blockBytes)
      #expect(error?.message.contains("line 3, column 'b': a quote is opened") == true)
    }
  }

  @Test("Strings that are not UTF-8 are rejected")
  func invalidUTF8() async throws {
    for bytes in [[0xE9], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xC3]] as [[UInt8]] {
      let text = Array("a,b\nx,1\n".utf8) + bytes + Array(",2\n".utf8)
      let error = await #expect(throws: GraphStoreError.self) { try await Loader().csv(bytes: text) }
      #expect(error?.message.contains("line 3, column 'a': the text is not valid UTF-8") == true)
      // A column that is not requested may contain anything.
      #expect(try await Loader().csv(bytes: text, .columns("b"))["b"] == ["1", "2"])
      let header = bytes + Array("\n1\n".utf8)
      let headerError = await #expect(throws: GraphStoreError.self) { try await Loader().csv(bytes: header) }
      #expect(headerError?.message.contains("the name of column 0") == true)
    }
  }

  @Test("Too many columns are rejected")
  func tooManyColumns() async throws {
    let error = await Loader().failure(String(repeating: ",", count: CSVHeader.maximumColumns) + "\n")
    #expect(error?.code == .limitExceeded)
  }

  @Test("The error for an overlong row names its line, and earlier errors take precedence")
  func longRows() async throws {
    let open = "a,b\n1,2\n\n3,\"" + String(repeating: "x\n", count: 500)
    let long = "a,b\n1,2\n\n3," + String(repeating: "x", count: 1000) + "\n"
    for text in [open, long] {
      for blockBytes in [10, 64] {
        let error = await #expect(throws: GraphStoreError.self) {
          try await Loader().csv(text, blockBytes: blockBytes, maximumRowBytes: 200)
        }
        #expect(error?.code == .limitExceeded)
        #expect(error?.message.contains("line 4: the row is longer than the 200 bytes") == true)
        let earlier = await #expect(throws: GraphStoreError.self) {
          try await Loader().csv(
            text.replacing("1,2", with: "1,2,3"), blockBytes: blockBytes, maximumRowBytes: 200)
        }
        #expect(earlier?.message.contains("line 2: expected 2 fields, found 3") == true)
      }
    }
    let header = await #expect(throws: GraphStoreError.self) {
      try await Loader().csv(String(repeating: "a,", count: 100_000), maximumRowBytes: 1000)
    }
    #expect(header?.message.contains("the first row") == true)
  }

  @Test("The first of several errors in the file is reported, however the file is cut")
  func firstError() async throws {
    var rows = (0..<300).map { "\($0),\($0 * 2),name \($0)" }
    rows[40] = "40,x,name"
    rows[41] = "41,2"
    rows[43] = "y,z,name"
    rows[250] = "250,\"1"
    let text = "a,b,c\n" + rows.joined(separator: "\n")
    for blockBytes in [1, 7, 64, 100, 1000, 1 << 20] {
      let error = await Loader().failure(text, .columns("b:int64_t", "a:int64_t", all: true), blockBytes: blockBytes)
      #expect(error?.message.contains("line 42, column 'b': 'x' is not an int64") == true)
    }
    // Within a row, the first column in the file counts.
    rows[40] = "40,40,name"
    rows[41] = "41,41,name"
    for blockBytes in [1, 50, 1 << 20] {
      let error = await Loader().failure(
        "a,b,c\n" + rows.joined(separator: "\n"), .columns("b:int64_t", "a:int64_t"), blockBytes: blockBytes)
      #expect(error?.message.contains("line 45, column 'a': 'y' is not an int64") == true)
    }
  }

  @Test("An error found only while a type is corrected is still reported first")
  func firstErrorAfterCorrection() async throws {
    // The column looks like integers. The text that refutes this is not UTF-8, and precedes the ragged row.
    var bytes = Array("a,b\n".utf8)
    for row in 0..<200 { bytes += Array("\(row),\(row)\n".utf8) }
    bytes += [0xFF] + Array(",1\n1\n".utf8)
    for blockBytes in [16, 1000, 1 << 20] {
      let error = await #expect(throws: GraphStoreError.self) {
        try await Loader().csv(bytes: bytes, blockBytes: blockBytes, sampleBytes: 8)
      }
      #expect(error?.message.contains("line 202, column 'a': the text is not valid UTF-8") == true)
    }
  }

  @Test(
    "A row without an id is rejected, whatever the type of ids and its spelling; other columns may be empty",
    arguments: ["1,a\n,b\n", "x,a\n,b\n", "x,a\n\"\",b\n", "1,a\n\"\",b\n", "ü,a\n,b\n", ",a\n,b\n"])
  func missingID(rows: String) async throws {
    let text = "id,name\n" + rows
    var options = CSVOptions.columns("id", "name")
    #expect(try await Loader().csv(text, options).rowCount == 2)
    options.requiredColumnCount = 1
    let error = await Loader().failure(text, options)
    let line = rows.hasPrefix(",") ? 2 : 3
    #expect(error?.message.hasSuffix("line \(line), column 'id': the id is missing") == true)
    #expect(try await Loader().csv("id,name\n1,\n2,\n", options).rowCount == 2)
  }

  @Test("Quoted data is short and has no control characters")
  func excerpts() async throws {
    let long = "a\u{1B}" + String(repeating: "b", count: 1000)
    let error = await Loader().failure("a,b\n\(long)\n")
    #expect(error?.evidence == "'a\u{FFFD}" + String(repeating: "b", count: 78) + "…'")
  }

  @Test("The error for a file that is not text names its format")
  func disguises() async throws {
    let files: [([UInt8], String)] = [
      ([0x1F, 0x8B, 8, 0], "gzip"), (Array("BZh91AY&SYabc".utf8), "bzip2"), ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0], "xz"),
      ([0x28, 0xB5, 0x2F, 0xFD, 1], "zstd"), ([0x50, 0x4B, 3, 4, 1], "zip"),
      ([0xFF, 0xFE, 0x69, 0, 0x64, 0], "UTF-16"),
      ([0xFE, 0xFF, 0, 0x69], "UTF-16"), ([0xFF, 0xFE, 0, 0], "UTF-32"), ([0x69, 0, 0x64, 0, 10, 0], "UTF-16LE"),
      ([0, 0x69, 0, 0x64, 0, 10], "UTF-16BE"), (Array("PAR1\u{15}\u{4}abcdefPAR1".utf8), "Parquet"),
      (Array("ORC\u{1}abcdefghORC\u{17}".utf8), "ORC"), (Array("ARROW1\0\0abc".utf8), "Arrow"),
      (Array("i\0d\n1\n".utf8), "binary"),
    ]
    for (bytes, name) in files {
      let error = await #expect(throws: GraphStoreError.self) { try await Loader().csv(bytes: bytes) }
      #expect(error?.message.contains(name) == true, "\(name): \(String(describing: error))")
      #expect(error?.hint.isEmpty == false)
      if name == "Parquet" || name == "ORC" {
        #expect(error?.hint.contains("pandas") == true && error?.hint.contains("--engine graphscope") == true)
      }
    }
    // These files only begin like them.
    #expect(try await Loader().csv("PAR1,ORC\n1,2\n").schema == ["PAR1 int64", "ORC int64"])
    #expect(try await Loader().csv("ORC\n1\n").schema == ["ORC int64"])
    #expect(try await Loader().csv("BZh9,PK\n1,2\n")["PK"] == ["2"])
  }

  @Test(
    "Remedies follow from the lines: comments, another delimiter, ids of another type",
    arguments: [
      ("# a graph\n1\t2\n", "1", "\t", "comments"), ("a b\n1 2\n% x\n", "0:int64_t", " ", "comments"),
      ("% a b c\n1 2\n", "0", " ", "comments"), ("a|b\n1|2\n", "1", ",", "separated by '|'"),
      ("a\tb\n1\t2\n", "b", " ", "separated by 'tab'"), ("a\tb\n1 2\n", "0", "\t", "separated by 'blank'"),
      ("a,b\n1\t2\n", "0:int64_t", ",", "separated by 'tab'"), ("a;b\n1;2\n", "0:int64_t", ",", "separated by ';'"),
    ])
  func suggestions(_ text: String, _ column: String, _ delimiter: String, _ words: String) async throws {
    let error = await Loader().failure(text, .columns(column, delimiter: Character(delimiter)))
    #expect(error?.hint.contains(words) == true, "\(String(describing: error))")
  }

  @Test("The remedy for text in an integer column depends on whether it holds ids")
  func textIDs() async throws {
    var options = CSVOptions.columns("id:int64_t", "n:int64_t")
    options.requiredColumnCount = 1
    #expect(await Loader().failure("id,n\nann,1\n", options)?.hint.contains("oid_type=\"string\"") == true)
    #expect(await Loader().failure("id,n\n1,ann\n", options)?.hint.contains("oid_type") == false)
  }

  @Test("Names that differ only in their code points are found by their own spelling, or by either if unique")
  func lookAlikes() async throws {
    let (composed, decomposed) = ("\u{E9}", "e\u{301}")
    let text = "\(composed),\(decomposed)\n1,2\n"
    #expect(try await Loader().csv(text, .columns(composed)).columns[0].texts == ["1"])
    #expect(try await Loader().csv(text, .columns(decomposed)).columns[0].texts == ["2"])
    #expect(try await Loader().csv("\(decomposed),x\n1,2\n", .columns(composed)).columns[0].texts == ["1"])
  }

  @Test("The error for a relative path names its base directory; patterns have no meaning")
  func paths() {
    let relative = #expect(throws: GraphStoreError.self) { try CSVFile(path: "no/such.csv") }
    let directory = String(cString: getcwd(nil, 0))
    #expect(relative?.hint.contains("'\(directory)'") == true)
    let pattern = #expect(throws: GraphStoreError.self) { try CSVFile(path: "/data/part-*.csv") }
    #expect(pattern?.hint.contains("each file") == true)
  }
}
