import GraphStore
import Workers

/// A column of numbers, of any width.
enum Numbers: @unchecked Sendable {
  // @unchecked: refers to immutable mappings of the graph.
  case int32(UnsafeBufferPointer<Int32>)
  case int64(UnsafeBufferPointer<Int64>)
  case uint32(UnsafeBufferPointer<UInt32>)
  case uint64(UnsafeBufferPointer<UInt64>)
  case float(UnsafeBufferPointer<Float>)
  case double(UnsafeBufferPointer<Double>)

  /// Returns nil for texts and lists.
  init?(_ column: Column) {
    switch column.type {
    case .int32, .date32: self = .int32(column.values(as: Int32.self))
    case .int64, .timestampMilliseconds: self = .int64(column.values(as: Int64.self))
    case .uint32: self = .uint32(column.values(as: UInt32.self))
    case .uint64: self = .uint64(column.values(as: UInt64.self))
    case .float: self = .float(column.values(as: Float.self))
    case .double: self = .double(column.values(as: Double.self))
    case .string, .int32List, .int64List, .floatList, .doubleList: return nil
    }
  }

  /// An integer; the low 64 bits of larger ones. 0 for other numbers.
  @inline(__always)
  func integer(_ row: Int) -> Int64 {
    switch self {
    case .int32(let values): Int64(values[row])
    case .int64(let values): values[row]
    case .uint32(let values): Int64(values[row])
    case .uint64(let values): Int64(bitPattern: values[row])
    case .float, .double: 0
    }
  }

  /// The number as a floating-point number.
  @inline(__always)
  func real(_ row: Int) -> Double {
    switch self {
    case .float(let values): Double(values[row])
    case .double(let values): values[row]
    case .uint64(let values): Double(values[row])
    default: Double(integer(row))
    }
  }
}

/// The attributes of a label that a client selected, in the order in which the wire format has them: 32-bit integers, other
/// integers, 32-bit floating-point numbers, others, strings; the columns of each type in the order of the table.
struct Attributes: Sendable {
  let integers: [Numbers]
  let reals: [Numbers]
  let texts: [Column]
  let weights: Numbers?
  let labels: Numbers?
  /// Keeps the columns mapped.
  private let columns: [Column]

  /// Sorts columns. Lists are left out: the client has no place for them.
  init(selected: [Column], weights: Column?, labels: Column?) {
    func numbers(_ isMeant: (ColumnType) -> Bool) -> [Numbers] {
      selected.filter { isMeant($0.type) }.compactMap(Numbers.init)
    }
    columns = selected + [weights, labels].compactMap(\.self)
    integers = numbers { $0 == .int32 } + numbers { $0 != .int32 && $0.isInteger }
    reals = numbers { $0 == .float } + numbers { $0 == .double }
    texts = selected.filter { $0.type == .string }
    self.weights = weights.flatMap(Numbers.init)
    self.labels = labels.flatMap(Numbers.init)
  }

  /// What is sent of each row, as a sum: 1, 2 for a weight, 4 for a label, 16 for attributes.
  var format: Int32 {
    1 + (weights == nil ? 0 : 2) + (labels == nil ? 0 : 4)
      + (integers.isEmpty && reals.isEmpty && texts.isEmpty ? 0 : 16)
  }

  /// The number of values of a row.
  var width: Int { integers.count + reals.count + texts.count + 2 }

  /// Returns the values of rows. A row below 0 is unknown: its numbers are 0, its texts empty, its weight and label -1.
  func answer(_ rows: [Int], _ workers: Workers) throws -> OperatorAnswer {
    var answer = OperatorAnswer()
    answer.parameters = [
      "bs": .int32([Int32(rows.count)]),
      "si": .int32([format, Int32(integers.count), Int32(reals.count), Int32(texts.count)]),
    ]
    if let weights {
      answer.tensors["wei"] = .float(try gather([weights], rows, Float(-1), workers) { Float($0.real($1)) })
    }
    if let labels {
      answer.tensors["lb"] = .int32(
        try gather([labels], rows, Int32(-1), workers) { Int32(truncatingIfNeeded: $0.integer($1)) })
    }
    if !integers.isEmpty {
      answer.tensors["ia"] = .int64(try gather(integers, rows, Int64(0), workers) { $0.integer($1) })
    }
    if !reals.isEmpty {
      answer.tensors["fa"] = .float(try gather(reals, rows, Float(0), workers) { Float($0.real($1)) })
    }
    if !texts.isEmpty { answer.tensors["sa"] = .string(gatherTexts(rows)) }
    return answer
  }

  private func gather<Value>(
    _ columns: [Numbers], _ rows: [Int], _ unknown: Value, _ workers: Workers, _ value: (Numbers, Int) -> Value
  ) throws -> [Value] {
    try [Value](unsafeUninitializedCapacity: rows.count * columns.count) { values, filled in
      let start = values.baseAddress
      try workers.forEach(rows.count, grain: 16_384) { range, _ in
        for (place, column) in columns.enumerated() {
          for position in range {
            let row = rows[position]
            (start! + position * columns.count + place).initialize(to: row < 0 ? unknown : value(column, row))
          }
        }
      }
      filled = rows.count * columns.count
    }
  }

  private func gatherTexts(_ rows: [Int]) -> TextValues {
    var result = TextValues()
    let columns = texts.map(\.strings)
    for row in rows {
      for column in columns { result.append(row < 0 ? UnsafeRawBufferPointer(start: nil, count: 0) : column[row]) }
    }
    return result
  }
}

extension ColumnType {
  /// Whether values are whole numbers, dates or times.
  var isInteger: Bool {
    switch self {
    case .int32, .int64, .uint32, .uint64, .date32, .timestampMilliseconds: true
    case .float, .double, .string, .int32List, .int64List, .floatList, .doubleList: false
    }
  }
}
