import CPlatform
import Engines
import FoundationEssentials
import Glibc
import Support
import Synchronization

/// Compiles a library with cmake and reports the progress to the client.
struct LibraryBuilder: Sendable {
  let installation: Installation
  let environment: [String: String]
  let children: any ChildLauncher
  let log: any ProgressLog
  /// The user that compilers run as; nil for the coordinator's own. The sources may be a client's, and can make a compiler read
  /// every file that its user may read.
  var user: EngineUser?

  /// Compiles in a temporary directory, which is renamed to its final name when it is complete.
  /// - Returns: the path of the library.
  /// - Throws: `EngineError.compilationFailure` with the compiler's first error.
  func build(_ recipe: LibraryRecipe, name: String, into directory: String) async throws -> String {
    let final = "\(directory)/\(name)"
    let library = "lib\(name).so"
    if access("\(final)/\(library)", R_OK) == 0 { return "\(final)/\(library)" }
    log.info("Compiling \(recipe.text) for GraphScope's engine; this takes about a minute; the result is kept.")
    let started = ContinuousClock.now
    let scratch = "\(directory)/.making-\(name.prefix(16))-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    defer { EngineDirectories.remove(scratch) }
    try makeSources(recipe, in: scratch)
    let module = try await translated(recipe, in: scratch, name)
    let lists = try recipe.cmakeLists(target: name, installation: installation, module: module)
    try write(Array(lists.utf8), to: scratch + "/CMakeLists.txt")
    try await run("cmake", ["-S", scratch, "-B", scratch + "/build"], in: scratch, recipe, name)
    try await run("cmake", ["--build", scratch + "/build"], in: scratch, recipe, name)
    try keep("\(scratch)/build/\(library)", as: final, library)
    let seconds = (ContinuousClock.now - started).components.seconds
    log.info("Compiled \(recipe.text) in \(seconds) s.")
    return "\(final)/\(library)"
  }

  // MARK: Sources

  private func makeSources(_ recipe: LibraryRecipe, in scratch: String) throws {
    do throws(EngineError) { try EngineDirectories.make(scratch, for: user) } catch {
      throw EngineError(
        .internalFailure, "the directory of compiled libraries cannot be used: \(error.message)",
        hint: "Set graphscope.cache to a directory that the coordinator may write to")
    }
    guard case .application(let application) = recipe, let archive = application.archive else { return }
    let zip = try readingArchive { () throws(ZipError) in try ZipArchive(archive) }
    for entry in zip.entries where entry.path != "CMakeLists.txt" {
      let path = "\(scratch)/\(entry.path)"
      let parent = String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
      try user.files {
        try? FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
      }
      try write(readingArchive { () throws(ZipError) in try zip.contents(of: entry) }, to: path)
    }
  }

  private func write(_ bytes: [UInt8], to path: String) throws {
    do { try user.files { try Data(bytes).write(to: URL(filePath: path)) } } catch {
      throw EngineError(.internalFailure, "'\(path)' cannot be written: \(error)")
    }
  }

