import ClientOperations
import Engines
import GraphStore
import Testing
import Turns
import Wire
import Workers

@testable import AnalyticsKernels
@testable import EmbeddedAnalytics

/// Vertex numbers multiplied by a factor, in one of the shapes of results.
private struct Example: Algorithm {
  let names: [String]
  private let factor = Parameter.integer("factor", default: 1, in: .from(1, to: 9))
  private let isNegative = Parameter.flag("negative", default: false)
  private let unit = Parameter.text("unit", default: "km")
  var parameters: [any AlgorithmParameter] { [factor, isNegative, unit] }

  static let all = Algorithms(
    ["data", "properties", "labels", "columns", "tensor", "dynamic", "short", "flags", "narrow"].map {
      Example(names: [$0])
    })

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let (graph, sign) = (call.graph, try call[isNegative] ? -1 : 1)
    let factor = try call[factor] * sign
    guard try call[unit] == "km" else { throw EngineError(.invalidValue, "the unit is another") }
    func numbers(_ count: Int, from first: Int = 0) throws -> ResultValues {
      let buffer = try Buffer<Int64>(count: count, storage: call.workers.storage)
      for place in 0..<count { buffer.mutableValues[place] = Int64((first + place) * factor) }
      return .int64(buffer)
    }
    func halves(_ count: Int) throws -> ResultValues {
      let buffer = try Buffer<Double>(count: count, storage: call.workers.storage)
      for place in 0..<count { buffer.mutableValues[place] = Double(place) / 2 }
      return .double(buffer)
    }
    switch names[0] {
    case "data": return .vertexData(try numbers(graph.vertexCount))
    case "flags":
      let buffer = try Buffer<Bool>(count: 3, storage: call.workers.storage)
      buffer.mutableValues[1] = true
      return .tensor(.bool(buffer), shape: [3])
    case "narrow":
      let buffer = try Buffer<Int32>(count: graph.vertexCount, storage: call.workers.storage)
      for place in 0..<graph.vertexCount { buffer.mutableValues[place] = -Int32(place) }
      return .vertexData(.int32(buffer))
    case "short": return .vertexData(try numbers(graph.vertexCount - 1))
    case "dynamic": return .dynamicVertexData(try numbers(graph.vertexCount))
    case "properties":
      let own = try Buffer<VertexNumber>(count: graph.vertexCount, storage: call.workers.storage)
      return .vertexProperties([
        ResultColumn(.vertexIDs(own), name: "first"), ResultColumn(try numbers(graph.vertexCount), name: "hub"),
        ResultColumn(try halves(graph.vertexCount), name: "auth"),
      ])
    case "labels":
      return .labeledVertexData(
        try graph.segments.map { ResultColumn(try numbers($0.vertices.count, from: 10), labelID: $0.labelID) })
    case "columns":
      return .labeledVertexProperties(
        try graph.segments.flatMap { segment in
          [
            ResultColumn(try numbers(segment.vertices.count), name: "n", labelID: segment.labelID),
            ResultColumn(try halves(segment.vertices.count), name: "h", labelID: segment.labelID),
          ]
        })
    default: return .tensor(try numbers(6), shape: [2, 3])
    }
  }
}

@Suite("Results of every kind are read, selected and recovered", .takesTurns)
struct ResultKindTests {
  /// Returns the modern graph as seen by algorithms, with names as data: persons 2, 6, 4, 1, then software 3, 5.
  private func flattened(_ fixture: EngineFixture) async throws -> GraphDescription {
    let graph = try await fixture.load(try fixture.modernGraph())
    return try await fixture.graph(.projectToSimple(vertexProperty: "name", edgeProperty: nil), graph.handle)
  }

  private func run(
    _ name: String, _ fixture: EngineFixture, _ arguments: [QueryValue] = []
  ) async throws -> ContextDescription {
    let graph = try await flattened(fixture)
    let bound = try await fixture.bind(name, to: graph)
    guard case .context(let context) = try await fixture.perform(.runApplication(arguments), bound) else {
      throw EngineFixture.Surprise()
    }
    return context
  }

  private func failure(_ body: () async throws -> Void) async -> EngineError? {
    do { try await body() } catch { return error as? EngineError }
    return nil
  }

  @Test("properties: each column by name")
  func properties() async throws {
    let fixture = try await EngineFixture(algorithms: Example.all)
    let context = try await run("properties", fixture, [.integer(3)])
    #expect(context.kind == .vertexProperty && context.schema == "first,hub,auth,")
    let result = ObjectHandle.context(context.key)
    #expect(try await fixture.array("r.hub", result) == .int64([0, 3, 6, 9, 12, 15]))
    #expect(try await fixture.array("v.label_id", result) == .int32([0, 0, 0, 0, 1, 1]))
    let range = VertexRange(begin: .integer(4), end: nil)
    let frame = try await fixture.frame(["id": "v.id", "name": "v.data", "auth": "r.auth"], result, range)
    #expect(frame.map(\.name) == ["id", "name", "auth"])
    #expect(frame[0].values == .int64([6, 4, 5]) && frame[2].values == .double([0.5, 1, 2.5]))
    #expect(frame[1].values == .strings(["peter", "josh", "ripple"]))
    let unknown = await failure { _ = try await fixture.array("r.no", result) }
    #expect(unknown?.code == .unknownName && unknown?.message == "the result has no column 'no'")
    let invalid = await failure { _ = try await fixture.array("r", result) }
    #expect(invalid?.code == .invalidSyntax)
    let summary = await fixture.engine.summary(of: result)
    #expect(summary?.values == 18 && summary?.dataBytes == 6 * (4 + 8 + 8))
  }

