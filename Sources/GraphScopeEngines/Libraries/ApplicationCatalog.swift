import Engines
import Support
import Yams

/// The description of an algorithm in an archive.
struct ApplicationDescription: Sendable, Equatable {
  /// How the algorithm is written, which determines how it is compiled.
  enum Kind: String, Sendable {
    case cppPIE = "cpp_pie"
    case cppPregel = "cpp_pregel"
    case cppFlash = "cpp_flash"
    case cythonPIE = "cython_pie"
    case cythonPregel = "cython_pregel"

    /// Whether it is written in Python, which is first translated to C++.
    var isCython: Bool { self == .cythonPIE || self == .cythonPregel }
  }

  /// The name by which clients request it.
  var algorithm: String
  /// How it is written.
  var kind: Kind
  /// Its C++ class without template arguments; empty for Cython.
  var className: String
  /// The header that declares the class; empty for Cython.
  var source: String
  /// Type of the vertex data, for Cython.
  var vertexDataType: String
  /// Type of messages, for Cython.
  var messageType: String
  /// Whether messages are combined, for Cython.
  var combinesMessages: Bool

  /// The C++ class template for a graph class that is not yet known.
  var template: String { kind.isCython ? "" : className + "<_GRAPH_TYPE>" }
}

/// The algorithms of an archive, built in or a client's own.
struct ApplicationCatalog: Sendable {
  private let descriptions: [String: ApplicationDescription]

  /// The file in the archive that lists its algorithms.
  static let configurationFile = ".gs_conf.yaml"
  private static let maximumBytes = 1 << 20
  private static let maximumApplications = 10_000

  /// Reads the list of algorithms in an archive.
  /// - Throws: `EngineError.invalidArgument` when there is none, or it cannot be read.
  init(_ archive: [UInt8]) throws(EngineError) {
    let contents = try readingArchive { () throws(ZipError) in
      try ZipArchive(archive).contents(of: Self.configurationFile)
    }
    guard let bytes = contents, bytes.count <= Self.maximumBytes else {
      throw EngineError(.invalidArgument, "the application's archive does not contain \(Self.configurationFile)")
    }
    try self.init(yaml: String(decoding: bytes, as: UTF8.self))
  }

  /// Reads the list of algorithms from YAML.
  /// - Throws: `EngineError.invalidArgument` when it cannot be read.
  init(yaml: String) throws(EngineError) {
    let root: Node?
    do { root = try Yams.compose(yaml: yaml) } catch {
      throw EngineError(.invalidArgument, "\(Self.configurationFile) is not YAML", evidence: "\(error)")
    }
    var descriptions: [String: ApplicationDescription] = [:]
    for application in (root?["app"]?.sequence.map(Array.init) ?? []).prefix(Self.maximumApplications) {
      func text(_ key: String) -> String { application[key]?.scalar?.string ?? "" }
      // Algorithms of unknown kinds are skipped; requesting one is the error.
      guard let kind = ApplicationDescription.Kind(rawValue: text("type")) else { continue }
      let name = text("algo")
      descriptions[name] = ApplicationDescription(
        algorithm: name, kind: kind, className: text("class_name"), source: text("src"),
        vertexDataType: text("vd_type"), messageType: text("md_type"),
        combinesMessages: ["true", "True", "TRUE", "1"].contains(text("pregel_combine")))
    }
    self.descriptions = descriptions
  }

  /// Returns the description of an algorithm.
  /// - Throws: `EngineError.unknownName` when there is none of that name.
  func description(of algorithm: String) throws(EngineError) -> ApplicationDescription {
    guard let description = descriptions[algorithm] else {
      throw EngineError(.unknownName, "Algorithm does not exist in the gar resource.", evidence: "'\(algorithm)'")
    }
    return description
  }
}
