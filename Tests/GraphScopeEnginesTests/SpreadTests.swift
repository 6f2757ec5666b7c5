import Engines
import Foundation
import Testing
import Turns

@testable import GraphScopeEngines

@Suite("A session on several hosts", .takesTurns, .timeLimit(.minutes(1)))
struct SpreadTests {
  private let directory = FileManager.default.temporaryDirectory.path + "/gss-\(UInt32.random(in: 0...UInt32.max))"

  private func commands(_ placements: [String], packages: String? = nil) throws -> EngineCommands {
    var installation = Installation(home: "/gs", engine: "/gs/bin/grape_engine")
    installation.vineyardd = "/gs/bin/vineyardd"
    installation.mpi = "/gs/openmpi"
    installation.etcd = "/gs/etcd"
    (installation.python, installation.packages) = ("/usr/bin/python3", packages)
    var commands = EngineCommands(
      installation: installation, directory: directory, shared: directory + "-shared",
      hosts: try WorkerHosts(placements), path: "/usr/bin:/bin")
    let network = HostNetwork(
      own: IPv4Address("10.1.0.1")!, network: IPv4Network("10.1.0.0/24"),
      others: ["b": IPv4Address("10.1.0.2")!, "c": IPv4Address("10.1.0.3")!])
    commands.placement = Spread(network: network, metadataPort: 12_379, keyAgent: "/agent")
    return commands
  }

  @Test("This host is first, and each host is listed once with its workers")
  func hosts() throws {
    let hosts = try WorkerHosts(["b", "localhost", "b", "c", "127.0.0.1"])
    #expect(hosts.mpiList == "localhost:2,b:2,c:1")
    #expect(hosts.others == ["b", "c"] && hosts.workers == 5 && hosts.includeOwn)
    #expect(try WorkerHosts(["b"]).includeOwn == false)
  }

  @Test(
    "A text that ssh or MPI would interpret differently is not a host",
    arguments: ["", "-oProxyCommand=x", "a b", "a;b", "a,b", "a:1", "$(x)", "ä", String(repeating: "a", count: 254)])
  func names(_ name: String) {
    let error = #expect(throws: EngineError.self) { try WorkerHosts(["localhost", name]) }
    #expect(error?.code == .invalidArgument)
    #expect(!HostReach.isHost(name))
  }

  @Test("Networks and addresses are parsed strictly")
  func networks() throws {
    let network = try #require(IPv4Network("10.1.2.77/26"))
    #expect("\(network)" == "10.1.2.64/26")
    #expect(network.contains(IPv4Address("10.1.2.127")!) && !network.contains(IPv4Address("10.1.2.128")!))
    #expect(IPv4Network("0.0.0.0/1")!.contains(IPv4Address("127.255.255.255")!))
    for text in ["", "10.1.2.0", "10.1.2/24", "10.1.2.0/33", "10.1.2.0/0", "10.1.2.0/x", "::/8", "10.1.2.0/24/1"] {
      #expect(!HostReach.isNetwork(text), "\(text)")
    }
    #expect(HostInterface.all().contains { "\($0.address)" == "127.0.0.1" && $0.network.prefixLength == 8 })
  }

