import GraphStore
import JSON

extension NodeID {
  /// Reads the id that a client asks for; nil for an object, which is no id, and thus not in any graph.
  /// - Throws: `GraphStoreError` for a text that is not JSON.
  public static func requested(_ text: String) throws(GraphStoreError) -> NodeID? {
    try reading(text) { reader throws(GraphStoreError) in NodeID(try reader.value()) }
  }

  /// Reads a list of ids; objects are left out.
  /// - Throws: `GraphStoreError` for a text that is not a JSON array.
  public static func requestedList(_ text: String) throws(GraphStoreError) -> [NodeID] {
    try reading(text) { reader throws(GraphStoreError) in
      var ids: [NodeID] = []
      try reader.array({ reader throws(GraphStoreError) in
        if let id = NodeID(try reader.value()) { ids.append(id) }
      }) { $0 }
      return ids
    }
  }

  /// Reads a list of edges: pairs of ids, whatever follows these.
  /// - Throws: `GraphStoreError` for a text that is not a JSON array of such arrays.
  public static func requestedEdges(_ text: String) throws(GraphStoreError) -> [(source: NodeID, target: NodeID)] {
    try reading(text) { reader throws(GraphStoreError) in
      var edges: [(source: NodeID, target: NodeID)] = []
      try reader.array({ reader throws(GraphStoreError) in edges.append(try reader.ends()) }) { $0 }
      return edges
    }
  }

  /// Reads the ends of an edge.
  /// - Throws: `GraphStoreError` for a text that is not a JSON array of two ids.
  public static func requestedEdge(_ text: String) throws(GraphStoreError) -> (source: NodeID, target: NodeID) {
    try reading(text) { reader throws(GraphStoreError) in try reader.ends() }
  }

  private static func reading<R>(
    _ text: String, _ body: (inout JSONReader) throws(GraphStoreError) -> R
  ) throws(GraphStoreError) -> R {
    let result = Array(text.utf8).withUnsafeBytes { bytes in
      Result { () throws(GraphStoreError) in
        var reader = JSONReader(bytes)
        let value = try body(&reader)
        try reader.end()
        return value
      }
    }
    return try result.get()
  }
}

extension JSONReader {
  /// Reads an array that begins with two ids.
  fileprivate mutating func ends() throws(GraphStoreError) -> (source: NodeID, target: NodeID) {
    guard let elements = try value().elements, elements.count >= 2, let source = NodeID(elements[0]),
      let target = NodeID(elements[1])
    else { throw error("an edge, which is an array of two ids") }
    return (source, target)
  }
}
