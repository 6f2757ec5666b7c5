import JSON
import Testing

@testable import JSON

@Suite("JSON")
struct JSONValueTests {
  @Test("Members keep their order, integers stay integers")
  func reads() throws {
    let value = try JSONValue(
      parsing: #" {"b": [1, 2.5, -3e2], "a": {"x": null, "y": true}, "s": "q\"\u00e9\ud83d\ude00\n"} "#)
    #expect(value.members?.map(\.key) == ["b", "a", "s"])
    #expect(value["b"] == .array([.integer(1), .double(2.5), .double(-300)]))
    #expect(value["a"]?["y"] == .bool(true))
    #expect(value["s"]?.text == "q\"é😀\n")
    #expect(value["none"] == nil)
  }

  @Test("Encoded values are parsed back unchanged")
  func roundTrip() throws {
    let value = JSONValue.object([
      ("text", .string("tab\t quote\" back\\ bell\u{07} ü")), ("numbers", .array([.integer(.min), .double(0.1)])),
      ("nothing", .null), ("truth", .bool(false)), ("empty", .object([])),
    ])
    #expect(try JSONValue(parsing: value.encoded) == value)
  }

  @Test(
    "Texts that are not JSON are rejected",
    arguments: [
      "", "{", "[1,]", "{\"a\" 1}", "{a: 1}", "nul", "1 2", "\"\\x\"", "\"\\ud800\"", "\"\u{01}\"", "-", "1e", "+1",
      "\"open", "[1", "{\"a\":1,}", "1e999",
    ])
  func refuses(text: String) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
  }

  @Test("Nesting is limited")
  func depth() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(throws: JSONError.self) { try JSONValue(parsing: deep) }
  }

  @Test("Damaged bytes never crash the parser", arguments: 0..<50)
  func hostile(seed: Int) {
    var bytes = Array(#"{"a":[1,2.5e3,"x\u00e9"],"b":{"c":null}}"#.utf8)
    for step in 0..<4 { bytes[(seed * 7 + step * 11) % bytes.count] = UInt8(truncatingIfNeeded: seed * 31 + step * 57) }
    _ = try? JSONValue(parsing: String(decoding: bytes, as: UTF8.self))
  }
}
