import QueryValues

/// A failure as Bolt reports it.
struct BoltFailure: Equatable {
  /// The code of Neo4j that drivers turn into an exception.
  let code: String
  let message: String
  /// The code of the standard GQL, from version 5.7 on.
  let standardCode: String

  init(code: String, message: String, standardCode: String = "50N42") {
    self.code = code
    self.message = message
    self.standardCode = standardCode
  }

  init(_ error: QueryError) {
    self.init(
      code: Self.code(of: error.kind),
      message: error.detail.isEmpty ? error.message : "\(error.detail): \(error.message)",
      standardCode: Self.standardCode(of: error.kind))
  }

  static let unauthorized = BoltFailure(
    code: "Neo.ClientError.Security.Unauthorized",
    message: "The client is unauthorized: its credentials were not accepted. Check the name and the password",
    standardCode: "42NFF")

  static let timedOut = BoltFailure(QueryError(.timeout, "The transaction took longer than its timeout allows"))

  /// A request that the state of the connection does not admit, or that is no request.
  static func invalid(_ message: String) -> BoltFailure {
    BoltFailure(code: "Neo.ClientError.Request.Invalid", message: message, standardCode: "08N06")
  }

  private static func code(of kind: QueryError.Kind) -> String {
    switch kind {
    case .syntax: "Neo.ClientError.Statement.SyntaxError"
    case .type: "Neo.ClientError.Statement.TypeError"
    case .argument: "Neo.ClientError.Statement.ArgumentError"
    case .arithmetic: "Neo.ClientError.Statement.ArithmeticError"
    case .notFound: "Neo.ClientError.Statement.EntityNotFound"
    case .parameter: "Neo.ClientError.Statement.ParameterMissing"
    case .procedure: "Neo.ClientError.Procedure.ProcedureNotFound"
    case .unsupported: "Neo.ClientError.Statement.UnsupportedOperationError"
    case .timeout: "Neo.ClientError.Transaction.TransactionTimedOut"
    case .cancelled: "Neo.ClientError.Transaction.Terminated"
    case .memory: "Neo.TransientError.General.MemoryPoolOutOfMemoryError"
    case .internal: "Neo.DatabaseError.General.UnknownError"
    }
  }

  private static func standardCode(of kind: QueryError.Kind) -> String {
    switch kind {
    case .syntax, .notFound, .parameter, .procedure, .unsupported: "42N00"
    case .type: "22G03"
    case .argument: "22N00"
    case .arithmetic: "22003"
    case .timeout, .cancelled: "25N13"
    case .memory, .internal: "50N42"
    }
  }

  /// The metadata of the message FAILURE.
  func metadata(_ version: BoltVersion) -> [(String, Value)] {
    guard version.hasStandardCodes else { return [("code", .string(code)), ("message", .string(message))] }
    return [
      ("neo4j_code", .string(code)), ("message", .string(message)), ("gql_status", .string(standardCode)),
      ("description", .string("error: \(message)")),
      (
        "diagnostic_record",
        .map(
          ValueMap([
            ("OPERATION", .string("")), ("OPERATION_CODE", .string("0")), ("CURRENT_SCHEMA", .string("/")),
          ]))
      ),
    ]
  }
}
