/// How requests and responses of Gremlin Server are written. A binary frame begins with the length of its name and the name.
enum GremlinFormat: Sendable, CaseIterable {
  case graphBinary
  case graphSON3
  case graphSON2

  /// The media type that clients send.
  var name: String {
    switch self {
    case .graphBinary: "application/vnd.graphbinary-v1.0"
    case .graphSON3: "application/vnd.gremlin-v3.0+json"
    case .graphSON2: "application/vnd.gremlin-v2.0+json"
    }
  }

  init?(named name: String) {
    if name == "application/json" {
      self = .graphSON3
    } else if let format = Self.allCases.first(where: { $0.name == name }) {
      self = format
    } else {
      return nil
    }
  }
}
