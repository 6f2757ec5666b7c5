import NIOCore
import QueryValues

/// A message of a Bolt client.
enum BoltRequest: Sendable {
  case hello(ValueMap)
  case logon(ValueMap)
  case logoff
  case route(address: String?)
  case begin(ValueMap)
  case commit
  case rollback
  case run(query: String, parameters: ValueMap, extra: ValueMap)
  /// `count` is -1 for all rows; `result` is -1 for the newest one.
  case pull(count: Int64, result: Int64)
  case discard(count: Int64, result: Int64)
  case reset
  case goodbye
  case telemetry
  /// A message that is well formed and carries what is not supported.
  case rejected(QueryError)

  private enum Tag: UInt8 {
    case hello = 0x01
    case goodbye = 0x02
    case reset = 0x0f
    case run = 0x10
    case begin = 0x11
    case commit = 0x12
    case rollback = 0x13
    case discard = 0x2f
    case pull = 0x3f
    case telemetry = 0x54
    case route = 0x66
    case logon = 0x6a
    case logoff = 0x6b
  }

  /// Decodes a message.
  init(_ bytes: ByteBuffer, limits: QueryEndpointLimits) throws(PackStreamError) {
    var reader = PackStreamReader(
      bytes, maximumNesting: limits.maximumNesting, maximumElements: limits.maximumElements)
    let (number, count) = try reader.structureHeader()
    var fields: [Value] = []
    for _ in 0..<count { fields.append(try reader.value()) }
    guard reader.isAtEnd else { throw PackStreamError(reason: "bytes follow a message") }
    guard let tag = Tag(rawValue: number) else {
      throw PackStreamError(reason: "no message has the tag 0x\(String(number, radix: 16))")
    }
    if let problem = reader.problem {
      self = .rejected(problem)
    } else {
      self = try Self.request(tag, fields)
    }
  }

  private static func request(_ tag: Tag, _ fields: [Value]) throws(PackStreamError) -> BoltRequest {
    switch (tag, fields.count) {
    case (.hello, 1): return .hello(try map(fields[0]))
    case (.logon, 1): return .logon(try map(fields[0]))
    case (.logoff, 0): return .logoff
    case (.goodbye, 0): return .goodbye
    case (.reset, 0): return .reset
    case (.commit, 0): return .commit
    case (.rollback, 0): return .rollback
    case (.telemetry, 1): return .telemetry
    case (.begin, 1): return .begin(try map(fields[0]))
    case (.run, 3):
      guard case .string(let query) = fields[0] else { throw PackStreamError(reason: "the query of RUN is not text") }
      return .run(query: query, parameters: try map(fields[1]), extra: try map(fields[2]))
    case (.pull, 1):
      let (count, result) = try amount(try map(fields[0]))
      return .pull(count: count, result: result)
    case (.discard, 1):
      let (count, result) = try amount(try map(fields[0]))
      return .discard(count: count, result: result)
    case (.route, 3):
      guard case .string(let address)? = try map(fields[0])["address"] else { return .route(address: nil) }
      return .route(address: address)
    default: throw PackStreamError(reason: "\(tag) has \(fields.count) fields")
    }
  }

  private static func map(_ value: Value) throws(PackStreamError) -> ValueMap {
    guard case .map(let map) = value else { throw PackStreamError(reason: "a field of a message is not a map") }
    return map
  }

  private static func amount(_ extra: ValueMap) throws(PackStreamError) -> (count: Int64, result: Int64) {
    guard case .integer(let count)? = extra["n"], count > 0 || count == -1 else {
      throw PackStreamError(reason: "the number of rows, n, is neither positive nor -1")
    }
    switch extra["qid"] {
    case nil, .null?: return (count, -1)
    case .integer(let result)?: return (count, result)
    default: throw PackStreamError(reason: "the number of a result, qid, is no integer")
    }
  }
}
