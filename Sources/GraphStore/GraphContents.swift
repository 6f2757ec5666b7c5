/// The amounts of data in a stored graph, according to its manifest. No data is read.
public struct GraphContents: Sendable, Equatable {
  /// The number of vertices by label.
  public let vertexCounts: [Int]
  /// The number of edges by label and, within it, by relation.
  public let edgeCounts: [[Int]]
  /// The size of all its files in bytes.
  public let byteCount: Int

  /// Reads the manifest of a stored graph.
  /// - Throws: `GraphStoreError` when there is none or it is damaged.
  public init(directory: String) throws(GraphStoreError) { self.init(try Manifest.read(directory: directory)) }

  fileprivate init(_ manifest: Manifest) {
    vertexCounts = manifest.vertexLabels.map(\.count)
    edgeCounts = manifest.edgeLabels.map { $0.map(\.count) }
    byteCount = manifest.files.values.reduce(0) { $0 + $1.size }
  }
}

extension PropertyGraph {
  /// The amounts of data in the graph.
  public var contents: GraphContents { GraphContents(manifest) }
}
