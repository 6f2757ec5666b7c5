// The closed vocabularies of `graph_def.proto` and `schema_common.proto`, with their numbers on the wire.

/// Layouts of a graph. The client rejects a graph whose type is not the one that its operation makes.
public enum GraphType: Int32, Sendable, CaseIterable {
  case unknown = 0
  case immutableEdgecut = 1
  case dynamicProperty = 2
  case dynamicProjected = 3
  case arrowProperty = 4
  case arrowProjected = 5
  case persistentStore = 6
  case arrowFlattened = 7
}

/// Where the map from original to internal vertex ids is kept.
public enum VertexMapType: Int32, Sendable, CaseIterable {
  case unknown = 0
  case global = 1
  case local = 2
}

/// Whether a label belongs to vertices or edges.
public enum LabelKind: Int32, Sendable, CaseIterable {
  case vertex = 0
  case edge = 1
}

/// Types of ids, properties and attributes (`gs.rpc.graph.DataTypePb`). Result archives number their types differently; see
/// `ArchiveType` in `Wire`.
public enum DataType: Int32, Sendable, CaseIterable {
  case unknown = 0
  case bool = 1
  case char = 2
  case short = 3
  /// 32 bits, signed.
  case int = 4
  /// 64 bits, signed.
  case long = 5
  case float = 6
  case double = 7
  case string = 8
  case bytes = 9
  case intList = 10
  case longList = 11
  case floatList = 12
  case doubleList = 13
  case stringList = 14
  /// No data.
  case null = 15
  /// 32 bits, unsigned.
  case uint = 16
  /// 64 bits, unsigned.
  case ulong = 17
  case dynamic = 18
  case date32 = 19
  case date64 = 20
  case time32S = 21
  case time32Ms = 22
  case time32Us = 23
  case time32Ns = 24
  case time64S = 25
  case time64Ms = 26
  case time64Us = 27
  case time64Ns = 28
  case timestampS = 29
  case timestampMs = 30
  case timestampUs = 31
  case timestampNs = 32
}
