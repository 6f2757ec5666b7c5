import DynamicGraphs
import Engines
import GraphStore
import JSON
import Workers

/// Copies the visible part of a property graph to a graph of graphscope.nx.
///
/// A node of the default label is its id; any other node is a tuple of its label and its id. Of parallel edges, the attributes
/// of the last one count, as in networkx.
struct DynamicCopy {
  let view: PropertyView
  let defaultLabel: Int?
  let workers: Workers

  private static let rowsBetweenPauses = 4096

  func graph() throws -> (DynamicGraph, StorageReservation) {
    let stored = view.stored.graph
    var graph = DynamicGraph(isDirected: stored.options.isDirected)
    let memory = try StorageReservation(0, as: .memory, from: workers.storage)
    func pause(_ row: Int) throws {
      guard row % Self.rowsBetweenPauses == 0 else { return }
      try workers.cancellation.check()
      try memory.fit(graph.byteCount)
    }
    for label in view.schema.validVertexLabels {
      let names = names(ofLabel: label)
      let properties = view.schema.vertexLabels[label]
      let columns = properties.properties.validIndices.filter { $0 != properties.idProperty }.map {
        PropertyValues(stored.vertexColumn(label: label, property: $0))
      }
      for row in 0..<stored.vertexCount(label: label) {
        graph.addNode(names(row), try columns.map { try $0.attribute(row) })
        try pause(row)
      }
    }
    for label in view.schema.validEdgeLabels {
      for (relation, ends) in view.schema.edgeLabels[label].relations.enumerated() where view.schema.isValid(ends) {
        let (sources, targets) = (names(ofLabel: ends.source), names(ofLabel: ends.destination))
        let columns = view.schema.edgeLabels[label].properties.validIndices.map {
          PropertyValues(stored.edgeColumn(label: label, relation: relation, property: $0))
        }
        let rows = stored.endpoints(label: label, relation: relation)
        for row in rows.source.indices {
          graph.addEdge(
            sources(Int(rows.source[row])), targets(Int(rows.destination[row])),
            try columns.map { try $0.attribute(row) })
          try pause(row)
        }
      }
    }
    try memory.fit(graph.byteCount)
    return (graph, memory)
  }

  /// Returns a function that names the node of a vertex of a label.
  private func names(ofLabel label: Int) -> (Int) -> NodeID {
    let ids = view.stored.graph.ids(label: label)
    let id: (Int) -> NodeID = { row in
      switch ids {
      case .int64(let values): .integer(values[row])
      case .string(let values): .text(String(decoding: values[row], as: UTF8.self))
      }
    }
    if label == defaultLabel { return id }
    let name = NodeID.text(view.schema.vertexLabels[label].name)
    return { .tuple([name, id($0)]) }
  }
}

/// The values of a property, as attributes. Dates are days, and timestamps milliseconds, since 1970, as in results.
private struct PropertyValues {
  let column: Column

  init(_ column: Column) { self.column = column }

  func attribute(_ row: Int) throws(EngineError) -> (key: String, value: JSONValue) { (column.name, try value(row)) }

  private func value(_ row: Int) throws(EngineError) -> JSONValue {
    switch column.type {
    case .int32, .date32: return .integer(Int64(column.values(as: Int32.self)[row]))
    case .int64, .timestampMilliseconds: return .integer(column.values(as: Int64.self)[row])
    case .uint32: return .integer(Int64(column.values(as: UInt32.self)[row]))
    case .uint64:
      let value = column.values(as: UInt64.self)[row]
      guard let number = Int64(exactly: value) else {
        throw EngineError(
          .engineFailure, "the property '\(column.name)' has a value beyond 64 bits, signed", evidence: "\(value)",
          hint: "Project the graph without the property")
      }
      return .integer(number)
    case .float: return .double(Double(column.values(as: Float.self)[row]))
    case .double: return .double(column.values(as: Double.self)[row])
    case .string: return .string(String(decoding: column.strings[row], as: UTF8.self))
    case .int32List: return list(row) { (value: Int32) in .integer(Int64(value)) }
    case .int64List: return list(row) { (value: Int64) in .integer(value) }
    case .floatList: return list(row) { (value: Float) in .double(Double(value)) }
    case .doubleList: return list(row) { (value: Double) in .double(value) }
    }
  }

  private func list<Element: BitwiseCopyable>(_ row: Int, _ json: (Element) -> JSONValue) -> JSONValue {
    let bytes = UnsafeRawBufferPointer(column.strings[row])
    let starts = stride(from: 0, to: bytes.count, by: MemoryLayout<Element>.size)
    return .array(starts.map { json(bytes.loadUnaligned(fromByteOffset: $0, as: Element.self)) })
  }
}
