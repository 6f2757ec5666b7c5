import Glibc
import Testing
import Turns
import Workers

@testable import GraphStore

@Suite("CSV: reading", .takesTurns)
struct CSVReaderTests {
  let people = "id,name,age\n1,marko,29\n2,vadas,27\n4,josh,32\n"

  @Test("All columns are read in file order, with the types of their cells")
  func allColumns() async throws {
    let table = try await Loader().csv(people)
    #expect(table.schema == ["id int64", "name string", "age int64"])
    #expect(table.rowCount == 3)
    #expect(table["id"] == ["1", "2", "4"])
    #expect(table["name"] == ["marko", "vadas", "josh"])
    #expect(table["age"] == ["29", "27", "32"])
  }

  @Test("Chosen columns are read in the order of the options, followed by all others if requested")
  func chosenColumns() async throws {
    let chosen = try await Loader().csv(people, .columns("2:int", "id:std::string"))
    #expect(chosen.schema == ["age int32", "id string"])
    #expect(chosen["id"] == ["1", "2", "4"])
    let all = try await Loader().csv(people, .columns("name", all: true))
    #expect(all.schema == ["name string", "id int64", "age int64"])
  }

  @Test("A column may be read twice")
  func sameColumnTwice() async throws {
    let table = try await Loader().csv(people, .columns("0:int64_t", "id"))
    #expect(table.schema == ["id int64", "id int64"])
  }

  @Test("Without a header the columns are f0, f1, … and the first row counts")
  func noHeader() async throws {
    let table = try await Loader().csv("1|a\n2|b", .columns("f1", "0", header: false, delimiter: "|"))
    #expect(table.schema == ["f1 string", "f0 int64"])
    #expect(table["f1"] == ["a", "b"])
  }

  @Test("Any ASCII character can be the delimiter", arguments: ["|", "\t", "#", "&", ";", " "] as [Character])
  func delimiters(_ delimiter: Character) async throws {
    let text = people.replacing(",", with: String(delimiter))
    let table = try await Loader().csv(text, .columns(all: true, delimiter: delimiter))
    #expect(table["name"] == ["marko", "vadas", "josh"])
  }

  @Test(
    "Line ends, a missing last one, blank lines and a byte order mark make no difference",
    arguments: [
      "a,b\n1,x\n2,y\n", "a,b\n1,x\n2,y", "a,b\r\n1,x\r\n2,y\r\n", "a,b\r\n1,x\r\n2,y", "a,b\r1,x\r2,y\r",
      "\n\na,b\n\n1,x\n\n\n2,y\n\n", "\r\n\r\na,b\r\n\r\n1,x\r\n\r\n2,y\r\n\r\n", "\u{FEFF}a,b\n1,x\n2,y\n",
      "a,b\n1,x\n\r2,y\n\r", "\"a\",\"b\"\n\"1\",\"x\"\n2,\"y\"", "a,b\r\n1,x\r\r\n2,y",
    ])
  func lineEnds(_ text: String) async throws {
    for blockBytes in [1, 2, 3, 5, 1 << 20] {
      let table = try await Loader().csv(text, blockBytes: blockBytes)
      #expect(table.schema == ["a int64", "b string"])
      #expect(table["a"] == ["1", "2"])
      #expect(table["b"] == ["x", "y"])
    }
  }

  @Test("Quoted fields may contain delimiters, doubled quotes and line ends, wherever the file is cut")
  func quotes() async throws {
    let text = #"""
      id,text
      1,"a,b"
      2,"say ""hi"""
      "3","two
      lines, and
      "
      4,a"b
      5,"x"y
      6,""
      7,""""
      """#
    let expected = ["a,b", "say \"hi\"", "two\nlines, and\n", "a\"b", "xy", "", "\""]
    for blockBytes in Array(1...40) + [1 << 20] {
      let table = try await Loader().csv(text, blockBytes: blockBytes)
      #expect(table.schema == ["id int64", "text string"])
      #expect(table["text"] == expected, "blocks of \(blockBytes) bytes")
    }
  }

