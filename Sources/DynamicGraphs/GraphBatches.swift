import JSON

extension DynamicGraph {
  /// Calls `body` with batches of changes that make the graph, in the same orders, from an empty one. A batch has about
  /// `byteCount` bytes or a single node or edge.
  func forEachBatch(of byteCount: Int, _ body: (GraphChange, [UInt8]) throws -> Void) rethrows {
    var batch = BatchWriter()
    try forEachNode { id, attributes in
      batch.add(attributes.isEmpty ? id.json : .array([id.json, .object(attributes)]))
      if batch.bytes.count >= byteCount { try body(.addNodes, batch.take()) }
    }
    if !batch.isEmpty { try body(.addNodes, batch.take()) }
    try forEachEdge { source, target, attributes in
      batch.add(.array([source.json, target.json] + (attributes.isEmpty ? [] : [.object(attributes)])))
      if batch.bytes.count >= byteCount { try body(.addEdges, batch.take()) }
    }
    if !batch.isEmpty { try body(.addEdges, batch.take()) }
  }
}

/// Collects JSON values to an array, as text.
private struct BatchWriter {
  var bytes = [UInt8(ascii: "[")]
  var isEmpty: Bool { bytes.count == 1 }

  mutating func add(_ value: JSONValue) {
    if !isEmpty { bytes.append(UInt8(ascii: ",")) }
    append(value)
  }

  /// Appends a value; numbers that are not finite, which JSON does not have, as Python writes them.
  private mutating func append(_ value: JSONValue) {
    switch value {
    case .double(let number) where !number.isFinite:
      bytes += (number.isNaN ? "NaN" : number > 0 ? "Infinity" : "-Infinity").utf8
    case .array(let elements):
      bytes.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        append(element)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let members):
      bytes.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { bytes.append(UInt8(ascii: ",")) }
        append(.string(member.key))
        bytes.append(UInt8(ascii: ":"))
        append(member.value)
      }
      bytes.append(UInt8(ascii: "}"))
    default: bytes += value.encoded.utf8
    }
  }

  /// Returns the array and begins another.
  mutating func take() -> [UInt8] {
    bytes.append(UInt8(ascii: "]"))
    defer { bytes = [UInt8(ascii: "[")] }
    return bytes
  }
}
