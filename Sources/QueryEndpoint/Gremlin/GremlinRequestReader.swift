import FoundationEssentials
import JSON
import NIOCore
import QueryAlgebra
import QueryValues

/// Reads requests of Gremlin clients from messages of a WebSocket.
struct GremlinRequestReader {
  let limits: QueryEndpointLimits

  /// Reads a binary message: the length of the name of a format, the name, and a request in that format.
  /// - Throws: if the format is unknown, or if not even the number of the request can be read.
  func request(binary message: ByteBuffer) throws(GremlinFormatError) -> (GremlinRequest, GremlinFormat) {
    var message = message
    guard let count = message.readInteger(as: UInt8.self), let name = message.readString(length: Int(count)) else {
      throw .truncated
    }
    guard let format = GremlinFormat(named: name) else {
      throw GremlinFormatError(reason: "the format '\(name.prefix(64))' is not supported")
    }
    if format == .graphBinary { return (try graphBinary(message), format) }
    return (try graphSON(message), format)
  }

  /// Reads a text message, which is GraphSON 3.
  func request(text message: ByteBuffer) throws(GremlinFormatError) -> (GremlinRequest, GremlinFormat) {
    (try graphSON(message), .graphSON3)
  }

  private func graphBinary(_ message: ByteBuffer) throws(GremlinFormatError) -> GremlinRequest {
    var reader = GraphBinaryReader(
      message, maximumNesting: limits.maximumNesting, maximumElements: limits.maximumElements)
    guard try reader.integer() as UInt8 == 0x81 else {
      throw GremlinFormatError(reason: "the version of GraphBinary is not 1")
    }
    let id = try reader.uuid()
    do throws(GremlinFormatError) {
      let operation = try reader.text()
      let processor = try reader.text()
      let arguments = try arguments(try reader.entries())
      guard reader.isAtEnd else { throw GremlinFormatError(reason: "bytes follow a request") }
      return GremlinRequest(
        id: id, operation: operation, processor: processor, arguments: arguments, problem: reader.problem)
    } catch {
      return GremlinRequest(id: id, malformed: error)
    }
  }

  private func graphSON(_ message: ByteBuffer) throws(GremlinFormatError) -> GremlinRequest {
    guard message.readableBytes <= limits.maximumJSONBytes else {
      throw GremlinFormatError(reason: "a request in JSON has more than \(limits.maximumJSONBytes) bytes")
    }
    let json: JSONValue
    do { json = try JSONValue(parsing: String(buffer: message)) } catch {
      throw GremlinFormatError(reason: error.description)
    }
    guard let text = json["requestId"]?.text ?? json["requestId"]?["@value"]?.text, let id = UUID(uuidString: text)
    else {
      throw GremlinFormatError(reason: "a request has no requestId")
    }
    do throws(GremlinFormatError) {
      var reader = GraphSONReader()
      let arguments = try arguments(entries(try reader.value(json["args"] ?? .object([]))))
      return GremlinRequest(
        id: id, operation: json["op"]?.text ?? "", processor: json["processor"]?.text ?? "", arguments: arguments,
        problem: reader.problem)
    } catch {
      return GremlinRequest(id: id, malformed: error)
    }
  }

  private func entries(_ argument: Bytecode.Argument) -> [(key: Bytecode.Argument, value: Bytecode.Argument)] {
    switch argument {
    case .value(.map(let map)): map.entries.map { (.value($0.key), .value($0.value)) }
    case .map(let entries): entries
    default: []
    }
  }

  private func arguments(_ entries: [(key: Bytecode.Argument, value: Bytecode.Argument)]) throws(GremlinFormatError)
    -> [String: Bytecode.Argument]
  {
    var arguments: [String: Bytecode.Argument] = [:]
    for (key, value) in entries {
      guard case .value(.string(let key)) = key else {
        throw GremlinFormatError(reason: "the name of an argument is not text")
      }
      arguments[key] = value
    }
    return arguments
  }
}

extension GremlinRequest {
  /// A request of which only the number could be read.
  fileprivate init(id: UUID, malformed error: GremlinFormatError) {
    self.init(id: id, operation: .rejected(.malformedRequest, "The request cannot be read: \(error.reason)"))
  }

  init(id: UUID, operation: Operation) {
    self.id = id
    self.operation = operation
  }
}