  @Test("MPI uses the network that all hosts share, and chooses one itself if they share none")
  func chosenNetwork() throws {
    let interfaces = ["10.1.0.1", "192.168.7.1"].map {
      HostInterface(address: IPv4Address($0)!, network: IPv4Network($0 + "/24")!)
    }
    let near = ["b": IPv4Address("10.1.0.2")!]
    let far = near.merging(["c": IPv4Address("10.9.0.2")!]) { $1 }
    let own = IPv4Address("10.1.0.1")!
    let common = try HostNetwork.chosen(near, nil, interfaces: interfaces, own: own)
    #expect(common.own == own && common.network == IPv4Network("10.1.0.0/24"))
    #expect(try HostNetwork.chosen(far, nil, interfaces: interfaces, own: own).network == nil)
    let wanted = try HostNetwork.chosen(near, "192.168.0.0/16", interfaces: interfaces, own: own)
    #expect("\(wanted.own)" == "192.168.7.1" && wanted.network == IPv4Network("192.168.0.0/16"))
    #expect(throws: EngineError.self) {
      try HostNetwork.chosen(near, "172.16.0.0/12", interfaces: interfaces, own: own)
    }
    #expect(throws: EngineError.self) { try HostNetwork.chosen(near, nil, interfaces: interfaces, own: nil) }
  }

  @Test("The error for a host without an address names the host")
  func unknownHost() async throws {
    let error = await #expect(throws: EngineError.self) {
      try await HostNetwork.toward(["no-such-host.invalid"], HostReach())
    }
    #expect(error?.message.contains("no-such-host.invalid") == true)
  }

  @Test("Stores find each other through the session's etcd on this host")
  func stores() async throws {
    let commands = try commands(["localhost", "b"])
    let etcd = try commands.etcd(#require(commands.placement as? Spread))
    #expect(etcd.executable == "/gs/etcd")
    #expect(etcd.arguments.contains("http://127.0.0.1:12379,http://10.1.0.1:12379"))
    let own = try commands.store()
    #expect(own.executable == "/gs/bin/vineyardd" && own.arguments.contains("http://10.1.0.1:12379"))
    #expect(own.arguments.contains("--rpc=false"))
    let other = try commands.store(on: "b", name: "vineyardd-1")
    #expect(other.executable == "/gs/openmpi/bin/mpirun" && other.arguments.contains("b:1"))
    guard case .probe(let isReady) = other.readiness else {
      Issue.record("its readiness is \(other.readiness)")
      return
    }
    other.onLine?("Hello vineyard")
    #expect(await !isReady())
    other.onLine?("I20261128 ipc_server.cc:137] Vineyard will listen on \"/s\" for IPC")
    #expect(await isReady())
  }

  @Test("The engine's first worker is reached through loopback on this host, otherwise at its host's address")
  func engine() throws {
    let here = try commands(["b", "localhost"]).engine(port: 7)
    #expect(here.arguments.contains("localhost:1,b:1") && here.arguments.contains("127.0.0.1"))
    #expect(here.environment["OMPI_MCA_btl_tcp_if_include"] == "10.1.0.0/24")
    #expect(here.environment["OMPI_MCA_plm_rsh_agent"] == "ssh -o BatchMode=yes -o ConnectTimeout=10")
    #expect(here.environment["SSH_AUTH_SOCK"] == "/agent" && !here.arguments.contains("SSH_AUTH_SOCK"))
    #expect(here.arguments.contains("VINEYARD_IPC_SOCKET"), "MPI passes the session's variables on")
    let there = try commands(["b"])
    #expect(!there.hosts.includeOwn && there.engineAddress == "10.1.0.2")
    #expect(try there.engine(port: 7).arguments.contains("10.1.0.2"))
  }

  @Test("An interactive instance has an executor on each host, known to the others and to the front end")
  func executors() throws {
    let commands = try commands(["localhost", "b", "b"])
    let executors = try QueryExecutors(7, commands, parameters: "query.timeout=9\n")
    let (here, there) = (executors.all[0], executors.all[1])
    #expect(executors.jobAddresses == "10.1.0.1:\(here.jobs),10.1.0.2:\(there.jobs)")
    #expect(executors.threads == 4, "all have as many as the largest needs")
    let properties = executors.properties(there)
    #expect(properties.contains("network.servers = 10.1.0.1:\(here.network),10.1.0.2:\(there.network)\n"))
    #expect(properties.contains("server.id = 1\nserver.size = 2\n") && properties.contains("query.timeout=9"))
    let own = try executors.program(here, in: "/d")
    #expect(own.executable == "/gs/bin/gaia_executor" && own.environment["LD_LIBRARY_PATH"] == "/gs/lib")
    let other = try executors.program(there, in: "/d")
    #expect(other.executable == "/gs/openmpi/bin/mpirun" && other.arguments.contains("LD_LIBRARY_PATH=/gs/lib"))
    #expect(other.environment["LD_LIBRARY_PATH"] == nil, "MPI itself runs with its own libraries")
    #expect(other.arguments.contains("b:1") && other.arguments.contains(executors.file(there, in: "/d")))
    #expect(Set(executors.all.map(executors.name)).count == 2)
  }

  @Test("Each worker's part of a graph is sampled on the worker's host")
  func sampling() throws {
    let commands = try commands(["localhost", "b", "b"], packages: "/py/packages")
    let handle = Data(#"{"vineyard_id":7}"#.utf8).base64EncodedString()
    let servers = try SamplingServers.graphlearn(
      LearningInstanceRequest(objectID: 7, handle: handle, configuration: "Yw==", backend: .graphlearn),
      PythonEnvironment(commands))
    #expect(servers.endpoints.map { $0.prefix { $0 != ":" } } == ["10.1.0.1", "10.1.0.2", "10.1.0.2"])
    #expect(
      servers.programs.map(\.executable) == ["/usr/bin/python3"] + Array(repeating: "/gs/openmpi/bin/mpirun", count: 2))
    #expect(servers.programs[2].arguments.contains("PYTHONPATH=/py/packages"))
    #expect(servers.programs[2].arguments.last == "2")
  }

  @Test("Stores are started one after the other, and a failed start leaves nothing behind")
  func order() async throws {
    let launcher = FakeLauncher()
    let processes = try await SessionProcesses.start(try commands(["localhost", "b", "c"]), launcher)
    #expect(launcher.started == ["etcd", "vineyardd", "vineyardd-1", "vineyardd-2", "grape_engine"])
    launcher.kill("vineyardd-2", ChildEnd(isSuccess: false, cause: "was killed by signal 9 (SIGKILL)"))
    let failure = await processes.failure(within: .seconds(30))
    #expect(failure?.message.contains("object store on c") == true)
    await launcher.waitUntilNothingRuns()
    await processes.stop()
    launcher.refuse("vineyardd-2", "no such host")
    await #expect(throws: EngineError.self) {
      try await SessionProcesses.start(try commands(["localhost", "b", "c"]), launcher)
    }
    #expect(launcher.running.isEmpty)
    #expect(!FileManager.default.fileExists(atPath: directory + "-shared"))
    try FileManager.default.removeItem(atPath: directory)
  }

  @Test("Operations that need a whole graph in this host's store are rejected with the cause")
  func refused() async throws {
    let commands = try commands(["localhost", "b"])
    let error = #expect(throws: EngineError.self) { try commands.requireOneStore("graphs are sung") }
    #expect(error?.code == .unimplemented && error?.message.contains("graphs are sung on the coordinator's") == true)
    var alone = commands
    alone.placement = ThisHost()
    try alone.requireOneStore("graphs are sung")
  }
}

