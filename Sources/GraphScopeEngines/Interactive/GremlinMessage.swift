import FoundationEssentials
import JSON
import Wire

/// Encodes and decodes messages of TinkerPop's Gremlin protocol in GraphSON 3, as far as they are needed.
enum GremlinMessage {
  private static let mimeType = "application/vnd.gremlin-v3.0+json"

  /// The request options that servers support; clients' other options are meant for their own library.
  private static let options: Set<String> = ["evaluationTimeout", "batchSize", "userAgent"]

  /// Returns a query preceded by the type of its encoding, as TinkerPop frames requests.
  static func request(_ query: String, options: [(key: String, value: JSONValue)] = []) -> [UInt8] {
    let aliases = map([("g", .string("g"))])
    var arguments: [(String, JSONValue)] = [
      ("gremlin", .string(query)), ("language", .string("gremlin-groovy")), ("aliases", aliases),
    ]
    for option in options where Self.options.contains(option.key) {
      arguments.append((option.key, typed(option.value)))
    }
    let request = JSONValue.object([
      ("requestId", .object([("@type", .string("g:UUID")), ("@value", .string(UUID().uuidString.lowercased()))])),
      ("op", .string("eval")), ("processor", .string("")), ("args", map(arguments)),
    ])
    return [UInt8(mimeType.utf8.count)] + Array(mimeType.utf8) + Array(request.encoded.utf8)
  }

  private static func map(_ members: [(String, JSONValue)]) -> JSONValue {
    .object([("@type", .string("g:Map")), ("@value", .array(members.flatMap { [.string($0.0), $0.1] }))])
  }

  private static func typed(_ value: JSONValue) -> JSONValue {
    guard case .integer(let number) = value else { return value }
    let type = Int32(exactly: number) == nil ? "g:Int64" : "g:Int32"
    return .object([("@type", .string(type)), ("@value", value)])
  }

  /// A server's answer to a request.
  enum Answer: Equatable {
    /// A part of the result; more parts follow.
    case partial
    /// The last part of the result, which may be empty.
    case complete
    /// A failure: the protocol's status code, and the server's message.
    case failure(code: Int64, words: String)
  }

  /// Decodes an answer; returns nil if it is malformed.
  static func answer(_ bytes: [UInt8]) -> Answer? {
    guard let status = try? JSONValue(parsing: String(decoding: bytes, as: UTF8.self))["status"] else { return nil }
    switch status["code"]?["@value"] ?? status["code"] {
    case .integer(206): return .partial
    case .integer(200), .integer(204): return .complete
    case .integer(let code): return .failure(code: code, words: String((status["message"]?.text ?? "").prefix(2048)))
    default: return nil
    }
  }
}
