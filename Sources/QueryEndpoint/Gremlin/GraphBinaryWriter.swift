import NIOCore
import QueryValues

/// Writes values in GraphBinary 1, qualified by their types. Elements are references, without properties unless they were asked
/// for: drivers of 3.5 and 3.6 read exactly a null in their place.
struct GraphBinaryWriter {
  private let names: ElementNames
  private let hasProperties: Bool
  private let maximumNesting: Int

  init(_ names: ElementNames, hasProperties: Bool, maximumNesting: Int) {
    self.names = names
    self.hasProperties = hasProperties
    self.maximumNesting = maximumNesting
  }

  func write(_ value: Value, depth: Int = 0, into bytes: inout ByteBuffer) throws(QueryError) {
    guard depth <= maximumNesting else {
      throw QueryError(.memory, "A value of the result is nested more than \(maximumNesting) deep; return its parts")
    }
    switch value {
    case .null: bytes.writeNull()
    case .boolean(let value): bytes.write(.boolean, value ? 1 : 0 as UInt8)
    case .integer(let value): bytes.write(.long, value)
    case .integer32(let value): bytes.write(.int, value)
    case .float(let value): bytes.write(.double, value.bitPattern)
    case .float32(let value): bytes.write(.float, value.bitPattern)
    case .string(let text): bytes.writeQualified(text)
    case .list(let elements): try write(.list, elements, depth, into: &bytes)
    case .set(let elements): try write(.set, elements, depth, into: &bytes)
    case .map(let map):
      bytes.write(.map, Int32(map.count))
      for (key, value) in map.entries {
        try write(key, depth: depth + 1, into: &bytes)
        try write(value, depth: depth + 1, into: &bytes)
      }
    case .vertex(let vertex): try write(vertex, depth, into: &bytes)
    case .edge(let edge): try write(edge, depth, into: &bytes)
    case .path(let path): try write(path, depth, into: &bytes)
    case .property(let property): try write(property, depth, into: &bytes)
    case .token(let token):
      bytes.writeHeader(token == .out || token == .in ? .direction : .t)
      bytes.writeQualified(token.rawValue)
    case .temporal(let temporal): bytes.write(try GremlinTemporal(temporal))
    }
  }

  private func write(_ type: GraphBinaryType, _ elements: [Value], _ depth: Int, into bytes: inout ByteBuffer)
    throws(QueryError)
  {
    bytes.write(type, Int32(elements.count))
    for element in elements { try write(element, depth: depth + 1, into: &bytes) }
  }

  private func write(_ vertex: Vertex, _ depth: Int, into bytes: inout ByteBuffer) throws(QueryError) {
    bytes.writeHeader(.vertex)
    writeReference(vertex, into: &bytes)
    guard hasProperties else { return bytes.writeNull() }
    try write(.list, names.properties(of: vertex).map { .property($0) }, depth, into: &bytes)
  }

  private func writeReference(_ vertex: Vertex, into bytes: inout ByteBuffer) {
    bytes.write(.long, vertex.id)
    bytes.writeText(names.label(of: vertex))
  }

  private func write(_ edge: Edge, _ depth: Int, into bytes: inout ByteBuffer) throws(QueryError) {
    bytes.writeHeader(.edge)
    bytes.write(.long, edge.id)
    bytes.writeText(names.label(of: edge))
    writeReference(edge.target, into: &bytes)
    writeReference(edge.source, into: &bytes)
    bytes.writeNull()
    guard hasProperties else { return bytes.writeNull() }
    try write(.list, names.properties(of: edge).map { .property($0) }, depth, into: &bytes)
  }

  private func write(_ property: Property, _ depth: Int, into bytes: inout ByteBuffer) throws(QueryError) {
    if let identifier = property.identifier {
      bytes.writeHeader(.vertexProperty)
      bytes.writeQualified(identifier)
    } else {
      bytes.writeHeader(.property)
    }
    bytes.writeText(property.key)
    try write(property.value, depth: depth + 1, into: &bytes)
    bytes.writeNull()
    if property.identifier != nil { bytes.writeNull() }
  }

  private func write(_ path: Path, _ depth: Int, into bytes: inout ByteBuffer) throws(QueryError) {
    bytes.writeHeader(.path)
    let labels = path.objects.indices.map { index in
      Value.set(index < path.labels.count ? path.labels[index].map { .string($0) } : [])
    }
    try write(.list, labels, depth, into: &bytes)
    try write(.list, path.objects, depth, into: &bytes)
  }
}

extension ByteBuffer {
  mutating func writeNull() { writeMultipleIntegers(GraphBinaryType.null.rawValue, 1 as UInt8) }

  mutating func writeHeader(_ type: GraphBinaryType) { writeMultipleIntegers(type.rawValue, 0 as UInt8) }

  mutating func write(_ type: GraphBinaryType, _ number: some FixedWidthInteger) {
    writeHeader(type)
    writeInteger(number)
  }

  /// Writes a text without its type.
  mutating func writeText(_ text: String) {
    writeInteger(Int32(text.utf8.count))
    writeString(text)
  }

  mutating func writeQualified(_ text: String) {
    writeHeader(.string)
    writeText(text)
  }

  fileprivate mutating func write(_ temporal: GremlinTemporal) {
    switch temporal {
    case .instant(let milliseconds): write(.date, milliseconds)
    case .duration(let seconds, let nanoseconds, _):
      write(.duration, seconds)
      writeInteger(nanoseconds)
    case .text(let text): writeQualified(text)
    }
  }
}