  /// Translates Python to C++ with Cython.
  /// - Returns: the name of the module; nil for algorithms in C++.
  private func translated(_ recipe: LibraryRecipe, in scratch: String, _ name: String) async throws -> String? {
    guard case .application(let application) = recipe, application.description.kind.isCython else { return nil }
    guard let packages = installation.packages, let commands = installation.pythonCommands else {
      throw EngineError(
        .unimplemented, "algorithms in Python need the Python environment of GraphScope's engines",
        hint: InstallationProblem.remedy)
    }
    let declarations = application.description.kind == .cythonPregel ? "pregel" : "pie"
    let template = "\(packages)/gscoordinator/template/\(declarations).pxd.template"
    guard let text = FileManager.default.contents(atPath: template) else {
      throw EngineError(
        .unimplemented, "the declarations for algorithms in Python are not installed: '\(template)'",
        hint: InstallationProblem.remedy)
    }
    try write(Array(text), to: "\(scratch)/\(declarations).pxd")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: scratch)) ?? []
    guard let source = names.filter({ $0.hasSuffix(".pyx") }).sorted().first else {
      throw EngineError(.invalidArgument, "the application's archive does not contain a .pyx file")
    }
    let module = String(source.dropLast(4))
    try await run(
      "cython", ["-3", "--cplus", "-o", "\(module).cc", source], in: scratch, recipe, name, beside: commands)
    return module
  }

  // MARK: Programs

  private func run(
    _ program: String, _ arguments: [String], in directory: String, _ recipe: LibraryRecipe, _ name: String,
    beside commands: String? = nil
  ) async throws {
    let path = (commands.map { [$0] } ?? []) + (environment["PATH"] ?? "").split(separator: ":").map(String.init)
    guard let executable = path.map({ $0 + "/" + program }).first(where: HostFiles().isExecutable) else {
      throw EngineError(
        .unimplemented, "\(program), which compiles algorithms, is not installed",
        hint: program == "cython"
          ? "Run: \(commands ?? "")/pip install Cython==3.0.12"
          : "Run: apt-get install cmake g++ make")
    }
    var environment = environment
    environment["TMPDIR"] = directory
    let output = CompilerOutput()
    let end = try await children.run(
      ChildProgram(
        // An earlier compilation that is no longer needed may not have ended yet.
        name: "compile-\(name.prefix(12))-\(UInt16.random(in: 0...UInt16.max))", executable: executable,
        arguments: arguments, environment: environment,
        directory: directory,
        onLine: { line in
          output.take(line)
          if line.hasPrefix("["), line.contains("%]") { log.info(line) }
        }))
    guard !end.isSuccess else { return }
    for line in output.firstError { log.info(line) }
    throw EngineError(
      .compilationFailure, "\(recipe.text) could not be compiled: \(program) \(end.cause)",
      evidence: output.firstError.isEmpty
        ? end.lastLines.suffix(5).joined(separator: "\n")
        : output.firstError.joined(separator: "\n"),
      hint: "The complete output is in the log of the session's children: gscoordinator logs")
  }

  private func keep(_ built: String, as final: String, _ library: String) throws {
    let ready = user == nil ? built + ".d" : final + ".ready-\(UInt32.random(in: 0...UInt32.max))"
    defer { EngineDirectories.remove(ready) }
    do {
      if let user {
        try LibraryCopy(user: user).make(of: built, in: ready, library)
      } else {
        try FileManager.default.createDirectory(atPath: ready, withIntermediateDirectories: true)
        try FileManager.default.moveItem(atPath: built, toPath: "\(ready)/\(library)")
      }
    } catch {
      throw EngineError(.compilationFailure, "the compiler produced no library: \(error)")
    }
    // Another coordinator may have finished first; its library is equivalent.
    guard rename(ready, final) == 0 || access("\(final)/\(library)", R_OK) == 0 else {
      throw EngineError(
        .internalFailure,
        "'\(final)' cannot be created: \(String(cString: platform_error_text(errno)))")
    }
  }
}

/// Finds the first error in the output of a compiler.
final class CompilerOutput: Sendable {
  private let state = Mutex(State())

  private struct State {
    var error: [String] = []
    var isComplete = false
  }

  /// The number of lines to keep of the first error.
  private static let keptLines = 6

  /// Creates an empty output.
  init() {}

  /// Adds a line.
  func take(_ line: String) {
    state.withLock { state in
      guard !state.isComplete else { return }
      // Cython prints the position first and the error on the next line.
      let isError = line.contains("error:") || line.hasPrefix("CMake Error") || line.contains(".pyx:")
      if state.error.isEmpty {
        if isError { state.error.append(line) }
      } else {
        state.error.append(line)
      }
      state.isComplete = state.error.count >= Self.keptLines
    }
  }

  /// The first error and the lines that follow it; empty if there is none.
  var firstError: [String] { state.withLock { $0.error } }
}
