import ClientOperations
import EmbeddedAnalytics
import Engines
import Foundation
import GeneratedTables
import GraphStore
import Testing
import Turns

@Suite("Estimates of loading", .takesTurns)
struct EstimateTests {
  @Test(
    "the estimate is close to the resources charged, which equal the size on disk", arguments: GeneratedTables.all
  )
  func shape(_ shape: GeneratedTables) async throws {
    let account = RecordingAccount()
    let fixture = try await EngineFixture(storage: account)
    let sources = try shape.write(in: fixture.root, edges: 60_000)
    let operation = Engines.Operation.createGraph(shape.options, GraphLayout())
    let estimate = try #require(try await fixture.engine.estimate(operation, on: [.tables(sources)]))
    #expect(account.books == .init())

    let graph = try await fixture.load(sources, shape.options)
    let taken = account.books
    #expect(taken.memory == 0)
    #expect(estimate.residentBytes.isNear(taken.mappedFiles, within: 0.2), "\(estimate) of \(taken.mappedFiles)")
    #expect(estimate.peakBytes.isNear(account.peak, within: 0.3), "\(estimate) of \(account.peak)")
    #expect(estimate.diskBytes == estimate.residentBytes)
    #expect(taken.mappedFiles.isNear(try fixture.bytes(of: graph), within: 0.01))

    await fixture.engine.release(graph.handle)
    #expect(account.books == .init() && !account.wentBelowZero)
  }

  @Test("adding labels is estimated by the rows added, also for existing labels")
  func addedLabels() async throws {
    let account = RecordingAccount()
    let fixture = try await EngineFixture(storage: account)
    let directory = fixture.root + "/more"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let shapes = [6, 9].map { GeneratedTables.all[$0] }
    let graph = try await fixture.load(try shapes[0].write(in: fixture.root, edges: 30_000), shapes[0].options)
    let more = try shapes[1].write(in: directory, edges: 30_000)
    let rows = TableSource(
      role: .vertices(label: "v", id: .index(0)),
      location: try fixture.csv(
        "rows.csv", "id|age\n" + (0..<20_000).map { "\($0 * 5 + 1_000_000)|\($0 % 90)\n" }.joined()))
    for tables in [more, [rows]] {
      let before = account.books.mappedFiles
      account.forgetPeak()
      let operation = Engines.Operation.addLabels(tables.count == 1 ? .extendVertexLabel : .newLabels)
      let inputs = [graph.handle, .tables(tables)]
      let estimate = try #require(try await fixture.engine.estimate(operation, on: inputs))
      _ = try await fixture.engine.perform(operation, on: inputs, log: fixture.log)
      #expect(estimate.residentBytes.isNear(account.books.mappedFiles - before, within: 0.2), "\(estimate)")
      #expect(estimate.peakBytes.isNear(account.peak - before, within: 0.3), "\(estimate)")
    }
  }

  @Test("operations that load nothing, and tables that cannot be sampled, have no estimate")
  func nothing() async throws {
    let fixture = try await EngineFixture()
    func estimate(_ location: TableSource.Location) async throws -> LoadEstimate? {
      let source = TableSource(role: .vertices(label: "v", id: .index(0)), location: location)
      return try await fixture.engine.estimate(
        .createGraph(GraphOptions(), GraphLayout()), on: [.tables([source])])
    }
    let pipe = fixture.root + "/pipe"
    mkfifo(pipe, 0o600)
    let header = fixture.root + "/header.csv"
    try Data(repeating: UInt8(ascii: "a"), count: 3 << 20).write(to: URL(fileURLWithPath: header))
    let lost = fixture.root + "/lost.csv"
    try "a,b\n1,2\n".write(toFile: lost, atomically: false, encoding: .utf8)
    for path in ["/nowhere.csv", "/dev/zero", fixture.root, pipe, header] {
      #expect(try await estimate(.csv(path: path, CSVOptions())) == nil, "\(path)")
    }
    let options = CSVOptions(columns: [(.name("c"), nil)], requiredColumnCount: 1)
    #expect(try await estimate(.csv(path: lost, options)) == nil)
    #expect(try await estimate(.arrowStream(path: lost, byteCount: 8)) == nil)
    #expect(try await estimate(.other(protocol: "hdfs", source: "x")) == nil)
    #expect(try await fixture.engine.estimate(.bindApplication, on: []) == nil)
  }

  @Test("a sparse file counts with its full size, and an endless row as text")
  func strange() async throws {
    let fixture = try await EngineFixture()
    func estimate(_ path: String) async throws -> LoadEstimate? {
      let source = TableSource(
        role: .vertices(label: "v", id: .index(0)), location: .csv(path: path, CSVOptions()))
      return try await fixture.engine.estimate(
        .createGraph(GraphOptions(), GraphLayout()), on: [.tables([source])])
    }
    let sparse = fixture.root + "/sparse.csv"
    try ("id,name\n" + (0..<30_000).map { "\($0),some name\n" }.joined())
      .write(toFile: sparse, atomically: false, encoding: .utf8)
    truncate(sparse, 1 << 40)
    #expect(try #require(try await estimate(sparse)).residentBytes > 1 << 38)
    let endless = fixture.root + "/endless.csv"
    try Data("id,name\n1,".utf8 + [UInt8](repeating: 120, count: 8 << 20)).write(to: URL(fileURLWithPath: endless))
    #expect(try #require(try await estimate(endless)).residentBytes.isNear(8 << 20, within: 0.6))
  }
}

extension Int {
  /// Returns whether this number differs from another one by at most a fraction of the latter.
  fileprivate func isNear(_ other: Int, within part: Double) -> Bool {
    abs(Double(self) - Double(other)) <= part * Double(other)
  }
}

extension GeneratedTables: CustomTestStringConvertible {
  /// The name of the shape.
  public var testDescription: String { name }
}

extension EngineFixture {
  /// Returns the size of all files of a stored graph except its manifest, in bytes.
  func bytes(of graph: GraphDescription) throws -> Int {
    let directory = root + "/session/analytics/" + graph.key
    return try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0 != "manifest" }.reduce(0) {
      $0 + (try FileManager.default.attributesOfItem(atPath: "\(directory)/\($1)")[.size] as! NSNumber).intValue
    }
  }
}
