/// Lengths of shortest paths between all pairs of vertices: sums of weights, or numbers of edges without weights. They would not fit
/// into memory together; those from one vertex are computed when the client asks for them.
struct AllPairsAlgorithm: Algorithm {
  let names = ["all_pairs_shortest_path_length"]
  let parameters: [any AlgorithmParameter] = []

  func run(_ call: AlgorithmCall) throws -> AlgorithmResult { .pathLengths }
}
