// The closed vocabularies of `types.proto`, `message.proto` and `error/coordinator.proto`, with their numbers on the wire.

/// Types of operations.
public enum OperationType: Int32, Sendable, CaseIterable {
  /// Makes a graph: empty, from a data source, from an object of the store, or a mutable one.
  case createGraph = 0
  /// Prepares an application for a graph; the result is the key of the application.
  case bindApp = 1
  /// Names an application; nothing happens until it is bound.
  case createApp = 2
  /// Adds, removes or updates vertices of a mutable graph.
  case modifyVertices = 3
  /// Adds, removes or updates edges of a mutable graph.
  case modifyEdges = 4
  /// Runs a bound application; the result is a context.
  case runApp = 5
  case unloadApp = 6
  case unloadGraph = 7
  case repartition = 8
  /// Turns a mutable graph into an immutable one or back.
  case transformGraph = 9
  /// Queries a mutable graph; see ``ReportType``.
  case reportGraph = 10
  /// Projects a graph to some labels and properties.
  case projectGraph = 11
  /// Projects a property graph to one with at most one property on vertices and on edges.
  case projectToSimple = 12
  case copyGraph = 13
  case addVertices = 14
  case addEdges = 15
  /// Makes a new graph with more labels, or with more data in a label.
  case addLabels = 16
  case toDirected = 17
  case toUndirected = 18
  case clearEdges = 19
  case clearGraph = 20
  case viewGraph = 21
  /// Makes a new mutable graph from some vertices or edges of another.
  case induceSubgraph = 22
  case unloadContext = 23
  case archiveGraph = 24
  case serializeGraph = 25
  case deserializeGraph = 26
  /// Joins columns of one type into one column of lists.
  case consolidateColumns = 27
  /// Makes a graph from the edges that a Gremlin query finds.
  case subgraph = 32
  /// Names data for the operations that follow. The data travels beside the operation.
  case dataSource = 46
  /// Writes a data frame to a storage.
  case dataSink = 47
  /// Returns a column of a context as an array.
  case contextToNumpy = 50
  /// Returns columns of a context as a data frame.
  case contextToDataframe = 51
  case toVineyardTensor = 53
  case toVineyardDataframe = 54
  /// Makes a new graph with results of a context as properties.
  case addColumn = 55
  /// Returns a column of a graph as an array.
  case graphToNumpy = 56
  /// Returns columns of a graph as a data frame.
  case graphToDataframe = 57
  /// Used between the coordinator and native engines only.
  case registerGraphType = 58
  /// Returns the result for one vertex.
  case getContextData = 59
  /// Writes results of a context to a file.
  case output = 60
  case fromNumpy = 80
  case fromDataframe = 81
  case fromFile = 82
  /// Used between the coordinator and native engines only.
  case getEngineConfig = 90
}

/// The form of an operation's result, which determines how the client parses it.
public enum OutputType: Int32, Sendable, CaseIterable {
  case graph = 0
  case app = 1
  case boundApp = 2
  case results = 3
  case tensor = 4
  case dataframe = 5
  case vineyardTensor = 6
  case vineyardDataframe = 7
  case interactiveQuery = 8
  case learningGraph = 10
  case nullOutput = 101
}

/// Where the engines of a session run.
public enum ClusterType: Int32, Sendable, CaseIterable {
  case hosts = 0
  case k8s = 1
  case `operator` = 2
  case undefined = 100
}

/// What a modification does with the vertices or edges in its body.
public enum ModifyType: Int32, Sendable, CaseIterable {
  case addNodes = 0
  case addEdges = 1
  case delNodes = 2
  case delEdges = 3
  case updateNodes = 4
  case updateEdges = 5
}

/// What a report queries. Reports whose names end in `ByGID` return batches that begin at a vertex number.
public enum ReportType: Int32, Sendable, CaseIterable {
  case nodeNum = 0
  /// Twice the number of edges.
  case edgeNum = 1
  case hasNode = 2
  case hasEdge = 3
  case nodeData = 4
  case edgeData = 5
  case succsByNode = 6
  case predsByNode = 7
  case selfloopsNum = 8
  case nodeIDCacheByGID = 9
  case nodeAttrCacheByGID = 10
  case succByGID = 11
  case predByGID = 12
  case succAttrByGID = 13
  case predAttrByGID = 14
  case succAttrByNode = 15
  case predAttrByNode = 16
}

/// How a step or an operation ended (`gs.rpc.Code` of the coordinator).
public enum ResultCode: Int32, Sendable, CaseIterable {
  case ok = 0
  case cancelled = 1
  case invalidArgument = 2
  case timeout = 3
  case notFound = 4
  case alreadyExists = 5
  case resourceExhausted = 6
  case unimplemented = 7
  case permissionDenied = 8
  case compilationFailure = 9
  case portInUse = 10
  case unsupportedOperation = 11
  case illegalState = 12
  case networkFailure = 13
  case connectionError = 100
  case vineyardError = 101
  case udfInternalError = 102
  case k8sError = 103
  case gremlinQueryError = 104
  case retriesExceededError = 105
  case analyticalEngineInternalError = 106
  case interactiveEngineInternalError = 107
  case learningEngineInternalError = 108
  case coordinatorInternalError = 109
  case workerResultsInconsistentError = 110
  case unknownError = 111
  case fatalError = 112
}
