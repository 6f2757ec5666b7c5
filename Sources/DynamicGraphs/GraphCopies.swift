extension DynamicGraph {
  /// Returns a graph with the same nodes, edges and orders, without the places of removed ones.
  func unchangedCopy() -> DynamicGraph {
    var copy = DynamicGraph(isDirected: isDirected)
    forEachNode { copy.addNode($0, $1) }
    forEachEdge { copy.addEdge($0, $1, $2) }
    return copy
  }

  /// Returns a graph with the same nodes, and with the edges that networkx makes when it copies a graph to one of the other
  /// kind: an undirected edge becomes two directed ones; two directed edges between the same nodes become one, with the
  /// attributes of both, of which those of the later one count.
  public func copied(isDirected: Bool, isReversed: Bool = false) -> DynamicGraph {
    var copy = DynamicGraph(isDirected: isDirected)
    forEachNode { copy.addNode($0, $1) }
    for place in nodePlaces {
      guard let (id, _) = node(at: place) else { continue }
      forEachNeighbour(of: place, .outgoing) { neighbour, attributes in
        if isReversed {
          copy.addEdge(neighbour, id, attributes)
        } else {
          copy.addEdge(id, neighbour, attributes)
        }
      }
    }
    return copy
  }

  /// Returns the graph of some nodes and the edges between them. Nodes that do not exist are ignored.
  public func subgraph(nodes ids: [NodeID]) -> DynamicGraph {
    let chosen = Set(ids)
    var result = DynamicGraph(isDirected: isDirected)
    forEachNode { if chosen.contains($0) { result.addNode($0, $1) } }
    forEachEdge { if chosen.contains($0), chosen.contains($1) { result.addEdge($0, $1, $2) } }
    return result
  }

  /// Returns the graph of some edges and their ends. Edges that do not exist are ignored.
  public func subgraph(edges ends: [(source: NodeID, target: NodeID)]) -> DynamicGraph {
    var chosen = DynamicGraph(isDirected: isDirected)
    for (source, target) in ends where containsEdge(source, target) { chosen.addEdge(source, target) }
    var result = DynamicGraph(isDirected: isDirected)
    forEachNode { if chosen.contains($0) { result.addNode($0, $1) } }
    forEachEdge { if chosen.containsEdge($0, $1) { result.addEdge($0, $1, $2) } }
    return result
  }
}
