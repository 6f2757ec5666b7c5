import Fuzzing
import Testing
import Turns

@testable import GraphStore

@Suite("Fuzzing of tables", .takesTurns)
struct FuzzTableTests {
  @Test("Arrow streams are an error or a table")
  func arrow() async {
    let corpus = [
      ArrowFixtures.pandas, ArrowFixtures.threeBatches, ArrowFixtures.dictionary, ArrowFixtures.list,
      ArrowFixtures.compressed, ArrowFixtures.legacy, ArrowFixtures.noRows,
    ]
    var fuzzer = Fuzzer("arrow", corpus: corpus, words: [[0xFF, 0xFF, 0xFF, 0xFF, 0x10, 0, 0, 0]], inputs: 500)
    while let input = fuzzer.next() {
      do {
        let table = try await Loader().arrow(input)
        for column in table.columns { #expect(column.texts.count == table.rowCount) }
        fuzzer.note("\(table.columns.count) columns, \(table.rowCount) rows", of: input)
      } catch {
        #expect(error is GraphStoreError)
        fuzzer.note("\("\(error)".filter { !$0.isNumber }.prefix(60))", of: input)
      }
    }
  }

  @Test("Delimited text is an error or a table, in small and large blocks")
  func csv() async {
    let corpus = [
      "id,name,x\n1,a,0.5\n2,\"b,\"\"c\",1e300\n3,,-0\n", "a,b\r\n1,2\r\n3,4\r\n",
      "d\n2024-01-02\n2024-01-03 04:05:06\n",
      "id\n9223372036854775807\n-9223372036854775808\n", "a,b\n\"\n\",1\nü,2\n\n", "t,f\ntrue,false\nTRUE,0\n",
    ].map { Array($0.utf8) }
    let words = ["\"", "\"\"", ",", "\n", "\r\n", "\0", "nan", "1e999", "0x10", "\u{FEFF}", "99999999999999999999"]
    var fuzzer = Fuzzer("csv", corpus: corpus, words: words.map { Array($0.utf8) }, inputs: 300)
    while let input = fuzzer.next() {
      var outcomes: [String] = []
      for block in [1 << 20, 16] {
        do {
          let table = try await Loader().csv(bytes: input, blockBytes: block)
          outcomes.append("\(table.rowCount) \(table.columns.map { "\($0.type)" })")
        } catch {
          #expect(error is GraphStoreError)
          outcomes.append("\("\(error)".filter { !$0.isNumber }.prefix(60))")
        }
      }
      fuzzer.note(outcomes[0], of: input)
    }
  }
}
