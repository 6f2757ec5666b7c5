import AnalyticsKernels
import Engines
import GraphStore
import Workers

/// The assortativity of the vertex property that the graph was projected with: the correlation of the values at the two ends of
/// edges if numeric, otherwise how often they are equal.
struct AttributeAssortativityAlgorithm: Algorithm {
  let names = ["attribute_assortativity_coefficient"]
  private let isNumeric = Parameter.flag("numeric", default: false)
  var parameters: [any AlgorithmParameter] { [isNumeric] }

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult {
    let (graph, workers) = (call.graph, call.workers)
    let scratch = Scratch(storage: workers.storage)
    defer { scratch.free() }
    let columns = try VertexColumns(graph)
    let assortativity = Assortativity(graph: graph, workers: workers)
    if try call[isNumeric] {
      let numbers = try columns.numbers(scratch)
      return try .number(assortativity.correlation(numbers, numbers), call)
    }
    let classes = try columns.classes(workers, scratch)
    return try .number(assortativity.coefficient(classes: classes.numbers, count: classes.count), call)
  }
}

/// The selected property of the vertices of each label.
private struct VertexColumns {
  let graph: SimpleGraph
  let columns: [Column]

  init(_ graph: SimpleGraph) throws(EngineError) {
    self.graph = graph
    columns = graph.segments.compactMap(\.data)
    guard columns.count == graph.segments.count else {
      throw EngineError(
        .invalidArgument, "the graph was projected without a vertex property",
        hint: "Specify one: attribute='…'")
    }
    for column in columns {
      guard let place = column.firstMissing else { continue }
      throw EngineError(
        .invalidValue, "every vertex must have a value of property '\(column.name)', but one is missing",
        evidence: "\(place), column '\(column.name)'", hint: "Give every vertex a value, or choose another property")
    }
  }

  /// Returns the values as numbers.
  func numbers(_ scratch: Scratch) throws -> UnsafeMutableBufferPointer<Double> {
    let numbers = try scratch.reserve(Double.self, count: graph.vertexCount)
    for (segment, column) in zip(graph.segments, columns) {
      guard let values = NumericColumn(column) else {
        throw EngineError(
          .invalidValue, "vertex property '\(column.name)' is not numeric", evidence: column.type.rawValue,
          hint: "Choose a numeric property, or use attribute_assortativity_coefficient")
      }
      for place in 0..<column.count {
        let value = values[place]
        guard value.isFinite else {
          throw EngineError(
            .invalidValue, "vertex property '\(column.name)' contains a value that is not a finite number",
            evidence: "\(value)")
        }
        numbers[segment.vertices.lowerBound + place] = value
      }
    }
    return numbers
  }

  /// Returns, for each vertex, the index of its value among the distinct values.
  func classes(
    _ workers: Workers, _ scratch: Scratch
  ) throws -> (numbers: UnsafeMutableBufferPointer<UInt32>, count: Int) {
    let numbers = try scratch.reserve(UInt32.self, count: graph.vertexCount)
    var known: [AttributeValue: UInt32] = [:]
    // The memory of the dictionary; texts stay in the column.
    let room = try StorageReservation(0, as: .memory, from: workers.storage)
    defer { withExtendedLifetime(room) {} }
    for (segment, column) in zip(graph.segments, columns) {
      for place in 0..<column.count {
        let value = AttributeValue(column, place)
        if place % chunkWork == 0 { try workers.cancellation.check() }
        if let number = known[value] {
          numbers[segment.vertices.lowerBound + place] = number
          continue
        }
        if known.count == known.capacity {
          do { try room.grow(by: 64 * max(16, known.count)) } catch { throw EngineError(error) }
        }
        numbers[segment.vertices.lowerBound + place] = UInt32(known.count)
        known[value] = UInt32(known.count)
      }
    }
    return (numbers, known.count)
  }
}

/// A value of a property, to be compared with others. Texts refer to the column.
private struct AttributeValue: Hashable {
  private let bits: UInt64
  private let text: UnsafeRawBufferPointer?

  init(_ column: Column, _ place: Int) {
    if column.type.isVariable {
      (bits, text) = (0, column.strings[place])
      return
    }
    text = nil
    bits =
      switch column.type {
      case .string, .int32List, .int64List, .floatList, .doubleList: 0
      case .int32, .date32: UInt64(bitPattern: Int64(column.values(as: Int32.self)[place]))
      case .int64, .timestampMilliseconds: UInt64(bitPattern: column.values(as: Int64.self)[place])
      case .uint32: UInt64(column.values(as: UInt32.self)[place])
      case .uint64: column.values(as: UInt64.self)[place]
      // Zero is added so that 0 and -0 are equal.
      case .float: (Double(column.values(as: Float.self)[place]) + 0).bitPattern
      case .double: (column.values(as: Double.self)[place] + 0).bitPattern
      }
  }

  static func == (one: Self, other: Self) -> Bool {
    guard let left = one.text, let right = other.text else { return one.bits == other.bits }
    return left.elementsEqual(right)
  }

  func hash(into hasher: inout Hasher) {
    if let text { hasher.combine(bytes: text) } else { hasher.combine(bits) }
  }
}
