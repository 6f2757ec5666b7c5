import Engines
import GraphStore
import Synchronization
import Workers

/// Names groups of vertices, such as components and communities. A group is named by an original id unless two groups would have
/// the same name because labels share ids; then all are named by vertex numbers.
package struct GroupNames {
  package let graph: SimpleGraph
  /// The vertex that represents the group of each vertex.
  package let group: UnsafeMutableBufferPointer<VertexNumber>

  package init(graph: SimpleGraph, group: UnsafeMutableBufferPointer<VertexNumber>) {
    (self.graph, self.group) = (graph, group)
  }

  /// Returns whether groups that are named by ids of some of their vertices have distinct names.
  /// - Parameter isName: whether the id of a vertex is the name of its group.
  func areDistinct(_ workers: Workers, isName: (Int) -> Bool) throws -> Bool {
    let segments = graph.segments
    guard segments.count > 1 else { return true }
    let isDistinct = Atomic(true)
    for (place, own) in segments.enumerated() {
      let ids = own.ids
      try workers.forEach(own.vertices.count, grain: 1 << 12) { range, _ in
        for row in range {
          let vertex = own.vertices.lowerBound + row
          guard isDistinct.load(ordering: .relaxed), isName(vertex) else { continue }
          for other in segments[..<place] {
            guard let found = other.find(ids[row]) else { continue }
            let same = Int(found) + other.vertices.lowerBound
            if group[same] != group[vertex], isName(same) { isDistinct.store(false, ordering: .relaxed) }
          }
        }
      }
    }
    return isDistinct.load(ordering: .relaxed)
  }

  /// Returns the number of each group: that of its representative vertex in the form that clients expect, with the label's id in
  /// the upper 8 of 64 bits. If there are too many labels for that, the vertex's number among those of all labels.
  @inlinable
  package func numbers<Number: FixedWidthInteger & BitwiseCopyable>(_ workers: Workers) throws -> Buffer<Number> {
    let result = try Buffer<Number>(count: graph.vertexCount, storage: workers.storage)
    let (segments, group) = (graph.segments, group)
    let fits = segments.allSatisfy { $0.labelID < 256 }
    try workers.forEach(graph.vertexCount, grain: 1 << 16) { range, _ in
      for vertex in range {
        let root = Int(group[vertex])
        guard let segment = segments.first(where: { $0.vertices.contains(root) }) else { continue }
        let number =
          fits ? UInt64(segment.labelID) << 56 + UInt64(root - segment.vertices.lowerBound) : UInt64(root)
        result.mutableValues[vertex] = Number(truncatingIfNeeded: number)
      }
    }
    return result
  }
}

extension VertexIDs {
  /// The id at an index.
  package subscript(index: Int) -> VertexID {
    switch self {
    case .int64(let ids): .int64(ids[index])
    case .string(let ids): .string(String(decoding: ids[index], as: UTF8.self))
    }
  }
}
