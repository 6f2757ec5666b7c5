import ProtobufFields

/// Decodes requests. Every size is checked against the bytes that are there, so a message needs at most eight times its size.
enum MessageReading {
  /// The maximum number of values of a tensor.
  static let maximumValues = 16 << 20
  /// The maximum number of parameters, inputs, operators or edges of a message.
  static let maximumItems = 4_096
  /// The maximum length of a name, in bytes.
  static let maximumNameBytes = 1_024

  /// Decodes `OpRequestPb`.
  static func operatorRequest(_ bytes: [UInt8]) throws(LearningError) -> OperatorRequest {
    var request = OperatorRequest()
    try fields(bytes[...]) { number, value throws(LearningError) in
      switch number {
      case 1: request.name = try name(value)
      case 4: try add(try tensor(bytes: value), to: &request.parameters)
      case 5: try add(try tensor(bytes: value), to: &request.inputs)
      case 6:
        let (name, sparse) = try sparseTensor(value)
        guard request.sparseInputs.count < maximumItems else { throw tooMany }
        request.sparseInputs[name] = sparse
      default: break
      }
    }
    return request
  }

  /// Decodes `DagDef`.
  static func query(_ bytes: [UInt8]) throws(LearningError) -> QueryDefinition {
    var query = QueryDefinition()
    try fields(bytes[...]) { number, value throws(LearningError) in
      switch number {
      case 1: query.id = try integer(value)
      case 2:
        guard query.nodes.count < maximumItems else { throw tooMany }
        query.nodes.append(try node(value))
      default: break
      }
    }
    return query
  }

  /// Decodes `DagValuesRequestPb`.
  static func batchRequest(_ bytes: [UInt8]) throws(LearningError) -> BatchRequest {
    var request = BatchRequest()
    try fields(bytes[...]) { number, value throws(LearningError) in
      switch number {
      case 1: request.query = try integer(value)
      case 2: request.client = try integer(value)
      default: break
      }
    }
    return request
  }

  private static func node(_ value: ProtobufReader.Value) throws(LearningError) -> QueryDefinition.Node {
    var node = QueryDefinition.Node()
    try fields(try bytes(value)) { number, value throws(LearningError) in
      switch number {
      case 1: node.id = try integer(value)
      case 2: node.name = try name(value)
      case 3: try add(try tensor(bytes: value), to: &node.parameters)
      case 4, 5:
        guard node.inputs.count + node.outputs.count < maximumItems else { throw tooMany }
        let edge = try edge(value)
        if number == 4 { node.inputs.append(edge) } else { node.outputs.append(edge) }
      default: break
      }
    }
    return node
  }

  private static func edge(_ value: ProtobufReader.Value) throws(LearningError) -> QueryDefinition.Edge {
    var edge = QueryDefinition.Edge()
    try fields(try bytes(value)) { number, value throws(LearningError) in
      switch number {
      case 1: edge.id = try integer(value)
      case 2: edge.output = try name(value)
      case 3: edge.input = try name(value)
      default: break
      }
    }
    return edge
  }

  // MARK: Tensors

  private static func add(_ named: (String, Tensor), to list: inout TensorList) throws(LearningError) {
    guard list.entries.count < 64 else { throw tooMany }
    list[named.0] = named.1
  }

  private static func sparseTensor(_ value: ProtobufReader.Value) throws(LearningError) -> (String, SparseTensor) {
    var result = ""
    var sparse = SparseTensor(segments: [], values: [])
    try fields(try bytes(value)) { number, value throws(LearningError) in
      switch number {
      case 1: result = try name(value)
      case 2:
        let segments: TensorList = ["segments": try tensor(bytes: value).1]
        sparse.segments = try segments.integers("segments").map { Int32(truncatingIfNeeded: $0) }
      case 3:
        let values: TensorList = ["values": try tensor(bytes: value).1]
        sparse.values = try values.integers("values")
      default: break
      }
    }
    guard sparse.segments.allSatisfy({ $0 >= 0 }),
      sparse.segments.reduce(0, { $0 + Int($1) }) == sparse.values.count
    else {
      throw LearningError(.invalidArgument, "the segments of '\(result)' do not add up to its values")
    }
    return (result, sparse)
  }

  private static func tensor(bytes value: ProtobufReader.Value) throws(LearningError) -> (String, Tensor) {
    var result = ""
    var type = 0
    var integers: [Int64] = []
    var floats: [Float] = []
    var doubles: [Double] = []
    var texts = TextValues()
    try fields(try bytes(value)) { number, value throws(LearningError) in
      switch (number, value) {
      case (1, _): result = try name(value)
      case (2, _): type = try integer(value)
      case (4, .varint(let one)), (5, .varint(let one)): integers.append(Int64(bitPattern: one))
      case (4, .bytes(let packed)), (5, .bytes(let packed)):
        integers.append(contentsOf: try PackedValues.integers(packed, limit: maximumValues - integers.count))
      case (6, .fixed32(let one)): floats.append(Float(bitPattern: one))
      case (6, .bytes(let packed)):
        floats.append(contentsOf: try PackedValues.fixed(packed, as: Float.self, limit: maximumValues - floats.count))
      case (7, .fixed64(let one)): doubles.append(Double(bitPattern: one))
      case (7, .bytes(let packed)):
        doubles.append(
          contentsOf: try PackedValues.fixed(packed, as: Double.self, limit: maximumValues - doubles.count))
      case (8, .bytes(let text)):
        guard texts.count < maximumItems, value.text != nil else {
          throw LearningError(.invalidArgument, "'\(result)' has too many strings, or one that is not UTF-8")
        }
        texts.append(valid: text)
      default: break
      }
    }
    switch type {
    case 0: return (result, .int32(integers.map { Int32(truncatingIfNeeded: $0) }))
    case 1: return (result, .int64(integers))
    case 2: return (result, .float(floats))
    case 3: return (result, .double(doubles))
    case 4: return (result, .string(texts))
    default: throw LearningError(.invalidArgument, "'\(result)' has the unknown type \(type)")
    }
  }

  // MARK: Fields

  private static var tooMany: LearningError {
    LearningError(.resourceExhausted, "the message has more items than the limit of \(maximumItems)")
  }

  private static func fields(
    _ bytes: ArraySlice<UInt8>, _ body: (Int, ProtobufReader.Value) throws(LearningError) -> Void
  ) throws(LearningError) {
    var reader = ProtobufReader(bytes)
    while true {
      let field: (number: Int, value: ProtobufReader.Value)?
      do { field = try reader.next() } catch {
        throw LearningError(.invalidArgument, "the message is malformed: \(error.reason)")
      }
      guard let field else { return }
      try body(field.number, field.value)
    }
  }

  private static func bytes(_ value: ProtobufReader.Value) throws(LearningError) -> ArraySlice<UInt8> {
    guard let bytes = value.bytes else { throw LearningError(.invalidArgument, "the message is malformed") }
    return bytes
  }

  private static func name(_ value: ProtobufReader.Value) throws(LearningError) -> String {
    guard let text = value.text, text.utf8.count <= maximumNameBytes else {
      throw LearningError(.invalidArgument, "a name is not UTF-8 or longer than \(maximumNameBytes) bytes")
    }
    return text
  }

  private static func integer(_ value: ProtobufReader.Value) throws(LearningError) -> Int {
    guard let integer = value.integer else { throw LearningError(.invalidArgument, "the message is malformed") }
    return Int(Int32(truncatingIfNeeded: integer))
  }
}
