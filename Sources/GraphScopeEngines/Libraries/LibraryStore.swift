import Engines
import FoundationEssentials
import Glibc
import Synchronization
import Vocabulary
import Wire

/// The code that the engine loads: a library for each class of graphs, and one for each algorithm on it. Ready-made libraries
/// come with the installation; others are compiled once and kept for all sessions and coordinators, named by a digest of their
/// sources.
public final class LibraryStore: Sendable {
  let installation: Installation
  private let directory: String
  /// Contains a directory for each other user that engines run as. Libraries compiled as such a user, which runs code of clients,
  /// are loaded by that user's engines only.
  private let userDirectory: String?
  private let compilers: Turns
  private let builtIn = Mutex<ApplicationCatalog?>(nil)
  /// Libraries that are being compiled.
  private let underWay = SharedWork<String>()

  /// Creates a store.
  /// - Parameters:
  ///   - directory: The directory of compiled libraries.
  ///   - userDirectory: The directory of libraries for engines of other users, which those users must be able to traverse; nil if
  ///     there are none.
  ///   - compilers: The maximum number of compilations at a time.
  public init(_ installation: Installation, directory: String, userDirectory: String? = nil, compilers: Int) {
    self.installation = installation
    self.directory = directory
    self.userDirectory = userDirectory
    self.compilers = Turns(compilers)
  }

  // MARK: Selection

  /// Returns the algorithm and graph of a completed BIND_APP operation.
  func application(_ attributes: [ParamKey: AttributeValue]) throws(EngineError) -> ApplicationType {
    let algorithm = attributes[.appAlgo]?.text ?? ""
    if let java = JavaAlgorithm(algorithm) { throw java.refusal(installation, HostFiles()) }
    var archive: [UInt8]?
    if case .bytes(let bytes)? = attributes[.gar], !bytes.isEmpty { archive = bytes }
    let catalog = if let archive { try ApplicationCatalog(archive) } else { try builtInCatalog() }
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
    let catalog = try ApplicationCatalog(Array(data))
    builtIn.withLock { $0 = catalog }
    return catalog
  }

  // MARK: Look-up and compilation

  /// Returns the library of a class of graphs, compiling it if necessary.
  func path(of fragment: FragmentType, with builder: LibraryBuilder) async throws -> String {
    let signature = fragment.signature
    let readyMade = "\(installation.precompiled)/\(signature)/lib\(signature).so"
    if access(readyMade, R_OK) == 0 { return readyMade }
    return try await made(.fragment(fragment), builder)
  }

  /// Returns the library of an algorithm, compiling it if necessary.
  func path(of application: ApplicationType, with builder: LibraryBuilder) async throws -> String {
    let signature = application.signature
    let readyMade = "\(installation.precompiled)/\(signature)/lib\(signature).so"
    // The ready-made libraries are those of built-in algorithms; a client's own may have the same name.
    if application.archive == nil, access(readyMade, R_OK) == 0 { return readyMade }
    return try await made(.application(application), builder)
  }

  private func made(_ recipe: LibraryRecipe, _ builder: LibraryBuilder) async throws -> String {
    let name = recipe.contentName(installation)
    let directory = try directory(for: builder.user)
    let path = "\(directory)/\(name)/lib\(name).so"
    if access(path, R_OK) == 0 { return path }
    return try await underWay.value(of: builder.user.map { "\($0.number)/\(name)" } ?? name) { [self] in
      try await compilers.pass {
        try Task.checkCancellation()
        return try await builder.build(recipe, name: name, into: directory)
      }
    }
  }
}

extension LibraryStore {
  private func directory(for user: EngineUser?) throws(EngineError) -> String {
    guard let user else { return directory }
    guard let userDirectory else {
      throw EngineError(.internalFailure, "there is no directory for libraries of the user \(user.name)")
    }
    let directory = "\(userDirectory)/\(user.number)"
    try EngineDirectories.makeReadable(directory, by: user)
    return directory
  }
}

/// Lets a limited number of bodies run at a time, in order of arrival.
actor Turns {
  private var free: Int
  private var waiting: [CheckedContinuation<Void, Never>] = []

  init(_ count: Int) { free = max(1, count) }

  /// Runs the body when it is its turn.
  func pass<R: Sendable>(_ body: @Sendable () async throws -> R) async throws -> R {
    await withCheckedContinuation { turn in
      // Checked here and not before, as others might be let in between the check and the wait.
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
