import Engines
import Foundation
import GraphStore
import Testing
import Wire

@testable import GraphScopeEngines

@Suite("Rows for existing labels of a graph", .timeLimit(.minutes(1)))
struct AddedRowsTests {
  private let path = NSTemporaryDirectory() + "rows-\(UUID().uuidString).csv"

  /// The engine's announcement of the file, whose path has been replaced by then.
  private let written = "/proc/1/fd/2#delimiter=|&header_row=True&schema=id&column_types=&filetype=CSV"

  /// Returns the engine's announcement of a text file with rows for a label of the modern graph.
  private func source(
    _ role: TableSource.Role, _ text: String, _ columns: [(ColumnReference, String?)] = [], all: Bool = true
  ) throws -> String? {
    try text.write(toFile: path, atomically: false, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: path) }
    var original = Payload()
    original.attributes[.source] = .text(written)
    let ids = role.idColumns.map { ($0, String?.none) }
    let table = TableSource(
      role: role,
      location: .csv(
        path: path,
        CSVOptions(delimiter: UInt8(ascii: "|"), columns: ids + columns, includesAllColumns: all)),
      original: original)
    let graph = try #require(NativeObjects.modern.graphs["graph_1"])
    return try AddedRows.fitted([table], by: .addLabels, to: graph, OpenPlaces())[0].original?.attributes[.source]?.text
  }

  private let person = TableSource.Role.vertices(label: "person", id: .name("id"))
  private let knows = TableSource.Role.edges(
    label: "knows", sourceLabel: "person", destinationLabel: "person", source: .name("s"), destination: .name("t"))

  @Test("columns of a text file are reordered to the label's order and read as its types")
  func typed() throws {
    #expect(
      try source(person, "age|id|name\n1|9|x\n")
        == "/proc/1/fd/2#delimiter=|&header_row=True&schema=id,name,age&column_types=,std::string,int64_t&filetype=CSV")
    #expect(
      try source(knows, "s|t|weight\n1|2|3\n")
        == "/proc/1/fd/2#delimiter=|&header_row=True&schema=s,t,weight&column_types=,,double&filetype=CSV")
  }

  @Test("rows for new labels are unchanged, and so is a file that cannot be read")
  func untouched() throws {
    let new = TableSource.Role.vertices(label: "new", id: .name("id"))
    #expect(try source(new, "id|x\n1|2\n") == written)
    #expect(try source(person, "") == written)
  }

  @Test("columns other than the label's are rejected")
  func names() throws {
    for text in ["id|name\n9|x\n", "id|name|age|more\n9|x|1|2\n", "id|name|years\n9|x|1\n"] {
      let error = #expect(throws: EngineError.self) { try source(person, text) }
      #expect(error?.code == .invalidArgument)
      #expect(
        error?.message.hasPrefix("rows cannot be added to vertex label 'person': its columns other than the ids are [")
          == true)
      #expect(error?.evidence == "the label has [name, age]")
    }
  }

  @Test("a column declared with another type is rejected")
  func types() throws {
    let error = #expect(throws: EngineError.self) {
      try source(knows, "s|t|weight\n1|2|3\n", [(.name("weight"), "int64_t")])
    }
    #expect(
      error?.message
        == "rows cannot be added to edge label 'knows': column 'weight' is of type int64, but the label's property "
        + "is of type double"
    )
  }
}
