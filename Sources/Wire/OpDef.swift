import CGraphScopeProto
import Vocabulary

/// One operation of a step.
public struct OpDef: Sendable, Equatable {
  /// The name of the operation, unique within its session for the lifetime of the session.
  public var key: String
  /// The type of operation.
  public var op: OperationType
  /// Keys of operations in this step or an earlier one, in the order the operation expects them.
  public var parents: [String]
  /// The form of the result that the client expects. Operations that unload an object omit it; it is then read as `.graph`.
  public var outputType: OutputType
  /// The parameters.
  public var attributes: [ParamKey: AttributeValue]
  /// Data that belongs to the operation, or its announcement. Clients attach an empty value to every operation.
  public var largeAttribute: LargeAttribute
  /// Arguments of a query in the order in which the application declares them; nil for operations that have none.
  public var queryArguments: [QueryArgument]?

  /// Creates an operation.
  public init(
    key: String, op: OperationType, parents: [String] = [], outputType: OutputType = .graph,
    attributes: [ParamKey: AttributeValue] = [:], largeAttribute: LargeAttribute = .empty,
    queryArguments: [QueryArgument]? = nil
  ) {
    self.key = key
    self.op = op
    self.parents = parents
    self.outputType = outputType
    self.attributes = attributes
    self.largeAttribute = largeAttribute
    self.queryArguments = queryArguments
  }
}

/// The operations of a step, parents before children.
public struct DagDef: Sendable, Equatable {
  /// The operations. May be empty.
  public var operations: [OpDef]

  /// Creates a step of operations.
  public init(operations: [OpDef] = []) { self.operations = operations }
}

/// Data of an operation that is too large for an attribute (`gs.rpc.LargeAttrValue`).
public enum LargeAttribute: Sendable, Equatable {
  /// No data.
  case empty
  /// The data itself.
  case chunks([Chunk])
  /// Announces data that follows in the bodies of the same call, in the same order.
  case announced([ChunkMeta])
}

/// Data with its attributes.
public struct Chunk: Sendable, Equatable {
  /// The data.
  public var buffer: [UInt8]
  /// Attributes that describe the data.
  public var attributes: [ParamKey: AttributeValue]

  /// Creates a chunk.
  public init(buffer: [UInt8], attributes: [ParamKey: AttributeValue] = [:]) {
    self.buffer = buffer
    self.attributes = attributes
  }
}

/// Announces data that follows in bodies.
public struct ChunkMeta: Sendable, Equatable {
  /// Size of the data in bytes. If it is 0, no body follows.
  public var size: Int64
  /// Attributes that describe the data.
  public var attributes: [ParamKey: AttributeValue]

  /// Creates an announcement of `size` bytes.
  public init(size: Int64, attributes: [ParamKey: AttributeValue] = [:]) {
    self.size = size
    self.attributes = attributes
  }
}

extension OpDef: Bridged {
  init(reading c: UnsafePointer<Gs__Rpc__OpDef>) throws(WireError) {
    let c = c.pointee
    key = try text(c.key, "OpDef.key")
    op = try enumeration(c.op.rawValue, "OpDef.op")
    parents = try texts(c.n_parents, c.parents, "OpDef.parents")
    outputType = try enumeration(c.output_type.rawValue, "OpDef.output_type")
    attributes = try Wire.attributes(c.n_attr, c.attr)
    let large: UnsafeMutablePointer<Gs__Rpc__LargeAttrValue>? = c.large_attr
    largeAttribute = if let large { try LargeAttribute(reading: large) } else { .empty }
    let arguments: UnsafeMutablePointer<Gs__Rpc__QueryArgs>? = c.query_args
    queryArguments = if let arguments { try messages(arguments.pointee.n_args, arguments.pointee.args) } else { nil }
  }

  func fill(_ c: inout Gs__Rpc__OpDef, in arena: Arena) {
    c.key = arena.text(key)
    c.op = Gs__Rpc__OperationType(number(op))
    (c.n_parents, c.parents) = (parents.count, arena.texts(parents))
    c.output_type = Gs__Rpc__OutputType(number(outputType))
    (c.n_attr, c.attr) = (attributes.count, arena.attributes(attributes))
    if largeAttribute != .empty { c.large_attr = largeAttribute.build(in: arena) }
    if let queryArguments {
      c.query_args = arena.make(Gs__Rpc__QueryArgs.self)
      c.query_args.pointee.n_args = queryArguments.count
      c.query_args.pointee.args = arena.messages(queryArguments)
    }
  }
}

extension DagDef: Bridged {
  init(reading c: UnsafePointer<Gs__Rpc__DagDef>) throws(WireError) {
    operations = try messages(c.pointee.n_op, c.pointee.op)
  }

  func fill(_ c: inout Gs__Rpc__DagDef, in arena: Arena) {
    (c.n_op, c.op) = (operations.count, arena.messages(operations))
  }
}

extension LargeAttribute: Bridged {
  init(reading c: UnsafePointer<Gs__Rpc__LargeAttrValue>) throws(WireError) {
    switch c.pointee.large_value_case {
    case GS__RPC__LARGE_ATTR_VALUE__LARGE_VALUE_CHUNK_LIST:
      let chunks = c.pointee.chunk_list.pointee
      self = .chunks(try messages(chunks.n_items, chunks.items))
    case GS__RPC__LARGE_ATTR_VALUE__LARGE_VALUE_CHUNK_META_LIST:
      let chunks = c.pointee.chunk_meta_list.pointee
      self = .announced(try messages(chunks.n_items, chunks.items))
    default: self = .empty
    }
  }

  func fill(_ c: inout Gs__Rpc__LargeAttrValue, in arena: Arena) {
    switch self {
    case .empty: break
    case .chunks(let chunks):
      c.large_value_case = GS__RPC__LARGE_ATTR_VALUE__LARGE_VALUE_CHUNK_LIST
      c.chunk_list = arena.make(Gs__Rpc__LargeAttrValue__ChunkList.self)
      c.chunk_list.pointee.n_items = chunks.count
      c.chunk_list.pointee.items = arena.messages(chunks)
    case .announced(let chunks):
      c.large_value_case = GS__RPC__LARGE_ATTR_VALUE__LARGE_VALUE_CHUNK_META_LIST
      c.chunk_meta_list = arena.make(Gs__Rpc__LargeAttrValue__ChunkMetaList.self)
      c.chunk_meta_list.pointee.n_items = chunks.count
      c.chunk_meta_list.pointee.items = arena.messages(chunks)
    }
  }
}

extension Chunk: Bridged {
  init(reading c: UnsafePointer<Gs__Rpc__Chunk>) throws(WireError) {
    buffer = bytes(c.pointee.buffer)
    attributes = try Wire.attributes(c.pointee.n_attr, c.pointee.attr)
  }

  func fill(_ c: inout Gs__Rpc__Chunk, in arena: Arena) {
    c.buffer = arena.bytes(buffer)
    (c.n_attr, c.attr) = (attributes.count, arena.attributes(attributes))
  }
}

extension ChunkMeta: Bridged {
  init(reading c: UnsafePointer<Gs__Rpc__ChunkMeta>) throws(WireError) {
    size = c.pointee.size
    attributes = try Wire.attributes(c.pointee.n_attr, c.pointee.attr)
    guard size >= 0 else {
      throw WireError(.malformed, "Announced data has a negative size.", evidence: "ChunkMeta.size is \(size)")
    }
  }

  func fill(_ c: inout Gs__Rpc__ChunkMeta, in arena: Arena) {
    c.size = size
    (c.n_attr, c.attr) = (attributes.count, arena.attributes(attributes))
  }
}
