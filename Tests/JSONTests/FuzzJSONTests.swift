import Fuzzing
import JSON
import Testing

@Suite("Fuzzing of JSON")
struct FuzzJSONTests {
  @Test("Texts are rejected or read, and what was read can be written and read again")
  func texts() throws {
    let corpus = [
      #"{"a": [1, -2.5e10, true, null, "\u00e4\ud83d\ude00\n"], "b": {"c": {}}}"#, "[]", #"" ""#, "1e308",
      "[[[[[[1]]]]]]",
    ].map { Array($0.utf8) }
    let words = ["\\u", "\\ud83d", "1e999", "-0", "{\"", "[", "]", "}", ",", ":", "nul"].map { Array($0.utf8) }
    var fuzzer = Fuzzer("json", corpus: corpus, words: words, inputs: 3_000)
    let slow = try fuzzer.run { input in
      let value: JSONValue
      do { value = try JSONValue(parsing: String(decoding: input, as: UTF8.self)) } catch {
        return "\(error)".filter { !$0.isNumber }
      }
      let again = try JSONValue(parsing: value.encoded)
      #expect(again == value)
      return "\(value)".filter { "{}[]".contains($0) }.prefix(8).description
    }
    #expect(slow.isEmpty)
  }
}
