import Testing

@testable import GraphScopeEngines

@Suite("Finding GraphScope's engines")
struct InstallationTests {
  private let packages = "/venv/lib/python3.11/site-packages"

  /// The Python environment that pip creates.
  private var pip: FakeFiles {
    FakeFiles(
      programs: [
        "\(packages)/graphscope.runtime/bin/grape_engine", "\(packages)/vineyard/bdist/vineyardd",
        "\(packages)/graphscope.runtime/openmpi/bin/mpirun", "/venv/bin/python3",
      ],
      others: [
        "/venv/bin", "\(packages)/graphscope.runtime", "\(packages)/gscoordinator/builtin/app/builtin_app.gar",
        "\(packages)/vineyard/libvineyard_internal_registry.so", "\(packages)/gs_engine-0.29.0.dist-info",
      ])
  }

  @Test(
    "The configured Python environment is used, given by its directory or its interpreter",
    arguments: ["/venv", "/venv/bin/python3"])
  func python(_ configured: String) throws {
    let found = try InstallationSearch(home: nil, python: configured, environment: [:], files: pip).find()
    #expect(found.home == packages + "/graphscope.runtime")
    #expect(found.version == "0.29.0")
    #expect(found.vineyardd == packages + "/vineyard/bdist/vineyardd")
    #expect(found.vineyardRegistry == packages + "/vineyard/libvineyard_internal_registry.so")
    #expect(found.mpi == packages + "/graphscope.runtime/openmpi")
    #expect(found.python == "/venv/bin/python3")
    #expect(found.algorithms == packages + "/gscoordinator/builtin/app/builtin_app.gar")
  }

  @Test("GRAPHSCOPE_HOME inside a Python environment identifies the environment")
  func home() throws {
    let environment = ["GRAPHSCOPE_HOME": packages + "/graphscope.runtime"]
    let found = try InstallationSearch(home: nil, python: nil, environment: environment, files: pip).find()
    #expect(found.packages == packages)
    #expect(found.python == "/venv/bin/python3")
  }

  @Test("An active environment is found through VIRTUAL_ENV, or through its directory of commands in PATH")
  func active() throws {
    for environment in [["VIRTUAL_ENV": "/venv"], ["PATH": "/usr/bin:/venv/bin"]] {
      let found = try InstallationSearch(home: nil, python: nil, environment: environment, files: pip).find()
      #expect(found.home == packages + "/graphscope.runtime")
    }
  }

  @Test("The layout of a container image is found without configuration, and its version is read from its cmake files")
  func image() throws {
    var files = FakeFiles(
      programs: ["/opt/graphscope/bin/grape_engine", "/opt/graphscope/bin/vineyardd"],
      others: [])
    files.texts = [
      "/opt/graphscope/lib/cmake/graphscope-analytical/graphscope-analytical-config-version.cmake":
        "set(PACKAGE_VERSION \"0.29.0\")\n"
    ]
    let found = try InstallationSearch(home: nil, python: nil, environment: [:], files: files).find()
    #expect(found.home == "/opt/graphscope")
    #expect(found.version == "0.29.0")
    #expect(found.vineyardd == "/opt/graphscope/bin/vineyardd")
    #expect(found.mpi == nil)
  }

  @Test("A configured home without an engine is a problem, even if another place has one")
  func wrongHome() {
    let search = InstallationSearch(
      home: "/nowhere", python: nil, environment: ["VIRTUAL_ENV": "/venv"], files: pip)
    let problem = #expect(throws: InstallationProblem.self) { try search.find() }
    #expect(problem?.lookedAt == ["/nowhere/bin/grape_engine"])
    #expect(problem?.description.contains("pip install") == true)
  }

  @Test("The error for a Python environment without the packages names the place where they should be")
  func emptyEnvironment() {
    let problem = #expect(throws: InstallationProblem.self) {
      try InstallationSearch(home: nil, python: "/empty/bin/python3", environment: [:], files: pip).find()
    }
    #expect(problem?.lookedAt == ["/empty/lib/python3*/site-packages/graphscope.runtime/bin/grape_engine"])
  }
}

