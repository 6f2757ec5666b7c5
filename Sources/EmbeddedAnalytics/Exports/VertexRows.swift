import AnalyticsKernels
import Engines
import GraphStore
import Workers

extension VertexRange {
  /// Returns the positions of the ids in this range, in ascending order; nil if the range has no bounds. Integers are compared by
  /// value, texts by their bytes.
  /// - Throws: `EngineError` of code `engineFailure` if ids are integers and a bound is not.
  func rows(of ids: [VertexIDs], _ bounds: ExportBounds) throws -> [UInt32]? {
    guard begin != nil || end != nil else { return nil }
    var rows: [UInt32] = []
    var first = 0
    for part in ids {
      switch part {
      case .int64(let values):
        let (low, high) = (try begin?.integer(), try end?.integer())
        for index in values.indices {
          if low.map({ values[index] >= $0 }) ?? true, high.map({ values[index] < $0 }) ?? true {
            rows.append(UInt32(truncatingIfNeeded: first + index))
          }
          if index % chunkWork == 0 { try bounds.cancellation.check() }
        }
        first += values.count
      case .string(let values):
        let (low, high) = (begin.map { Array($0.text.utf8) }, end.map { Array($0.text.utf8) })
        for index in 0..<values.count {
          let id = values[index]
          if low.map({ !id.lexicographicallyPrecedes($0) }) ?? true,
            high.map({ id.lexicographicallyPrecedes($0) }) ?? true
          {
            rows.append(UInt32(truncatingIfNeeded: first + index))
          }
          if index % chunkWork == 0 { try bounds.cancellation.check() }
        }
        first += values.count
      }
    }
    return rows
  }
}

extension VertexIDs {
  /// The number of ids.
  var count: Int {
    switch self {
    case .int64(let values): values.count
    case .string(let values): values.count
    }
  }
}

extension RangeBound {
  /// Returns the bound for integer ids; clients may send it as text.
  fileprivate func integer() throws(EngineError) -> Int64 {
    switch self {
    case .integer(let value): return value
    case .string(let text):
      if let value = Int64(text) { return value }
      throw EngineError(
        .engineFailure, "a bound of the vertex range must be an integer, like the ids of this graph", evidence: text,
        hint: "Pass integers as begin and end")
    }
  }

  /// The bound for text ids.
  fileprivate var text: String {
    switch self {
    case .integer(let value): String(value)
    case .string(let text): text
    }
  }
}
