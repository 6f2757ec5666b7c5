import Engines
import Yams

/// What an archive of algorithms says about one of them.
struct ApplicationDescription: Sendable, Equatable {
  /// How the algorithm is written, and so how it is compiled.
  enum Kind: String, Sendable {
    case cppPIE = "cpp_pie"
    case cppPregel = "cpp_pregel"
    case cppFlash = "cpp_flash"
    case cythonPIE = "cython_pie"
    case cythonPregel = "cython_pregel"

    /// Whether it is Python that is turned into C++ first.
    var isCython: Bool { self == .cythonPIE || self == .cythonPregel }
  }

  /// The name by which clients ask for it.
  var algorithm: String
  /// How it is written.
  var kind: Kind
  /// Its C++ class without arguments; empty for Cython.
  var className: String
  /// The header that declares the class; empty for Cython.
  var source: String
  /// Type of the values of vertices, for Cython.
  var vertexDataType: String
  /// Type of messages, for Cython.
  var messageType: String
  /// Whether messages are combined, for Cython.
  var combinesMessages: Bool

  /// The class as it stands in C++, before the graph's class is known.
  var template: String { kind.isCython ? "" : className + "<_GRAPH_TYPE>" }
}

/// The algorithms of an archive: the built-in ones, or a user's.
struct ApplicationCatalog: Sendable {
  private let descriptions: [String: ApplicationDescription]

  /// The file in the archive that lists its algorithms.
  static let configurationFile = ".gs_conf.yaml"
  private static let maximumBytes = 1 << 20
  private static let maximumApplications = 10_000

  /// Reads the list.
  /// - Throws: `EngineError.invalidArgument` when there is none, or it cannot be read.
  init(_ archive: ZipArchive) throws(EngineError) {
    guard let bytes = try archive.contents(of: Self.configurationFile), bytes.count <= Self.maximumBytes else {
      throw EngineError(.invalidArgument, "the application's archive holds no \(Self.configurationFile)")
    }
    try self.init(yaml: String(decoding: bytes, as: UTF8.self))
  }

  /// Reads the list from its text.
  init(yaml: String) throws(EngineError) {
    let root: Node?
    do { root = try Yams.compose(yaml: yaml) } catch {
      throw EngineError(.invalidArgument, "\(Self.configurationFile) is not YAML", evidence: "\(error)")
    }
    var descriptions: [String: ApplicationDescription] = [:]
    for application in (root?["app"]?.sequence.map(Array.init) ?? []).prefix(Self.maximumApplications) {
      func text(_ key: String) -> String { application[key]?.scalar?.string ?? "" }
      // Kinds that are not known are passed over: asking for them is the error.
      guard let kind = ApplicationDescription.Kind(rawValue: text("type")) else { continue }
      let name = text("algo")
      descriptions[name] = ApplicationDescription(
        algorithm: name, kind: kind, className: text("class_name"), source: text("src"),
        vertexDataType: text("vd_type"), messageType: text("md_type"),
        combinesMessages: ["true", "True", "TRUE", "1"].contains(text("pregel_combine")))
    }
    self.descriptions = descriptions
  }

  /// An algorithm by its name.
  /// - Throws: `EngineError.unknownName`.
  func description(of algorithm: String) throws(EngineError) -> ApplicationDescription {
    guard let description = descriptions[algorithm] else {
      throw EngineError(.unknownName, "Algorithm does not exist in the gar resource.", evidence: "'\(algorithm)'")
    }
    return description
  }
}
