/// Packed repeated fields of protobuf (protobuf.dev, "Encoding"): tensors of millions of values, so they are read in one loop.
enum PackedValues {
  /// Reads varints.
  /// - Throws: `LearningError` if the bytes end within one, one has more than ten bytes, or there are more than `limit`.
  static func integers(_ bytes: ArraySlice<UInt8>, limit: Int) throws(LearningError) -> [Int64] {
    let count = bytes.withUnsafeBufferPointer { bytes in bytes.reduce(0) { $0 + ($1 < 0x80 ? 1 : 0) } }
    guard count <= limit else {
      throw LearningError(.resourceExhausted, "a tensor of \(count) values exceeds the limit of \(limit)")
    }
    var isValid = true
    let values = bytes.withUnsafeBufferPointer { bytes in
      [Int64](unsafeUninitializedCapacity: count) { values, filled in
        var value: UInt64 = 0
        var shift: UInt64 = 0
        for byte in bytes {
          isValid = isValid && shift < 70
          value |= UInt64(byte & 0x7F) << shift
          guard byte < 0x80 else {
            shift += 7
            continue
          }
          values[filled] = Int64(bitPattern: value)
          filled += 1
          (value, shift) = (0, 0)
        }
        isValid = isValid && shift == 0
      }
    }
    guard isValid else { throw LearningError(.invalidArgument, "the message is malformed: a varint has no end") }
    return values
  }

  /// Reads values of fixed width in little-endian order.
  /// - Throws: `LearningError` if the number of bytes is not a multiple of the width, or there are more than `limit` values.
  static func fixed<Value: BitwiseCopyable>(
    _ bytes: ArraySlice<UInt8>, as type: Value.Type, limit: Int
  ) throws(LearningError) -> [Value] {
    let width = MemoryLayout<Value>.size
    guard bytes.count % width == 0, bytes.count / width <= limit else {
      throw LearningError(.invalidArgument, "the message is malformed: \(bytes.count) bytes of packed values")
    }
    return bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / width).map { bytes.loadUnaligned(fromByteOffset: $0 * width, as: type) }
    }
  }
}
