import TestSupport
import Testing
import Turns

@testable import GraphStore

@Suite("Arrow IPC streams", .takesTurns)
struct ArrowStreamTests {
  @Test("A data frame is read as the client sends it")
  func pandas() async throws {
    let table = try await Loader().arrow(ArrowFixtures.pandas)
    #expect(
      table.schema == [
        "id int64", "i8 int32", "u16 int32", "i32 int32", "u32 uint32", "u64 uint64", "b int32", "f double", "s string",
      ])
    #expect(table["id"] == ["0", "1", "2", "3", "4"])
    #expect(table["i8"] == ["-1", "2", "3", "4", "5"])
    #expect(table["u16"] == ["65535", "1", "2", "3", "4"])
    #expect(table["i32"] == ["-7", "0", "1", "2", "3"])
    #expect(table["u32"] == ["4294967295", "0", "1", "2", "3"])
    #expect(table["u64"] == ["18446744073709551615", "0", "1", "2", "3"])
    #expect(table["b"] == ["1", "0", "1", "1", "0"])
    #expect(table["f"] == ["0.5", "nan", "-2.25", "1e+300", "0.0"])
    #expect(table["s"] == ["a", "", "üß", "", "end"])
  }

  @Test("numpy arrays are read as the client sends them, with metadata of pandas")
  func numpy() async throws {
    let table = try await Loader().arrow(ArrowFixtures.numpyWithPandasMetadata)
    #expect(table.schema == ["f0 int64", "f1 int64", "f2 double"])
    #expect(table["f1"] == ["1", "2", "3"])
    #expect(table["f2"] == ["0.25", "0.5", "1.0"])
  }

  @Test("Several batches of all types with missing values are read")
  func batches() async throws {
    let table = try await Loader().arrow(ArrowFixtures.threeBatches)
    #expect(
      table.schema == [
        "n int64", "ls string", "d32 date32", "d64 timestampMilliseconds", "ts timestampMilliseconds",
        "tms timestampMilliseconds", "tus timestampMilliseconds", "tns timestampMilliseconds", "nul string",
        "flt float", "bo int32",
      ])
    #expect(table["n"] == ["1", "0", "3", "4", "5", "6", "7"])
    #expect(table["ls"] == ["x", "", "zz", "", "w", "v", "u"])
    #expect(table["d32"] == ["0", "0", "-1", "17456", "1", "2", "3"])
    #expect(table["d64"] == Array(repeating: "86400000", count: 7))
    #expect(table["ts"] == ["1000", "0", "-1000", "2000", "3000", "4000", "5000"])
    #expect(table["tms"] == ["1", "0", "-1", "2", "3", "4", "5"])
    #expect(table["tus"] == ["1", "0", "-1", "0", "0", "0", "0"])
    #expect(table["tns"] == ["1", "0", "-1", "0", "0", "0", "0"])
    #expect(table["nul"] == Array(repeating: "", count: 7))
    #expect(table["flt"] == ["0.5", "0.0", "1.0", "2.0", "3.0", "4.0", "5.0"])
    #expect(table["bo"] == ["1", "0", "1", "0", "1", "1", "1"])
  }

  @Test("A stream without rows is an empty table")
  func noRows() async throws {
    let table = try await Loader().arrow(ArrowFixtures.noRows)
    #expect(table.schema == ["id int64", "s string"])
    #expect(table.rowCount == 0)
    #expect(table["s"] == [])
  }

  @Test("Streams written before Arrow 0.15 are read")
  func legacy() async throws {
    #expect(try await Loader().arrow(ArrowFixtures.legacy)["id"] == ["1", "2"])
  }

  @Test("A stream may end between messages without an end marker")
  func noEndMark() async throws {
    #expect(try await Loader().arrow(ArrowFixtures.pandas.dropLast(8))["id"].count == 5)
  }

  @Test(
    "The error for an unsupported stream names the cause",
    arguments: [
      (ArrowFixtures.compressed, "compressed"), (ArrowFixtures.dictionary, "'c'"), (ArrowFixtures.list, "'l'"),
      ([], "no schema"), (Array("hello, this is no stream".utf8), "malformed"),
    ])
  func refused(_ bytes: [UInt8], _ word: String) async throws {
    let error = await #expect(throws: GraphStoreError.self) { try await Loader().arrow(bytes) }
    #expect(error?.description.contains(word) == true, "\(String(describing: error))")
  }

  @Test("A truncated stream is an error or a shorter table, never a crash")
  func truncated() async throws {
    for fixture in [ArrowFixtures.pandas, ArrowFixtures.threeBatches] {
      for count in 0..<fixture.count {
        let loader = Loader()
        do {
          let table = try await loader.arrow(Array(fixture.prefix(count)))
          #expect(table.rowCount < 7 || count >= fixture.count - 8)
        } catch { #expect(error is GraphStoreError) }
      }
    }
  }

  @Test("Damaged streams are an error or a table, never a crash")
  func damaged() async throws {
    var random = SplitMix(seed: 7)
    for fixture in [ArrowFixtures.pandas, ArrowFixtures.threeBatches, ArrowFixtures.dictionary] {
      for _ in 0..<500 {
        var bytes = fixture
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          let place = Int.random(in: 0..<bytes.count, using: &random)
          switch Int.random(in: 0..<3, using: &random) {
          case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
          case 1: bytes[place] = [0x00, 0x7F, 0x80, 0xFF].randomElement(using: &random)!
          default: bytes[place] = UInt8.random(in: 0...255, using: &random)
          }
        }
        do {
          let table = try await Loader().arrow(bytes)
          for column in table.columns { #expect(column.texts.count == table.rowCount) }
        } catch { #expect(error is GraphStoreError) }
      }
    }
  }
}