  @Test("labelled data and labelled properties: one label at a time")
  func labeled() async throws {
    let fixture = try await EngineFixture(algorithms: Example.all)
    let data = try await run("labels", fixture)
    #expect(data.kind == .labeledVertexData && data.schema.isEmpty)
    #expect(try await fixture.array("r:software", .context(data.key)) == .int64([10, 11]))
    #expect(try await fixture.array("v:software.id", .context(data.key)) == .int64([3, 5]))
    let columns = try await run("columns", fixture)
    #expect(columns.kind == .labeledVertexProperty && columns.schema == "0:n,h,\n1:n,h,\n")
    let result = ObjectHandle.context(columns.key)
    let frame = try await fixture.frame(
      ["id": "v:person.id", "name": "v:person.name", "h": "r:person.h"], result,
      VertexRange(begin: nil, end: .integer(3)))
    #expect(frame[0].values == .int64([2, 1]) && frame[2].values == .double([0, 1.5]))
    #expect(frame[1].values == .strings(["vadas", "marko"]))
    let mixed = await failure { _ = try await fixture.frame(["a": "r:person.h", "b": "r:software.h"], result) }
    #expect(mixed?.code == .invalidArgument)
    for (selector, code) in [
      ("r:nobody.h", EngineError.Code.unknownName), ("r:person.x", .unknownName), ("v:person.x", .unknownName),
      ("r.h", .invalidSyntax), ("person", .invalidSyntax),
    ] {
      #expect(await failure { _ = try await fixture.array(selector, result) }?.code == code, "\(selector)")
    }
  }

  @Test("a tensor: all values, with its dimensions")
  func tensor() async throws {
    let fixture = try await EngineFixture(algorithms: Example.all)
    let context = try await run("tensor", fixture, [.integer(2)])
    #expect(context.kind == .tensor && context.schema.isEmpty)
    let handle = ObjectHandle.context(context.key)
    guard case .archive(let bytes) = try await fixture.perform(.exportArray(selector: "", range: nil), handle) else {
      throw EngineFixture.Surprise()
    }
    let array = try bytes.withUnsafeBytes { try ResultArchive.readArray($0) }
    #expect(array.shape == [2, 3] && array.values == .int64([0, 2, 4, 6, 8, 10]))
    let range = VertexRange(begin: .integer(1), end: nil)
    #expect(await failure { _ = try await fixture.array("", handle, range) }?.code == .notApplicable)
    #expect(await failure { _ = try await fixture.frame(["a": ""], handle, range) }?.code == .notApplicable)
    let frame = try await fixture.frame(["a": ""], handle)
    #expect(frame.map(\.name) == ["Col 0", "Col 1", "Col 2"])
    #expect(frame.map(\.values) == [.int64([0, 6]), .int64([2, 8]), .int64([4, 10])])
  }

  @Test("every kind is recovered by a later process, whatever its size and position in the file")
  func recovered() async throws {
    let before = try await EngineFixture(algorithms: Example.all)
    let reads: [(String, String)] = [
      ("data", "r"), ("dynamic", "r"), ("properties", "r.auth"), ("properties", "r.first"), ("labels", "r:software"),
      ("columns", "r:software.h"), ("tensor", ""), ("flags", ""), ("narrow", "r"),
    ]
    var results: [(handle: ObjectHandle, selector: String, values: ArchiveValues)] = []
    for (name, selector) in reads {
      let handle = ObjectHandle.context(try await run(name, before, [.integer(5)]).key)
      results.append((handle, selector, try await before.array(selector, handle)))
    }
    #expect(results[7].values == .bool([false, true, false]))
    #expect(results[8].values == .int32([0, -1, -2, -3, -4, -5]))
    await before.engine.suspend()
    let after = try await EngineFixture(after: before, algorithms: Example.all)
    #expect(try await after.engine.recover(results.map(\.handle)).isEmpty)
    for result in results { #expect(try await after.array(result.selector, result.handle) == result.values) }
  }

  @Test("a result that does not have the size of its graph is reported as a defect")
  func short() async throws {
    let fixture = try await EngineFixture(algorithms: Example.all)
    #expect(await failure { _ = try await run("short", fixture) }?.code == .internalFailure)
  }

  @Test(
    "an argument of a wrong type is an error, never another value",
    arguments: [
      ([QueryValue.string("2")], "'factor' of algorithm 'data' must be an integer"),
      ([.bool(true)], "'factor' of algorithm 'data' must be an integer"),
      ([.integer(10)], "'factor' of algorithm 'data' must be from 1 to 9"),
      ([.integer(1), .integer(0)], "'negative' of algorithm 'data' must be True or False"),
      ([.integer(1), .bool(true), .bytes([1])], "'unit' of algorithm 'data' must be a string"),
    ])
  func wrongTypes(_ arguments: [QueryValue], _ message: String) async throws {
    let fixture = try await EngineFixture(algorithms: Example.all)
    let error = await failure { _ = try await run("data", fixture, arguments) }
    #expect(error?.code == .invalidArgument && error?.message == "argument " + message)
  }

  @Test("arguments of every type reach the algorithm, omitted ones as their defaults")
  func arguments() async throws {
    let fixture = try await EngineFixture(algorithms: Example.all)
    let context = try await run("data", fixture, [.integer(2), .bool(true)])
    #expect(try await fixture.array("r", .context(context.key)) == .int64([0, -2, -4, -6, -8, -10]))
    #expect(await failure { _ = try await run("data", fixture, [.integer(1), .bool(false), .string("mi")]) } != nil)
  }
}
