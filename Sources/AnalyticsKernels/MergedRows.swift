import Engines
import GraphStore
import Workers

/// The rows of several relations merged into one, with neighbours in ascending order.
package final class MergedRows: Sendable {
  private let offsets: Buffer<UInt64>
  private let neighbours: Buffer<VertexNumber>
  /// The weights by entry; nil without a numeric property.
  package let weights: Buffer<Double>?

  /// The rows, without edge ordinals. Valid as long as this object is retained.
  package var adjacency: Adjacency {
    Adjacency(
      offsets: offsets.unownedValues, neighbours: neighbours.unownedValues,
      edges: UnsafeBufferPointer(start: nil, count: 0))
  }

  package init(_ pieces: [RowPiece], vertexCount: Int, hasWeights: Bool, workers: Workers) throws {
    offsets = try Buffer(count: vertexCount + 1, storage: workers.storage)
    let offsets = offsets.mutableValues
    for piece in pieces {
      try workers.forEach(piece.rows.vertexCount, grain: chunkWork) { range, _ in
        for row in range { offsets[piece.firstRow + row + 1] += UInt64(piece.rows.row(row).count) }
      }
    }
    try workers.sumUp(offsets)
    neighbours = try Buffer(count: Int(offsets[vertexCount]), storage: workers.storage)
    weights =
      hasWeights && pieces.contains { $0.weights != nil }
      ? try Buffer(count: Int(offsets[vertexCount]), storage: workers.storage) : nil
    let (neighbours, weights) = (neighbours.mutableValues, weights?.mutableValues)
    // Pieces with the same rows are merged row by row.
    for (firstRow, group) in Dictionary(grouping: pieces, by: \.firstRow) {
      let rowCount = group[0].rows.vertexCount
      try workers.forEach(rowCount, grain: 1 << 10) { range, _ in
        for row in range {
          try Self.merge(group, row, at: Int(offsets[firstRow + row]), neighbours, weights, workers)
        }
      }
    }
  }

  private static func merge(
    _ pieces: [RowPiece], _ row: Int, at start: Int, _ neighbours: UnsafeMutableBufferPointer<VertexNumber>,
    _ weights: UnsafeMutableBufferPointer<Double>?, _ workers: Workers
  ) throws {
    var open = pieces.map { (piece: $0, entries: $0.rows.row(row)) }.filter { !$0.entries.isEmpty }
    var place = start
    while !open.isEmpty {
      var (least, smallest) = (0, Int.max)
      for index in open.indices {
        let piece = open[index].piece
        let neighbour = Int(piece.rows.neighbours[open[index].entries.lowerBound]) + piece.firstNeighbour
        if neighbour < smallest { (least, smallest) = (index, neighbour) }
      }
      let (piece, entries) = open[least]
      neighbours[place] = VertexNumber(truncatingIfNeeded: smallest)
      if let weights { weights[place] = piece.weights?[Int(piece.rows.edges[entries.lowerBound])] ?? 1 }
      place += 1
      if entries.count == 1 {
        open.remove(at: least)
      } else {
        open[least].entries = entries.dropFirst()
      }
      if (place - start) % chunkWork == 0 { try workers.cancellation.check() }
    }
  }
}

/// The rows of one relation, as part of a larger graph.
package struct RowPiece {
  let rows: Adjacency
  /// The number of the vertex of the first row.
  let firstRow: Int
  /// The offset added to the numbers of neighbours.
  let firstNeighbour: Int
  /// The weights by edge ordinal.
  let weights: NumericColumn?

  package init(rows: Adjacency, firstRow: Int, firstNeighbour: Int, weights: NumericColumn?) {
    (self.rows, self.firstRow, self.firstNeighbour, self.weights) = (rows, firstRow, firstNeighbour, weights)
  }
}
