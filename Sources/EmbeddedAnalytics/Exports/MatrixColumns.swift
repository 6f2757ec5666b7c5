import AnalyticsKernels
import Wire
import Workers

extension ExportColumn {
  /// Splits the values of a matrix, which are row by row, into its columns.
  func columns(_ count: Int, _ bounds: ExportBounds) throws -> [ExportColumn] {
    try (0..<count).map { column in
      switch values {
      case .bool(let all): try Self.every(count, from: column, of: all, bounds) { .bool($0) }
      case .int32(let all): try Self.every(count, from: column, of: all, bounds) { .int32($0) }
      case .uint32(let all): try Self.every(count, from: column, of: all, bounds) { .uint32($0) }
      case .int64(let all): try Self.every(count, from: column, of: all, bounds) { .int64($0) }
      case .uint64(let all): try Self.every(count, from: column, of: all, bounds) { .uint64($0) }
      case .float(let all): try Self.every(count, from: column, of: all, bounds) { .float($0) }
      case .double(let all): try Self.every(count, from: column, of: all, bounds) { .double($0) }
      case .strings(let all):
        try Self.texts(count: values.count / count, bounds) { body in
          for place in stride(from: column, to: values.count, by: count) {
            let range = Int(all.offsets[place])..<Int(all.offsets[place + 1])
            try body(UnsafeRawBufferPointer(rebasing: all.bytes[range]))
          }
        }
      }
    }
  }

  private static func every<T: BitwiseCopyable>(
    _ step: Int, from first: Int, of values: UnsafeBufferPointer<T>, _ bounds: ExportBounds,
    _ wrap: (UnsafeBufferPointer<T>) -> ArchiveColumn
  ) throws -> ExportColumn {
    let buffer = try Buffer<T>(count: values.count / step, storage: bounds.storage)
    for (place, index) in stride(from: first, to: values.count, by: step).enumerated() {
      buffer.mutableValues[place] = values[index]
    }
    return ExportColumn(wrap(buffer.unownedValues), owners: [buffer])
  }
}