@Suite("The doctor")
struct DoctorTests {
  private func findings(
    _ files: FakeFiles, java: String? = "openjdk version \"17.0.15\" 2025-04-15", hosts: [String] = []
  ) -> [Doctor.Finding] {
    let machine = Doctor.Machine(
      freeBytes: { $0 == "/dev/shm" ? 64 << 20 : 1 << 40 }, openFiles: 1024, hasFreePort: true,
      firstLine: { program, arguments in
        guard program.hasSuffix("/ssh") else { return java }
        return arguments.contains("good") && arguments.last!.contains("/gs/bin/vineyardd")
          ? "ready" : "Permission denied (publickey)."
      })
    let search = InstallationSearch(home: "/gs", python: nil, environment: [:], files: files)
    return Doctor(
      search, files: files, machine: machine, path: ["/usr/bin"], cache: "/root/.cache/x", hosts: hosts
    ).findings()
  }

  private func state(_ subject: String, _ findings: [Doctor.Finding]) -> Doctor.Finding.State? {
    findings.first { $0.subject == subject }?.state
  }

  @Test("Without an engine sessions cannot be started, and the remedy is a command")
  func nothing() throws {
    let found = findings(FakeFiles(programs: [], others: []))
    #expect(!Doctor.isReady(found))
    let engine = try #require(found.first { $0.subject == "engine" })
    #expect(engine.state == .missing)
    #expect(engine.remedy.contains("pip install graphscope==0.29.0"))
  }

  @Test("A missing optional program is reported and does not prevent sessions")
  func limited() {
    var files = FakeFiles(
      programs: ["/gs/bin/grape_engine", "/gs/bin/vineyardd"], others: ["/usr"])
    files.texts["/gs/lib/cmake/graphscope-analytical/graphscope-analytical-config-version.cmake"] =
      "set(PACKAGE_VERSION \"0.29.0\")"
    let found = findings(files, java: nil)
    #expect(state("engine", found) == .good)
    #expect(state("MPI", found) == .limited)
    #expect(state("Java", found) == .limited)
    #expect(state("cmake", found) == .limited)
    #expect(state("shared memory", found) == .limited)
    #expect(state("open files", found) == .limited)
    // The list of algorithms is in a Python package.
    #expect(state("algorithms", found) == .missing)
  }

  @Test("Other hosts must accept the login and have the engines")
  func hosts() throws {
    let files = FakeFiles(
      programs: ["/gs/bin/grape_engine", "/gs/bin/vineyardd", "/usr/bin/ssh"], others: ["/usr"])
    let found = findings(files, hosts: ["good", "bad"])
    #expect(state("host good", found) == .good)
    let bad = try #require(found.first { $0.subject == "host bad" })
    #expect(bad.state == .missing && bad.text.contains("Permission denied"))
    #expect(bad.remedy.contains("bad true' must work without a password"))
  }

  @Test("Another version of the engine is rejected")
  func version() {
    var files = FakeFiles(programs: ["/gs/bin/grape_engine"], others: [])
    files.texts["/gs/lib/cmake/graphscope-analytical/graphscope-analytical-config-version.cmake"] =
      "set(PACKAGE_VERSION \"0.20.0\")"
    #expect(state("engine", findings(files)) == .missing)
  }

  @Test(
    "Java's version is parsed in its old and new formats",
    arguments: [
      ("openjdk version \"17.0.15\" 2025-04-15", 17), ("java version \"1.8.0_402\"", 8),
      ("openjdk version \"21\" 2023", 21),
    ])
  func java(_ line: String, _ major: Int) {
    #expect(JavaVersion(line)?.major == major)
    #expect(JavaVersion("java: not found") == nil)
  }
}

/// A file system that consists of a few paths.
struct FakeFiles: FileLookup {
  var programs: Set<String>
  var others: Set<String>
  var texts: [String: String] = [:]

  func isExecutable(_ path: String) -> Bool { programs.contains(path) }

  func exists(_ path: String) -> Bool { programs.contains(path) || others.contains(path) }

  func names(in directory: String) -> [String] {
    let prefix = directory + "/"
    let below = programs.union(others).filter { $0.hasPrefix(prefix) }
    return Set(below.map { String($0.dropFirst(prefix.count).prefix { $0 != "/" }) }).sorted()
  }

  func text(of path: String) -> String? { texts[path] }
}
