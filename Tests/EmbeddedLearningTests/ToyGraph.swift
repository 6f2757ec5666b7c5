import Engines
import Foundation
import Glibc
import GraphStore
import JSON
import Workers

@testable import EmbeddedLearning

/// The graph of the recordings, written as rules: twelve persons who know those with the next numbers, and eight items.
final class ToyGraph: Sendable {
  /// The edges between persons by position, in the order of sources and destinations, with weight and attribute.
  static let knows: [(from: Int, to: Int, weight: Double, code: Int64)] = {
    var edges: [(from: Int, to: Int, weight: Double, code: Int64)] = []
    for i in 0..<12 {
      for j in 0..<i % 4 { edges.append((i, (i + j + 1) % 12, Double(j + 1), Int64(10 * i + j + 1))) }
    }
    return edges.sorted { ($0.from, $0.to) < ($1.from, $1.to) }
  }()

  /// The items that persons buy, by position.
  static let buys: [(from: Int, to: Int)] = {
    var edges: [(from: Int, to: Int)] = []
    for i in 0..<12 { for j in 0..<3 { edges.append((i, (i * j + j) % 8)) } }
    return edges.sorted { ($0.from, $0.to) < ($1.from, $1.to) }
  }()

  static func id(person: Int) -> Int64 { Int64(100 + person) }
  static func id(item: Int) -> Int64 { Int64(7000 + item) }

  let stored: PropertyGraph
  private let directory: String

  /// Builds the graph; with strings as ids if `hasTextIDs`.
  init(hasTextIDs: Bool = false, directed: Bool = true) async throws {
    var template = Array("/tmp/learning-test-XXXXXX".utf8CString)
    let directory = String(cString: mkdtemp(&template))
    self.directory = directory
    func ids(_ name: String, _ values: [Int64]) throws -> Column {
      hasTextIDs
        ? try Columns.texts(name, values.map { "n\($0)" }, directory)
        : try Columns.fixed(name, .int64, values, directory)
    }
    let persons = Array(0..<12)
    let people = [
      try ids("id", persons.map(Self.id(person:))),
      try Columns.fixed("age", .int64, persons.map { Int64(20 + $0) }, directory),
      try Columns.fixed("score", .double, persons.map { 0.25 * Double($0) }, directory),
      try Columns.texts("name", persons.map { "p\($0)" }, directory),
      try Columns.texts("city", persons.map { "c\($0 % 3)" }, directory),
      try Columns.fixed("label", .int64, persons.map { Int64($0 % 3) }, directory),
      try Columns.fixed("weight", .double, persons.map { Double(1 + $0 % 4) }, directory),
    ]
    let items = [
      try ids("id", (0..<8).map(Self.id(item:))),
      try Columns.fixed("kind", .int32, (0..<8).map { Int32($0 % 2) }, directory),
      try Columns.fixed("price", .float, (0..<8).map { Float(1.5 * Double($0)) }, directory),
    ]
    // Rows in another order than that of the adjacency.
    let knows = Array(Self.knows.reversed())
    let known = [
      try ids("a", knows.map { Self.id(person: $0.from) }), try ids("b", knows.map { Self.id(person: $0.to) }),
      try Columns.fixed("code", .int64, knows.map(\.code), directory),
      try Columns.fixed("weight", .double, knows.map(\.weight), directory),
    ]
    let bought = [
      try ids("a", Self.buys.map { Self.id(person: $0.from) }), try ids("b", Self.buys.map { Self.id(item: $0.to) }),
    ]
    let options = GraphOptions(
      isDirected: directed, idType: hasTextIDs ? .string : .int64, generatesEdgeIDs: false,
      retainsIDs: false)
    stored = try await WorkerPool(threads: 2).run { workers in
      var builder = try GraphBuilder(
        directory: directory + "/graph", extending: nil, options: options, workers: workers, progress: { _ in })
      try builder.addVertices(label: "person", table: Table(columns: people, rowCount: 12), id: .index(0))
      try builder.addVertices(label: "item", table: Table(columns: items, rowCount: 8), id: .index(0))
      try builder.addEdges(
        label: "knows", sourceLabel: "person", destinationLabel: "person",
        table: Table(columns: known, rowCount: knows.count),
        source: .index(0), destination: .index(1))
      try builder.addEdges(
        label: "buy", sourceLabel: "person", destinationLabel: "item",
        table: Table(columns: bought, rowCount: Self.buys.count),
        source: .index(0), destination: .index(1))
      return try builder.seal(durable: false)
    }
  }

  deinit { try? FileManager.default.removeItem(atPath: directory) }

  /// Returns what a client with this configuration selects.
  func selection(_ configuration: String = "{}") throws -> LearningSelection {
    try LearningSelection(
      stored.schema, handle: Data(#"{"vineyard_id":7,"vineyard_socket":null}"#.utf8).base64EncodedString(),
      configuration: Data(configuration.utf8).base64EncodedString())
  }

  /// Returns the service of a client with this configuration.
  func service(_ configuration: String = "{}", seed: UInt64 = 1) throws -> SamplingService {
    SamplingService(try LearningGraph(stored, try selection(configuration), UnboundedStorage()), seed: seed)
  }
}

/// Columns as a loader makes them.
private enum Columns {
  static func fixed<Value: BitwiseCopyable>(
    _ name: String, _ type: ColumnType, _ values: [Value], _ directory: String
  ) throws -> Column {
    let path = "\(directory)/\(UInt64.random(in: 0 ... .max))"
    let file = try MappedFile.create(path: path, byteCount: values.count * MemoryLayout<Value>.stride)
    values.withUnsafeBytes { file.bytes.copyMemory(from: $0) }
    return Column(name: name, type: type, count: values.count, data: file)
  }

  static func texts(_ name: String, _ values: [String], _ directory: String) throws -> Column {
    let bytes = values.flatMap { Array($0.utf8) }
    var offsets: [UInt64] = [0]
    for value in values { offsets.append(offsets.last! + UInt64(value.utf8.count)) }
    let data = try MappedFile.create(
      path: "\(directory)/\(UInt64.random(in: 0 ... .max))", byteCount: offsets.count * 8)
    offsets.withUnsafeBytes { data.bytes.copyMemory(from: $0) }
    let characters = try MappedFile.create(
      path: "\(directory)/\(UInt64.random(in: 0 ... .max))", byteCount: bytes.count)
    bytes.withUnsafeBytes { characters.bytes.copyMemory(from: $0) }
    return Column(name: name, type: .string, count: values.count, data: data, characters: characters)
  }
}

extension SamplingService {
  /// Runs an operator of a client on the calling thread.
  func run(
    _ name: String, _ parameters: TensorList, _ inputs: TensorList = [:], connection: UInt64 = 1
  ) throws -> OperatorAnswer {
    try run(
      OperatorRequest(name: name, parameters: parameters, inputs: inputs), connection: connection, .alone())
  }
}

extension OperatorAnswer {
  func integers(_ name: String) -> [Int64] { (try? tensors.integers(name)) ?? [] }
  func sparse(_ name: String) -> SparseTensor? { sparse.first { $0.name == name }?.tensor }
}

extension Tensor {
  static func texts(_ texts: String...) -> Tensor { .string(TextValues(texts)) }
  static func numbers(_ numbers: Int32...) -> Tensor { .int32(numbers) }
}
