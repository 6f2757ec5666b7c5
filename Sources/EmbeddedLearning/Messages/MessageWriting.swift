import ProtobufFields

/// Encodes answers.
enum MessageWriting {
  /// Encodes `OpResponsePb`.
  static func bytes(_ answer: OperatorAnswer) -> [UInt8] {
    var message = ProtobufWriter()
    for (name, tensor) in answer.parameters.entries { message.element(1, bytes(name, tensor)) }
    for (name, tensor) in answer.tensors.entries { message.element(2, bytes(name, tensor)) }
    for (name, sparse) in answer.sparse { message.element(3, bytes(name, sparse)) }
    return message.bytes
  }

  /// Encodes `DagValuesResponsePb`.
  static func bytes(_ batch: BatchAnswer) -> [UInt8] {
    var message = ProtobufWriter()
    for (node, answer) in batch.values {
      message.message(1) { value in
        value.integer(1, Int64(node))
        for (name, tensor) in answer.tensors.entries { value.element(2, bytes(name, tensor)) }
        for (name, sparse) in answer.sparse { value.element(3, bytes(name, sparse)) }
      }
    }
    message.integer(2, Int64(batch.epoch))
    message.integer(3, Int64(batch.index))
    return message.bytes
  }

  private static func bytes(_ name: String, _ sparse: SparseTensor) -> [UInt8] {
    var message = ProtobufWriter()
    message.text(1, name)
    message.element(2, bytes("segments", .int32(sparse.segments)))
    message.element(3, bytes("values", .int64(sparse.values)))
    return message.bytes
  }

  private static func bytes(_ name: String, _ tensor: Tensor) -> [UInt8] {
    var message = ProtobufWriter()
    message.text(1, name)
    switch tensor {
    case .int32(let values):
      message.integer(3, Int64(values.count))
      message.packed(4, values.lazy.map(Int64.init))
    case .int64(let values):
      message.integer(2, 1)
      message.integer(3, Int64(values.count))
      message.packed(5, values)
    case .float(let values):
      message.integer(2, 2)
      message.integer(3, Int64(values.count))
      values.withUnsafeBytes { message.bytes(6, $0) }
    case .double(let values):
      message.integer(2, 3)
      message.integer(3, Int64(values.count))
      values.withUnsafeBytes { message.bytes(7, $0) }
    case .string(let values):
      message.integer(2, 4)
      message.integer(3, Int64(values.count))
      for index in 0..<values.count { message.element(8, values[index]) }
    }
    return message.bytes
  }
}
