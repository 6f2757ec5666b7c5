import Engines
import GraphStore

/// The original ids of a graph's vertices, over all labels.
package struct OriginalIDs {
  package let segments: [SimpleGraph.Segment]

  package init(segments: [SimpleGraph.Segment]) { self.segments = segments }

  /// Copies the integer ids of some vertices to the same positions of `target`.
  /// - Throws: `EngineError` if ids are text.
  package func copy(_ vertices: Range<Int>, into target: UnsafeMutableBufferPointer<Int64>) throws(EngineError) {
    for segment in segments {
      let range = vertices.clamped(to: segment.vertices)
      guard !range.isEmpty else { continue }
      guard case .int64(let ids) = segment.ids else {
        throw EngineError(
          .invalidArgument, "the algorithm requires integer vertex ids, but the ids of this graph are strings")
      }
      for vertex in range { target[vertex] = ids[vertex - segment.vertices.lowerBound] }
    }
  }

  /// Calls `body` with the text id of each of some vertices, in order.
  package func forEachText(_ vertices: Range<Int>, _ body: (Int, UnsafeRawBufferPointer) throws -> Void) rethrows {
    for segment in segments {
      guard case .string(let ids) = segment.ids else { continue }
      for vertex in vertices.clamped(to: segment.vertices) {
        try body(vertex, ids[vertex - segment.vertices.lowerBound])
      }
    }
  }
}
