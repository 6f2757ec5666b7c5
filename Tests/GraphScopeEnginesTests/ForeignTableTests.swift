import Engines
import JSON
import Testing
import Wire

@testable import GraphScopeEngines

@Suite("Tables that the engine cannot read itself")
struct ForeignTableTests {
  private func table(
    _ source: String, _ options: String = "{}", at place: String = "file", storage: String = ""
  ) throws -> ForeignTable? {
    try ForeignTable(
      Payload(
        attributes: [
          .protocol: .text(place), .source: .text(source), .readOptions: .text(options),
          .storageOptions: .text(storage),
        ]))
  }

  @Test("Columnar files are recognized by their names or by the client's options")
  func columnar() throws {
    #expect(try table("/d/v.parquet")?.kind == "PARQUET")
    #expect(try table("/d/v.pq")?.kind == "PARQUET")
    #expect(try table("/d/v.orc")?.kind == "ORC")
    #expect(try table("/d/v", #"{"filetype":"ORC"}"#)?.kind == "ORC")
    #expect(try table("/d/v.csv#delimiter=,") == nil)
    #expect(try table("/d/v.csv", at: "pandas") == nil)
  }

  @Test("Every file of another file system is foreign; Hive's tables are ORC files in HDFS")
  func remote() throws {
    #expect(try table("s3://b/v.csv", at: "s3")?.kind == "CSV")
    #expect(try table("oss://b/v.orc", at: "oss")?.kind == "ORC")
    let hive = try #require(try table("hive://h/warehouse/t", at: "hive"))
    #expect(hive.kind == "ORC" && hive.path == "hdfs://h/warehouse/t" && !hive.isLocal)
    #expect(try table("ftp://h/v.csv", at: "ftp") == nil)
  }

  @Test("The order for the helper contains all options")
  func order() throws {
    let table = try table("s3://b/v", #"{"header_row":true}"#, at: "s3", storage: #"{"key":"k"}"#)
    #expect(
      JSONValue.object(try #require(table).order).encoded
        == #"{"path":"s3://b/v","kind":"CSV","local":false,"options":{"header_row":true},"storage_options":{"key":"k"}}"#
    )
  }

  @Test("Options that are not a JSON object are rejected", arguments: ["[", "[1]", "null"])
  func refusals(_ text: String) {
    #expect(throws: EngineError.self) { try table("/d/v.orc", text) }
    #expect(throws: EngineError.self) { try table("/d/v.orc", storage: text) }
  }
}
