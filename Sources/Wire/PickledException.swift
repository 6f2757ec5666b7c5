import Vocabulary

/// An exception class that the Python client can raise. The list is closed, so that no text from a peer is ever used as the name
/// of a class.
public enum PythonExceptionClass: String, Sendable, CaseIterable {
  // graphscope.framework.errors
  case alreadyExists = "AlreadyExistsError"
  case analyticalEngineInternal = "AnalyticalEngineInternalError"
  case cancelled = "CancelledError"
  case compilation = "CompilationError"
  case connection = "ConnectionError"
  case coordinatorInternal = "CoordinatorInternalError"
  case fatal = "FatalError"
  case gremlinQuery = "GremlinQueryError"
  case illegalState = "IllegalStateError"
  case interactiveEngineInternal = "InteractiveEngineInternalError"
  case invalidArgument = "InvalidArgumentError"
  case k8s = "K8sError"
  case learningEngineInternal = "LearningEngineInternalError"
  case networkFailure = "NetworkFailureError"
  case notFound = "NotFoundError"
  case permissionDenied = "PermissionDeniedError"
  case portInUse = "PortInUseError"
  case resourceExhausted = "ResourceExhaustedError"
  case retriesExceeded = "RetriesExceededError"
  case udfInternal = "UDFInternalError"
  case unimplemented = "UnimplementedError"
  case unknown = "UnknownError"
  case unsupportedOperation = "UnsupportedOperationError"
  case vineyard = "VineyardError"
  case workerResultsInconsistent = "WorkerResultsInconsistentError"
  // builtins
  case assertion = "AssertionError"
  case key = "KeyError"
  case notImplemented = "NotImplementedError"
  case runtime = "RuntimeError"
  case syntax = "SyntaxError"
  case timeout = "TimeoutError"
  case type = "TypeError"
  case value = "ValueError"

  /// The module that Python imports the class from.
  public var module: String {
    switch self {
    case .assertion, .key, .notImplemented, .runtime, .syntax, .timeout, .type, .value: "builtins"
    default: "graphscope.framework.errors"
    }
  }

  /// Creates the class that the client's own table maps a code to; nil for success.
  public init?(_ code: ResultCode) {
    switch code {
    case .ok: return nil
    case .cancelled: self = .cancelled
    case .invalidArgument: self = .invalidArgument
    case .timeout: self = .timeout
    case .notFound: self = .notFound
    case .alreadyExists: self = .alreadyExists
    case .resourceExhausted: self = .resourceExhausted
    case .unimplemented: self = .unimplemented
    case .permissionDenied: self = .permissionDenied
    case .compilationFailure: self = .compilation
    case .portInUse: self = .portInUse
    case .unsupportedOperation: self = .unsupportedOperation
    case .illegalState: self = .illegalState
    case .networkFailure: self = .networkFailure
    case .connectionError: self = .connection
    case .vineyardError: self = .vineyard
    case .udfInternalError: self = .udfInternal
    case .k8sError: self = .k8s
    case .gremlinQueryError: self = .gremlinQuery
    case .retriesExceededError: self = .retriesExceeded
    case .analyticalEngineInternalError: self = .analyticalEngineInternal
    case .interactiveEngineInternalError: self = .interactiveEngineInternal
    case .learningEngineInternalError: self = .learningEngineInternal
    case .coordinatorInternalError: self = .coordinatorInternal
    case .workerResultsInconsistentError: self = .workerResultsInconsistent
    case .unknownError: self = .unknown
    case .fatalError: self = .fatal
    }
  }
}

/// Encodes exceptions for the Python client to unpickle, in protocol 2 (PEP 307) with a handful of opcodes.
///
/// The coordinator writes pickles and never reads one.
public enum PickledException {
  /// Encodes an exception of a known class.
  ///
  /// - Parameter message: The only argument of the exception; nil for no argument.
  public static func encode(_ exception: PythonExceptionClass, _ message: String?) -> [UInt8] {
    var pickle = Pickle()
    pickle.global(module: exception.module, name: exception.rawValue)
    if let message {
      pickle.text(message)
      pickle.op(.tuple1)
    } else {
      pickle.op(.emptyTuple)
    }
    pickle.op(.reduce)
    return pickle.finish()
  }

  /// Encodes an error of a Gremlin server: a tuple of the class and its argument, from which the client builds the exception.
  ///
  /// - Parameter code: The status code of the Gremlin server, such as 597 for a failed evaluation.
  public static func encodeGremlin(code: Int32, message: String) -> [UInt8] {
    var pickle = Pickle()
    pickle.global(module: "gremlin_python.driver.protocol", name: "GremlinServerError")
    pickle.op(.emptyDict)
    pickle.op(.mark)
    pickle.text("code")
    pickle.int(code)
    pickle.text("message")
    pickle.text(message)
    pickle.text("attributes")
    pickle.op(.emptyDict)
    pickle.op(.setItems)
    pickle.op(.tuple2)
    return pickle.finish()
  }
}

/// A pickle under construction.
private struct Pickle {
  enum Opcode: UInt8 {
    case proto = 0x80
    case global = 0x63
    case binUnicode = 0x58
    case binInt = 0x4a
    case emptyTuple = 0x29
    case tuple1 = 0x85
    case tuple2 = 0x86
    case emptyDict = 0x7d
    case mark = 0x28
    case setItems = 0x75
    case reduce = 0x52
    case stop = 0x2e
  }

  private var bytes: [UInt8] = [Opcode.proto.rawValue, 2]

  mutating func op(_ opcode: Opcode) { bytes.append(opcode.rawValue) }

  mutating func global(module: String, name: String) {
    op(.global)
    bytes += Array("\(module)\n\(name)\n".utf8)
  }

  mutating func text(_ text: String) {
    op(.binUnicode)
    word(UInt32(clamping: text.utf8.count))
    bytes += Array(text.utf8)
  }

  mutating func int(_ value: Int32) {
    op(.binInt)
    word(UInt32(bitPattern: value))
  }

  mutating func finish() -> [UInt8] {
    op(.stop)
    return bytes
  }

  private mutating func word(_ value: UInt32) {
    withUnsafeBytes(of: value.littleEndian) { bytes += Array($0) }
  }
}
