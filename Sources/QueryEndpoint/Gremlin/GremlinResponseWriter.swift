import FoundationEssentials
import JSON
import NIOCore
import QueryValues

/// A result of a traversal, and how often it comes.
struct GremlinResult: Sendable {
  let value: Value
  let bulk: Int64
}

/// Writes responses of one request.
struct GremlinResponseWriter {
  let id: UUID
  let format: GremlinFormat
  let settings: GremlinRequest.Settings
  let names: ElementNames
  let limits: QueryEndpointLimits

  /// Writes a response without results.
  func message(_ status: GremlinStatus) -> ByteBuffer {
    if format == .graphBinary {
      var bytes = head(status)
      bytes.writeNull()
      return bytes
    }
    return message(status, data: .null)
  }

  /// Writes results into as many responses as their size requires; all but the last one are partial.
  /// - Throws: what a value cannot be written for, also that it is too large for any response.
  func messages(_ results: [GremlinResult], last code: GremlinStatus.Code) throws(QueryError) -> [ByteBuffer] {
    if format == .graphBinary { return try graphBinary(results, last: code) }
    return try graphSON(results, last: code)
  }

  // MARK: GraphBinary

  private func head(_ status: GremlinStatus) -> ByteBuffer {
    var bytes = ByteBuffer()
    bytes.writeMultipleIntegers(0x81 as UInt8, 0 as UInt8)
    bytes.writeUUIDBytes(id)
    bytes.writeMultipleIntegers(status.code.rawValue, 0 as UInt8)
    bytes.writeText(status.message)
    bytes.writeInteger(Int32(status.attributes.count))
    for (key, value) in status.attributes {
      bytes.writeQualified(key)
      // Texts and lists of texts, which no limit concerns.
      try? GraphBinaryWriter(names, hasProperties: false, maximumNesting: 2).write(value, into: &bytes)
    }
    bytes.writeInteger(0 as Int32)
    return bytes
  }

  private func graphBinary(_ results: [GremlinResult], last code: GremlinStatus.Code) throws(QueryError) -> [ByteBuffer]
  {
    let writer = GraphBinaryWriter(
      names, hasProperties: settings.hasProperties, maximumNesting: limits.maximumNesting)
    var messages: [ByteBuffer] = []
    var position = 0
    repeat {
      var end = results.count
      var list = ByteBuffer()
      let start = position
      while position < end {
        let before = list.writerIndex
        try write(results[position], writer, into: &list)
        guard list.readableBytes > limits.maximumFrameBytes else {
          position += 1
          continue
        }
        if position == start {
          try check(list.readableBytes)
          position += 1
        } else {
          list.moveWriterIndex(to: before)
        }
        end = position
      }
      var message = head(GremlinStatus(position == results.count ? code : .partialContent))
      message.write(.list, Int32(position - start))
      message.writeBuffer(&list)
      messages.append(message)
    } while position < results.count
    return messages
  }

  private func write(_ result: GremlinResult, _ writer: GraphBinaryWriter, into bytes: inout ByteBuffer)
    throws(QueryError)
  {
    if settings.hasTraversers { bytes.write(.traverser, result.bulk) }
    try writer.write(result.value, into: &bytes)
  }

  private func check(_ size: Int) throws(QueryError) {
    guard size > limits.maximumValueBytes else { return }
    throw QueryError(
      .memory, "A result has \(size) bytes and drivers accept \(limits.maximumValueBytes); return its parts")
  }

  // MARK: GraphSON

  private func graphSON(_ results: [GremlinResult], last code: GremlinStatus.Code) throws(QueryError) -> [ByteBuffer] {
    let writer = GraphSONWriter(
      names, isVersion3: format == .graphSON3, hasProperties: settings.hasProperties,
      maximumNesting: limits.maximumNesting)
    var messages: [ByteBuffer] = []
    var data: [JSONValue] = []
    var size = 0
    for result in results {
      var json = try writer.json(result.value)
      if settings.hasTraversers {
        json = GraphSONWriter.typed(
          "g:Traverser", .object([("bulk", GraphSONWriter.typed("g:Int64", .integer(result.bulk))), ("value", json)]))
      }
      let length = json.encoded.utf8.count
      try check(length)
      if size > 0, size + length > limits.maximumFrameBytes {
        messages.append(message(GremlinStatus(.partialContent), data: list(data)))
        (data, size) = ([], 0)
      }
      data.append(json)
      size += length
    }
    return messages + [message(GremlinStatus(code), data: list(data))]
  }

  private func list(_ elements: [JSONValue]) -> JSONValue {
    format == .graphSON3 ? GraphSONWriter.typed("g:List", .array(elements)) : .array(elements)
  }

  private func map(_ members: [(key: String, value: JSONValue)]) -> JSONValue {
    format == .graphSON3
      ? GraphSONWriter.typed("g:Map", .array(members.flatMap { [.string($0.key), $0.value] })) : .object(members)
  }

  private func message(_ status: GremlinStatus, data: JSONValue) -> ByteBuffer {
    let writer = GraphSONWriter(names, isVersion3: format == .graphSON3, hasProperties: false, maximumNesting: 2)
    let attributes = status.attributes.map { (key: $0.key, value: (try? writer.json($0.value)) ?? .null) }
    let json = JSONValue.object([
      ("requestId", .string(id.uuidString.lowercased())),
      (
        "status",
        .object([
          ("message", .string(status.message)), ("code", .integer(Int64(status.code.rawValue))),
          ("attributes", map(attributes)),
        ])
      ),
      ("result", .object([("data", data), ("meta", map([]))])),
    ])
    return ByteBuffer(string: json.encoded)
  }
}
