/// Estimates the number of rows and the contents of an Arrow stream from the headers of its batches and samples of its values.
enum ArrowSampler {
  /// The maximum number of batches to read; the remaining batches are assumed to be like these.
  static let batchLimit = 1 << 12
  /// The number of sampled runs of ids, and the number of ids in each; a smaller table is sampled completely.
  private static let runs = 64
  private static let runRows = 1 << 10

  static func sketch(
    path: String, byteCount: Int, ids: [ColumnReference]
  ) throws(GraphStoreError) -> TableSketch {
    let file = try MappedFile.open(path: path)
    guard byteCount >= 0, byteCount <= file.bytes.count else {
      throw GraphStoreError(
        .invalidData,
        "'\(path)' has \(file.bytes.count) bytes, but at least \(byteCount) are required")
    }
    let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[..<byteCount])
    let stream = try ArrowStream(bytes, batchLimit: batchLimit)
    defer { withExtendedLifetime(file) {} }
    let factor = stream.isWhole ? 1 : Double(byteCount) / Double(stream.byteCount)
    let rows = Double(stream.rowCount) * factor
    var sketch = TableSketch(rowCount: rows, columns: [], byteCount: byteCount) { _ in 0 }
    for (column, field) in stream.fields.enumerated() {
      sketch.columns.append(
        .init(
          name: field.name, type: field.type.columnType, textBytes: textBytes(stream, column) * factor, ids: nil))
    }
    for id in ids {
      guard let column = sketch.position(of: id) else { continue }
      var sample = sample(stream, column)
      sample.rowCount = rows
      sample.isWhole = sample.isWhole && stream.isWhole
      if sample.isInteger { sketch.columns[column].textBytes = rows * Double(sample.digits) }
      sketch.columns[column].ids = sample
    }
    return sketch
  }

  /// Returns the bytes of a column's texts, according to its offsets.
  private static func textBytes(_ stream: ArrowStream, _ column: Int) -> Double {
    let type = stream.fields[column].type
    guard type.isString else { return 0 }
    return stream.batches.reduce(0) { sum, batch in
      let part = batch[column]
      guard part.rowCount > 0 else { return sum }
      let count = part.offset(part.rowCount, type) - part.offset(0, type)
      return sum + Double(max(0, min(count, part.characters.count)))
    }
  }

  private static func sample(_ stream: ArrowStream, _ column: Int) -> IDSample {
    var sample = IDSample()
    let type = stream.fields[column].type
    sample.isWhole = stream.rowCount <= runs * runRows
    let step = max(1, stream.rowCount / runs)
    var first = 0
    for batch in stream.batches {
      let part = batch[column]
      defer { first += part.rowCount }
      // Rows of the batch that lie in a run: all rows, or the first `runRows` of every `step`.
      var row = 0
      while row < part.rowCount {
        let offset = sample.isWhole ? 0 : (first + row) % step
        guard offset < runRows else {
          row += step - offset
          continue
        }
        if offset == 0 { sample.startRun() }
        part.add(row, type, to: &sample)
        row += 1
      }
    }
    return sample
  }
}

extension ArrowStream.Part {
  /// Returns the offset of the first character of a row.
  func offset(_ row: Int, _ type: ArrowType) -> Int {
    type == .largeString
      ? Int(values.loadUnaligned(fromByteOffset: row * 8, as: Int64.self))
      : Int(values.loadUnaligned(fromByteOffset: row * 4, as: Int32.self))
  }

  fileprivate func add(_ row: Int, _ type: ArrowType, to sample: inout IDSample) {
    func value<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) -> Int64 {
      Int64(truncatingIfNeeded: values.loadUnaligned(fromByteOffset: row * MemoryLayout<T>.size, as: T.self))
    }
    switch type {
    case .int8: sample.add(value(Int8.self))
    case .int16: sample.add(value(Int16.self))
    case .int32: sample.add(value(Int32.self))
    case .int64: sample.add(value(Int64.self))
    case .uint8: sample.add(value(UInt8.self))
    case .uint16: sample.add(value(UInt16.self))
    case .uint32: sample.add(value(UInt32.self))
    case .uint64: sample.add(value(UInt64.self))
    case .string, .largeString:
      let (start, end) = (offset(row, type), offset(row + 1, type))
      guard start >= 0, start <= end, end <= characters.count else { return }
      sample.add(UnsafeRawBufferPointer(rebasing: characters[start..<end]))
    default: break
    }
  }
}