  @Test("A file with a header only is an empty table", arguments: ["a,b\n", "a,b", "a,b\n\n\n"])
  func headerOnly(_ text: String) async throws {
    let table = try await Loader().csv(text, .columns("a:int64_t", all: true))
    #expect(table.schema == ["a int64", "b string"])
    #expect(table.rowCount == 0)
    #expect(table["b"] == [])
  }

  @Test("Strings may contain any UTF-8, including zero bytes")
  func strings() async throws {
    let table = try await Loader().csv("s,n\nü€😀,1\n\0,2\n,3\n  x ,4\n")
    #expect(table["s"] == ["ü€😀", "\0", "", "  x "])
  }

  @Test("A table may have more columns than a process may have open files")
  func manyColumns() async throws {
    let count = 1500
    let header = (0..<count).map { "c\($0)" }.joined(separator: ",")
    let row = (0..<count).map { "v\($0)" }.joined(separator: ",")
    let table = try await Loader().csv(header + "\n" + row + "\n" + row)
    #expect(table.columns.count == count)
    #expect(table["c\(count - 1)"] == ["v\(count - 1)", "v\(count - 1)"])
  }

  @Test("Missing numbers are zero, missing strings empty")
  func missingValues() async throws {
    let table = try await Loader().csv("i,d,s,n\n1,1.5,a,\n,NA,,\nnan,N/A,NULL,\n")
    #expect(table.schema == ["i int64", "d double", "s string", "n string"])
    #expect(table["i"] == ["1", "0", "0"])
    #expect(table["d"] == ["1.5", "0.0", "0.0"])
    #expect(table["s"] == ["a", "", "NULL"])
    #expect(table["n"] == ["", "", ""])
  }

  @Test("Progress is reported on the driving thread and never decreases")
  func progress() async throws {
    let loader = Loader()
    let path = loader.file(Array((0..<200_000).map { "\($0),\($0)" }.joined(separator: "\n").utf8))
    let staging = loader.directory
    let fractions = try await loader.run { workers in
      var fractions: [Double] = []
      _ = try TableReader.readCSV(
        path: path, options: CSVOptions(hasHeader: false), staging: staging, workers: workers
      ) { fractions.append($0) }
      return fractions
    }
    #expect(fractions == fractions.sorted())
    #expect(fractions.allSatisfy { (0...1).contains($0) })
  }

  @Test("A cancelled load throws CancellationError")
  func cancellation() async throws {
    let loader = Loader()
    let path = loader.file(Array("a\n1\n".utf8))
    let staging = loader.directory
    await #expect(throws: CancellationError.self) {
      try await loader.run { workers in
        workers.cancellation.cancel()
        return try TableReader.readCSV(
          path: path, options: CSVOptions(), staging: staging, workers: workers, progress: { _ in })
      }
    }
  }

  @Test("Paths may contain file://, ~ and environment variables")
  func paths() {
    setenv("LOADER_TEST_DIRECTORY", "/data", 1)
    unsetenv("LOADER_TEST_UNSET")
    let home = String(cString: getenv("HOME"))
    #expect(TableReader.expandPath("/a/b.csv") == "/a/b.csv")
    #expect(TableReader.expandPath("file:///a/b.csv") == "/a/b.csv")
    #expect(TableReader.expandPath("~/b.csv") == home + "/b.csv")
    #expect(TableReader.expandPath("~other/b.csv") == "~other/b.csv")
    #expect(TableReader.expandPath("$LOADER_TEST_DIRECTORY/b.csv") == "/data/b.csv")
    #expect(TableReader.expandPath("${LOADER_TEST_DIRECTORY}x$LOADER_TEST_DIRECTORY") == "/datax/data")
    #expect(TableReader.expandPath("/a$/$LOADER_TEST_UNSET/${LOADER_TEST") == "/a$/$LOADER_TEST_UNSET/${LOADER_TEST")
  }
}
