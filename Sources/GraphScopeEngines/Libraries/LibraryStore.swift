import Engines
import FoundationEssentials
import Glibc
import Synchronization
import Wire

/// Code that the engine loads: a library for each class of graphs, and one for each algorithm on it. The ready-made ones
/// come with the installation; others are compiled once, and kept for all sessions and coordinators by what they were
/// made of.
public final class LibraryStore: Sendable {
  let installation: Installation
  private let directory: String
  private let compilers: Turns
  private let builtIn = Mutex<ApplicationCatalog?>(nil)
  /// Libraries that are being made now.
  private let underWay = SharedWork<String>()

  /// A store.
  /// - Parameters:
  ///   - directory: where compiled libraries are kept.
  ///   - compilers: how many may be compiled at a time.
  public init(_ installation: Installation, directory: String, compilers: Int) {
    self.installation = installation
    self.directory = directory
    self.compilers = Turns(compilers)
  }

  // MARK: Which library

  /// The algorithm and graph that a completed BIND_APP is about.
  func application(_ attributes: [ParamKey: AttributeValue]) throws(EngineError) -> ApplicationType {
    let algorithm = attributes[.appAlgo]?.text ?? ""
    if let java = JavaAlgorithm(algorithm) { throw java.refusal(installation, HostFiles()) }
    var archive: [UInt8]?
    if case .bytes(let bytes)? = attributes[.gar], !bytes.isEmpty { archive = bytes }
    let catalog = if let archive { try ApplicationCatalog(ZipArchive(archive)) } else { try builtInCatalog() }
    return try ApplicationType(
      try catalog.description(of: algorithm), for: try FragmentType(attributes), archive: archive,
      attributes: attributes)
  }

  private func builtInCatalog() throws(EngineError) -> ApplicationCatalog {
    if let catalog = builtIn.withLock({ $0 }) { return catalog }
    guard let path = installation.algorithms, let data = FileManager.default.contents(atPath: path) else {
      throw EngineError(
        .unimplemented, "the list of GraphScope's algorithms is not installed",
        hint: "Run: \(installation.python ?? "python3") -m pip install gs-coordinator==\(Installation.supportedVersion)"
      )
    }
    let catalog = try ApplicationCatalog(ZipArchive(Array(data)))
    builtIn.withLock { $0 = catalog }
    return catalog
  }

  // MARK: Finding and making

  /// The library of a class of graphs; it is compiled if need be.
  func path(of fragment: FragmentType, with builder: LibraryBuilder) async throws -> String {
    let signature = fragment.signature
    let readyMade = "\(installation.precompiled)/\(signature)/lib\(signature).so"
    if access(readyMade, R_OK) == 0 { return readyMade }
    return try await made(.fragment(fragment), builder)
  }

  /// The library of an algorithm; it is compiled if need be.
  func path(of application: ApplicationType, with builder: LibraryBuilder) async throws -> String {
    let signature = application.signature
    let readyMade = "\(installation.precompiled)/\(signature)/lib\(signature).so"
    // The ready-made ones are of the built-in algorithms: a user's own may have the same name.
    if application.archive == nil, access(readyMade, R_OK) == 0 { return readyMade }
    return try await made(.application(application), builder)
  }

  private func made(_ recipe: LibraryRecipe, _ builder: LibraryBuilder) async throws -> String {
    let name = recipe.contentName(installation)
    let path = "\(directory)/\(name)/lib\(name).so"
    if access(path, R_OK) == 0 { return path }
    return try await underWay.value(of: name) { [self] in
      try await compilers.pass {
        try Task.checkCancellation()
        return try await builder.build(recipe, name: name, into: directory)
      }
    }
  }
}

/// Lets so many go on at a time, in the order in which they came.
actor Turns {
  private var free: Int
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(_ count: Int) { free = max(1, count) }

  /// Runs the body in a turn.
  func pass<R: Sendable>(_ body: @Sendable () async throws -> R) async throws -> R {
    await withCheckedContinuation { turn in
      // Here and not before, where others might still be let in between the look and the wait.
      guard free == 0 else {
        free -= 1
        return turn.resume()
      }
      waiting.append(turn)
    }
    defer { if waiting.isEmpty { free += 1 } else { waiting.removeFirst().resume() } }
    return try await body()
  }
}
