import Engines

/// A set of algorithms, indexed by the names by which clients request them.
public struct Algorithms: Sendable {
  /// The built-in algorithms, in alphabetical order of their types. Add a line to add an algorithm.
  public static let builtIn = Algorithms([
    AllPairsAlgorithm(),
    AllSimplePathsAlgorithm(),
    AttributeAssortativityAlgorithm(),
    AverageClusteringAlgorithm(),
    AverageDegreeConnectivityAlgorithm(),
    AverageShortestPathLengthAlgorithm(),
    BetweennessCentralityAlgorithm.byEdges,
    BetweennessCentralityAlgorithm.byLength,
    BFSAlgorithm(),
    BFSGenericAlgorithm(),
    CDLPAlgorithm(),
    ClosenessCentralityAlgorithm(),
    ClusteringAlgorithm(),
    DegreeAssortativityAlgorithm(),
    DegreeCentralityAlgorithm(),
    EdgeBoundaryAlgorithm(),
    EigenvectorCentralityAlgorithm(),
    FlashArticleRankAlgorithm(),
    FlashAuthoritiesAlgorithm(),
    FlashBFSAlgorithm.bothWays,
    FlashBFSAlgorithm.forwards,
    FlashBiconnectedComponentsAlgorithm(),
    FlashBridgesAlgorithm(),
    FlashCentresAlgorithm(),
    FlashCliqueCountAlgorithm(),
    FlashClosenessAlgorithm(),
    FlashClusteringAlgorithm(),
    FlashColouringAlgorithm(),
    FlashComponentsAlgorithm(),
    FlashCoreNumbersAlgorithm(),
    FlashCoreSizeAlgorithm(),
    FlashCutPointsAlgorithm(),
    FlashDegeneracyAlgorithm(),
    FlashDensestSubgraphAlgorithm(),
    FlashDependencyAlgorithm(),
    FlashDiameterAlgorithm(),
    FlashDominatingSetAlgorithm(),
    FlashEdgeCoverAlgorithm(),
    FlashEigenvectorAlgorithm(),
    FlashHarmonicAlgorithm(),
    FlashIndependentSetAlgorithm(),
    FlashKatzAlgorithm(),
    FlashLabelPropagationAlgorithm(),
    FlashMatchingAlgorithm(),
    FlashOnionAlgorithm(),
    FlashPageRankAlgorithm(),
    FlashPersonalizedPageRankAlgorithm(),
    FlashSpanningForestAlgorithm(),
    FlashSSSPAlgorithm.bothWays,
    FlashSSSPAlgorithm.forwards,
    FlashStrongComponentsAlgorithm(),
    FlashSubgraphCountAlgorithm.acyclicTriangles,
    FlashSubgraphCountAlgorithm.cyclePlusTriangles,
    FlashSubgraphCountAlgorithm.cyclicTriangles,
    FlashSubgraphCountAlgorithm.diamonds,
    FlashSubgraphCountAlgorithm.inPlusTriangles,
    FlashSubgraphCountAlgorithm.outPlusTriangles,
    FlashSubgraphCountAlgorithm.rectangles,
    FlashSubgraphCountAlgorithm.tailedTriangles,
    FlashSubgraphCountAlgorithm.threePaths,
    FlashTriangleCountAlgorithm(),
    FlashVertexCoverAlgorithm(),
    HasPathAlgorithm(),
    HITSAlgorithm(),
    IsSimplePathAlgorithm(),
    KatzCentralityAlgorithm(),
    KCoreAlgorithm(),
    KShellAlgorithm(),
    LCCAlgorithm(),
    LouvainAlgorithm(),
    NetworkXPageRankAlgorithm(),
    NodeBoundaryAlgorithm(),
    PageRankAlgorithm(),
    ProjectedWCCAlgorithm(),
    ShortestPathsAlgorithm(),
    SSSPAlgorithm(),
    TransitivityAlgorithm(),
    TrianglesAlgorithm(),
    UserItemLabelsAlgorithm(),
    VoteRankAlgorithm(),
    WCCAlgorithm(),
  ])

  private let byName: [String: any Algorithm]
  /// The primary name of each algorithm, in alphabetical order.
  public let offeredToUsers: [String]

  /// Creates a set of algorithms, whose names must be unique.
  public init(_ all: [any Algorithm]) {
    byName = Dictionary(uniqueKeysWithValues: all.flatMap { algorithm in algorithm.names.map { ($0, algorithm) } })
    offeredToUsers = all.compactMap(\.names.first).sorted()
  }

  /// Returns the algorithm with a name.
  /// - Throws: `EngineError` of code `unimplemented` for an algorithm that only GraphScope's own engine has, and of code
  ///   `unknownName` for any other name, with the message that clients expect.
  public func named(_ name: String) throws(EngineError) -> ChosenAlgorithm {
    if let algorithm = byName[name] { return ChosenAlgorithm(name: name, algorithm: algorithm) }
    guard Self.known.contains(name) || name.hasPrefix("giraph:") || name.hasPrefix("java_pie:") else {
      throw EngineError(.unknownName, "Algorithm does not exist in the gar resource.")
    }
    throw .notBuilt(
      "algorithm '\(name)'", hint: "The embedded engine offers " + offeredToUsers.joined(separator: ", "))
  }
}
