import JSON
import Vocabulary

/// The client's name of an operation, unique within a session. Later operations refer to its result by this name.
public typealias OperationKey = String

/// One operation that a client requests: its type, its arguments, and the earlier operations whose results it works on.
///
/// An operation carries everything that the client wrote, so that engines which use the client's own protocol can forward it.
/// Other engines read typed values from it: see `graphOptions()`, `frameColumns()` and similar methods. `OperationType.traits`
/// lists the types of operations and what each of them does.
public struct Operation: Sendable {
  /// The client's name of the operation.
  public let key: OperationKey
  /// The type of operation.
  public let type: OperationType
  /// Operations of this step or an earlier one whose results are the inputs, in this order.
  public let parents: [OperationKey]
  /// The form of the result that the client expects.
  public let output: OutputType
  /// Arguments by name, as the client wrote them.
  public let arguments: [ParamKey: AttributeValue]
  /// The positional arguments of an algorithm; nil for an operation that has none.
  public let query: [QueryArgument]?
  /// Data that came with the operation.
  public let payloads: [Payload]
  /// The tables that a `DATA_SOURCE` operation names.
  public let tables: [TableSource]
  /// The parsed arguments that are JSON, by name; missing arguments have no entry.
  let documents: [ParamKey: JSONValue]

  /// Creates an operation from what its client wrote.
  /// - Throws: `EngineError` with code `invalidArgument` that names a missing or malformed argument, among those that the table
  ///   of traits knows.
  public init(
    key: OperationKey, type: OperationType, parents: [OperationKey] = [], output: OutputType = .graph,
    arguments: [ParamKey: AttributeValue] = [:], query: [QueryArgument]? = nil, payloads: [Payload] = [],
    tables: [TableSource] = []
  ) throws(EngineError) {
    self.key = key
    self.type = type
    self.parents = parents
    self.output = output
    self.arguments = arguments
    self.query = query
    self.payloads = payloads
    self.tables = tables
    let traits = type.traits
    var documents: [ParamKey: JSONValue] = [:]
    for key in traits.documents {
      documents[key] = try Arguments(values: arguments, of: type).document(key)
    }
    self.documents = documents
    try traits.check(self)
  }
}

/// Data that came with an operation, with the attributes that describe it.
public struct Payload: Sendable, Equatable {
  /// The location of the data.
  public enum Content: Sendable, Equatable {
    /// No data: the attributes say everything.
    case none
    /// Data in memory.
    case bytes([UInt8])
    /// Data in a file.
    case file(SpooledData)
  }

  /// The attributes with which the client describes the data.
  public var attributes: [ParamKey: AttributeValue]
  /// The data.
  public var content: Content

  /// Creates a payload.
  public init(attributes: [ParamKey: AttributeValue] = [:], content: Content = .none) {
    self.attributes = attributes
    self.content = content
  }

  /// The file that holds the data; nil if the data is not in a file.
  public var file: SpooledData? { if case .file(let file) = content { file } else { nil } }
}

/// Data in a file that exists as long as its step.
public struct SpooledData: Sendable, Equatable {
  /// The path of the file.
  public var path: String
  /// The size of the file in bytes.
  public var byteCount: Int

  /// Refers to data in a file.
  public init(path: String, byteCount: Int) {
    self.path = path
    self.byteCount = byteCount
  }
}
