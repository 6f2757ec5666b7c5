import Engines
import Vocabulary
import Wire

extension OpDef {
  /// Creates the operation as its client wrote it.
  init(_ operation: Operation) {
    let payloads = operation.payloads
    let chunks = payloads.compactMap { payload -> Chunk? in
      if case .bytes(let bytes) = payload.content { Chunk(buffer: bytes, attributes: payload.attributes) } else { nil }
    }
    self.init(
      key: operation.key, op: operation.type, parents: operation.parents, outputType: operation.output,
      attributes: operation.arguments,
      largeAttribute: payloads.isEmpty
        ? .empty : chunks.count == payloads.count ? .chunks(chunks) : .announced(payloads.map { ChunkMeta($0) }),
      queryArguments: operation.query)
  }

  /// Attributes that name files on the engine's side. The coordinator sets those that are needed; a client that could set them
  /// would make the engine open arbitrary files, or load them as libraries.
  private static let reserved: [ParamKey] = [
    .eFile, .vFile, .schemaPath, .appLibraryPath, .outputPrefix, .graphLibraryPath, .javaClassPath, .jvmOpts,
  ]

  /// Returns the operation without attributes that only the coordinator may set.
  /// - Throws: `EngineError` for operations that clients may not send, and for tables that come with an operation other than
  ///   DATA_SOURCE.
  func fromClient() throws(EngineError) -> OpDef {
    switch op {
    case .registerGraphType, .getEngineConfig, .fromFile, .fromNumpy, .fromDataframe:
      throw EngineError(.permissionDenied, "the operation \(op) is not available to clients")
    default: break
    }
    if case .announced(let items) = largeAttribute,
      items.contains(where: { $0.attributes[.protocol] != nil || $0.attributes[.source] != nil })
    {
      throw EngineError(
        .invalidArgument, "tables must be sent with a separate operation, DATA_SOURCE, but came with \(op)")
    }
    var operation = self
    for key in Self.reserved { operation.attributes[key] = nil }
    if op == .createGraph, attributes[.arrowPropertyDefinition] != nil {
      operation.attributes[.arrowPropertyDefinition] = .list(AttributeList())
    }
    return operation
  }

  /// Whether it brings the client's own code, or options for a compiler.
  var bringsCode: Bool {
    if case .bytes(let archive)? = attributes[.gar], !archive.isEmpty { return true }
    return attributes[.cmakeExtraOptions]?.text?.isEmpty == false
  }
}

extension ChunkMeta {
  /// Creates the announcement of data.
  init(_ payload: Payload) {
    self.init(size: Int64(payload.file?.byteCount ?? 0), attributes: payload.attributes)
  }
}

extension Places {
  /// Checks that a client may bring code of its own. Such code runs in the engine's process with all rights of its user.
  /// - Throws: `EngineError.permissionDenied` when it may not.
  func requireOwnCode(_ operation: OpDef, _ inputs: NativeInputs) throws(EngineError) {
    guard operation.bringsCode || inputs.algorithm?.archive.isEmpty == false, !allowsOwnCode else { return }
    throw EngineError(
      .permissionDenied, "clients' own algorithms are not allowed here: their code could read the data of others",
      hint: "Use built-in algorithms, or ask an operator to set own_code for this tenant in the access file")
  }
}