@Suite("The other hosts of a session", .takesTurns, .timeLimit(.minutes(1)))
struct OtherHostsTests {
  private let root = FileManager.default.temporaryDirectory.path + "/gso-\(UInt32.random(in: 0...UInt32.max))"

  /// Returns hosts whose files are in directories named after them, where a stand-in for ssh finds them.
  private func hosts(_ names: [String]) throws -> OtherHosts {
    for name in names.map({ $0 + "/files" }) + ["work"] {
      try FileManager.default.createDirectory(atPath: "\(root)/\(name)", withIntermediateDirectories: true)
    }
    let shell = "\(root)/shell"
    try Data(
      """
      #!/bin/sh
      case "$2" in gone) echo "cannot reach gone" >&2; exit 255;; esac
      exec sh -c "$(printf %s "$3" | sed "s#\(root)/files#\(root)/$2/files#g")"
      """.utf8
    ).write(to: URL(filePath: shell))
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: shell)
    var installation = Installation(home: "/gs", engine: "/gs/bin/grape_engine")
    installation.python = "/usr/bin/python3"
    var commands = EngineCommands(
      installation: installation, directory: root + "/work", shared: root + "/files/it's shared",
      hosts: try WorkerHosts(names), path: "/usr/bin:/bin")
    let network = HostNetwork(own: IPv4Address("127.0.0.1")!, network: nil, others: [:])
    commands.placement = Spread(network: network, metadataPort: 1, keyAgent: nil, remoteShell: [shell, "-q"])
    return OtherHosts(commands, RealLauncher())
  }

  private func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: "\(root)/\(path)") }

  @Test("A file is copied once to all of them, with its directory, whatever its name")
  func copy() async throws {
    let hosts = try hosts(["a", "b"])
    let path = "files/li'b $x/libq.so"
    try FileManager.default.createDirectory(
      atPath: "\(root)/files/li'b $x", withIntermediateDirectories: true)
    try Data("code".utf8).write(to: URL(filePath: "\(root)/\(path)"))
    try await hosts.copy("\(root)/\(path)")
    for host in ["a", "b"] {
      #expect(FileManager.default.contents(atPath: "\(root)/\(host)/\(path)") == Data("code".utf8))
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(root)/\(host)/files/li'b $x") == ["libq.so"])
    }
    try FileManager.default.removeItem(atPath: "\(root)/a/\(path)")
    try await hosts.copy("\(root)/\(path)")
    #expect(!exists("a/\(path)"), "what was copied is not copied again")
    try FileManager.default.removeItem(atPath: root)
  }

  @Test("Their directories are created anew and removed")
  func directories() async throws {
    let hosts = try hosts(["a"])
    try FileManager.default.createDirectory(
      atPath: "\(root)/a/files/it's shared/old", withIntermediateDirectories: true)
    try await hosts.prepare()
    #expect(exists("a/files/it's shared") && !exists("a/files/it's shared/old"))
    await hosts.tidy()
    #expect(!exists("a/files/it's shared"))
    try FileManager.default.removeItem(atPath: root)
  }

  @Test("The error for an unreachable host names it and quotes the output")
  func gone() async throws {
    let hosts = try hosts(["a", "gone"])
    let error = await #expect(throws: EngineError.self) { try await hosts.prepare() }
    #expect(error?.evidence == "gone: cannot reach gone")
    #expect(error?.hint.contains("shell -q a true' must work without a password") == true)
    await hosts.tidy()
    try FileManager.default.removeItem(atPath: root)
  }
}

/// Runs programs to their end, without supervision.
private struct RealLauncher: ChildLauncher {
  func start(_ child: ChildProgram) async throws { throw EngineError(.internalFailure, "not asked for") }

  func run(_ child: ChildProgram) async throws -> ChildEnd {
    let process = Process()
    process.executableURL = URL(filePath: child.executable)
    process.arguments = child.arguments
    let output = Pipe()
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return ChildEnd(
      isSuccess: process.terminationStatus == 0, cause: "exited with code \(process.terminationStatus)",
      lastLines: text.split(separator: "\n").map(String.init))
  }

  func waitUntilOver(_ name: String) async throws -> ChildEnd { throw CancellationError() }

  func stop(_ name: String) async {}
}
