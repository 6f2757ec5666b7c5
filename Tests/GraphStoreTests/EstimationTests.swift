import Glibc
import Synchronization
import Testing
import Workers

@testable import GraphStore

@Suite("Contents of tables are estimated from samples")
struct EstimationTests {
  /// Returns a sample of the ids of a table with `rows` rows, in runs of 500 ids.
  private func sample(_ count: Int, rows: Double, _ id: (Int) -> Int64) -> IDSample {
    var sample = IDSample()
    sample.rowCount = rows
    for row in 0..<count {
      if row % 500 == 0 { sample.startRun() }
      sample.add(id(row))
    }
    return sample
  }

  private func isNear(_ value: Double, _ expected: Double, _ part: Double) -> Bool {
    abs(value - expected) <= part * expected
  }

  @Test("the number of distinct ids is estimated for ids drawn at random, sorted, all different, or all sampled")
  func distinct() {
    var random = SystemRandomNumberGenerator()
    let drawn = sample(20_000, rows: 1e6) { _ in .random(in: 0..<100_000, using: &random) &* 1_000_003 }
    #expect(isNear(IDSample.distinctCount(of: [drawn]), 100_000, 0.15))
    let few = sample(20_000, rows: 1e6) { _ in .random(in: 0..<50, using: &random) }
    #expect(IDSample.distinctCount(of: [few]) == 50)
    let sorted = sample(20_000, rows: 1e6) { Int64($0 / 500 * 12_500 + $0 % 500 / 4) }
    #expect(isNear(IDSample.distinctCount(of: [sorted]), 250_000, 0.05))
    let different = sample(20_000, rows: 1e6) { Int64($0) &* 0x1E37_79B9_7F4A_7C15 }
    #expect(IDSample.distinctCount(of: [different]) == 1e6)
    var whole = sample(1000, rows: 1000) { Int64($0 % 300) }
    whole.isWhole = true
    #expect(IDSample.distinctCount(of: [whole]) == 300)
  }

  @Test("ids of two columns are counted together, and shared ids once")
  func union() {
    var random = SystemRandomNumberGenerator()
    func drawn(_ ids: Range<Int64>) -> IDSample {
      sample(20_000, rows: 1e6) { _ in .random(in: ids, using: &random) }
    }
    #expect(isNear(IDSample.distinctCount(of: [drawn(0..<50_000), drawn(0..<50_000)]), 50_000, 0.15))
    #expect(isNear(IDSample.distinctCount(of: [drawn(0..<50_000), drawn(50_000..<100_000)]), 100_000, 0.15))
  }

  @Test("ids that count up need no index, ids in a small range a table, others a hash table")
  func index() {
    var contiguous = sample(1000, rows: 1000) { Int64($0 + 7) }
    contiguous.isWhole = true
    #expect(contiguous.countsUp && contiguous.range == 1000)
    var backwards = sample(1000, rows: 1000) { Int64(1000 - $0) }
    backwards.isWhole = true
    #expect(!backwards.countsUp)
    #expect(LoadFormulas.index(vertices: 1000, range: 1000, countsUp: true) == 0)
    #expect(LoadFormulas.index(vertices: 1000, range: 3000, countsUp: false) == 12_000)
    #expect(LoadFormulas.index(vertices: 1000, range: 1e9, countsUp: false) == 8 * 2048)
    #expect(LoadFormulas.index(vertices: 1000, range: nil, countsUp: false) == 8 * 2048)
  }

  @Test("a sketch of a text file is close to the table that reading it makes, whatever its cells")
  func text() async throws {
    let loader = Loader()
    var text = "\u{FEFF}id,name,score,day,note\r\n"
    for row in 0..<4000 {
      let note =
        row % 3 == 0 ? "\"with, a \"\"quote\"\"\"" : row % 5 == 0 ? "" : String(repeating: "x", count: row % 60)
      text += "\(row * 3),\"n \(row)\",\(row % 7 == 0 ? "NA" : "\(row).5"),2024-01-\(row % 18 + 10),\(note)\r\n"
      if row % 100 == 0 { text += "\r\n" }
    }
    let table = try await loader.csv(text)
    let path = loader.file(Array(text.utf8))
    for pieces in [4...4, 1000...1000] {
      let tuning = CSVSampler.Tuning(pieceBytes: 4096, pieces: pieces, typedBytes: 4096)
      let sketch = try CSVSampler.sketch(
        try OpenedFile(path: path), options: CSVOptions(), ids: [.name("id")], tuning: tuning)
      let isWhole = pieces.lowerBound == 1000
      #expect(isNear(sketch.rowCount, 4000, isWhole ? 0 : 0.1))
      #expect(sketch.columns.map(\.name) == table.columns.map(\.name))
      #expect(sketch.columns.map(\.type) == table.columns.map(\.type))
      for (column, made) in zip(sketch.columns, table.columns) where made.type == .string {
        #expect(isNear(column.textBytes, Double(made.characters!.bytes.count), 0.15), "\(column.name)")
      }
      #expect(sketch.columns[0].ids!.count > 100)
    }
  }

  @Test("a sketch of an Arrow stream knows rows, types and sizes")
  func arrow() async throws {
    let loader = Loader()
    for bytes in [ArrowFixtures.pandas, ArrowFixtures.threeBatches] {
      let table = try await loader.arrow(bytes)
      let path = loader.file(bytes, name: "sketched.arrow")
      let sketch = try TableReader.sketchArrowStream(path: path, byteCount: bytes.count, ids: [.index(0)])
      #expect(sketch.rowCount == Double(table.rowCount))
      #expect(sketch.columns.map(\.type) == table.columns.map(\.type))
      for (column, made) in zip(sketch.columns, table.columns) where made.type == .string {
        #expect(column.textBytes == Double(made.characters!.bytes.count))
      }
      #expect(sketch.columns[0].ids?.count == table.rowCount)
    }
    let path = loader.file([1, 2, 3], name: "torn.arrow")
    #expect(throws: GraphStoreError.self) {
      try TableReader.sketchArrowStream(path: path, byteCount: 3, ids: [])
    }
  }
}

@Suite("Reservations return their bytes once")
struct ReservationTests {
  /// An account that counts bytes up to a limit.
  private final class Account: StorageAccount {
    let taken = Mutex(0)
    func take(_ bytes: Int, as kind: StorageKind) throws(StorageRefusal) {
      guard bytes <= 100 - taken.withLock({ $0 }) else { throw StorageRefusal("full") }
      takeUnconditionally(bytes, as: kind)
    }
    func takeUnconditionally(_ bytes: Int, as kind: StorageKind) { taken.withLock { $0 += bytes } }
    func giveBack(_ bytes: Int, as kind: StorageKind) { taken.withLock { $0 -= bytes } }
    var level: Int { taken.withLock { $0 } }
  }

  @Test("when the last reference is released, including bytes that were added or removed since")
  func lifetime() throws {
    let account = Account()
    var first: StorageReservation? = try StorageReservation(40, as: .memory, from: account)
    var second = first
    try first?.grow(by: 30)
    #expect(throws: StorageRefusal("full")) { try first?.grow(by: 31) }
    second?.shrink(by: 20)
    #expect(account.level == 50 && second?.byteCount == 50)
    first = nil
    #expect(account.level == 50)
    second = nil
    #expect(account.level == 0)
    #expect(StorageReservation(unconditionally: 500, as: .memory, from: account).byteCount == 500)
    #expect(account.level == 0)
  }

  @Test("a file without room is not created, and a file that cannot be created is not counted")
  func files() throws {
    let account = Account()
    let workspace = Workspace()
    let path = workspace.new()
    let refused = #expect(throws: GraphStoreError.self) {
      _ = try MappedFile.create(path: path, byteCount: 101, storage: account)
    }
    #expect(refused?.code == .storageRefused && refused?.message == "full" && access(path, F_OK) != 0)
    var file: MappedFile? = try MappedFile.create(path: path, byteCount: 100, storage: account)
    #expect(throws: GraphStoreError.self) { _ = try MappedFile.create(path: path, byteCount: 0, storage: account) }
    #expect(account.level == 100 && file != nil)
    file = nil
    #expect(account.level == 0)
    #expect(throws: GraphStoreError.self) {
      _ = try MappedFile.create(path: workspace.path + "/no/file", byteCount: 50, storage: account)
    }
    #expect(account.level == 0)
  }
}
