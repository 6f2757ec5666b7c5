import ArgumentParser
import Coordinator
import Foundation
import Scheduling
import Testing
import Turns

@testable import ServerConfiguration

@Suite("The configuration", .takesTurns)
struct ConfigurationTests {
  /// Parses a command line and an environment, with a file with this content if it is not nil.
  private func resolve(
    _ arguments: [String] = [], environment: [String: String] = [:], file: String? = nil
  ) throws -> (settings: Settings, remarks: [String]) {
    var arguments = arguments
    let path = NSTemporaryDirectory() + "/gscoordinator-\(UUID().uuidString).yaml"
    defer { try? FileManager.default.removeItem(atPath: path) }
    if let file {
      try file.write(toFile: path, atomically: true, encoding: .utf8)
      arguments += ["--config-file", path]
    }
    return try ConfigurationOptions.parse(arguments).resolve(environment: environment)
  }

  private func base64(_ json: String) -> String { Data(json.utf8).base64EncodedString() }

  @Test("Flags override the environment, which overrides the file, which overrides the default")
  func precedence() throws {
    let environment = ["GSCOORDINATOR_PORT": "2", "GSCOORDINATOR_LIMITS_SESSIONS": "22"]
    let file = "port: 3\nlimits:\n  sessions: 33\n  streams_per_connection: 333\n"
    let settings = try resolve(["--port", "1"], environment: environment, file: file).settings
    #expect(settings.text(.port) == "1" && settings.origin(.port) == .flag)
    #expect(settings.text(.sessions) == "22")
    #expect(settings.origin(.sessions) == .environment("GSCOORDINATOR_LIMITS_SESSIONS"))
    #expect(settings.text(.streams) == "333")
    #expect(settings.text(.host) == "127.0.0.1" && settings.origin(.host) == .builtIn)
  }

  @Test("An unknown key in a file is an error that suggests the nearest key")
  func unknownKey() {
    let error = #expect(throws: ConfigurationError.self) { try resolve(file: "prot: 1\n") }
    #expect(error?.description.contains("'prot'") == true)
    #expect(error?.description.contains("'port'") == true)
  }

  @Test("The client's configuration object is read, and its other keys are ignored with a remark")
  func clientObject() throws {
    let object = """
      {"solution": "GraphScope One", "launcher_type": "hosts", "log_level": "INFO", "show_log": false,
       "session": {"num_workers": 1, "dangling_timeout_seconds": 70}, "coordinator": {"service_port": 12345},
       "vineyard": {"socket": null}, "unheard_of": 1}
      """
    let (settings, remarks) = try resolve(["--config", base64(object)])
    #expect(settings.text(.port) == "12345" && settings.origin(.port) == .client)
    #expect(settings.text(.logLevel) == "info")
    #expect(settings.text(.idleExit) == "70")
    #expect(remarks.contains { $0.hasPrefix("unheard_of") })
    #expect(remarks.contains { $0.hasPrefix("vineyard.socket") })
  }

  @Test("A file may contain the client's sections and the server's own keys")
  func mixedFile() throws {
    let (settings, _) = try resolve(file: "coordinator:\n  service_port: 59001\nlauncher_type: hosts\nthreads: 3\n")
    #expect(settings.text(.port) == "59001")
    #expect(settings.text(.threads) == "3")
    #expect(settings.text(.idleExit) == "0")
  }

  @Test("The client's hosts are read; this host may have any of its names, and alone it changes nothing")
  func otherHosts() throws {
    func hosts(_ list: String) throws -> String {
      try resolve(file: "launcher_type: hosts\nhosts_launcher:\n  hosts: \(list)\n").settings.text(.hosts)
    }
    for list in ["[localhost]", "['127.0.0.1:4', localhost]", "['::1']", "[]", "[\(ProcessInfo.processInfo.hostName)]"]
    {
      #expect(try hosts(list) == "", "\(list)")
    }
    #expect(try hosts("['127.0.0.1', 'node-7:2', localhost, node-7]") == "localhost,node-7")
    #expect(try hosts("[node-8, node-7]") == "node-8,node-7")
  }

  @Test("A client that starts a coordinator must find it on the first of its hosts")
  func firstHost() throws {
    func configured(_ list: String) throws -> Settings {
      let object = #"{"launcher_type": "hosts", "hosts_launcher": {"hosts": \#(list)}}"#
      return try resolve(["--config", Data(object.utf8).base64EncodedString()]).settings
    }
    #expect(try configured(#"["localhost", "node-7"]"#).text(.hosts) == "localhost,node-7")
    let error = #expect(throws: ConfigurationError.self) { try configured(#"["node-7", "localhost"]"#) }
    #expect(error?.description.contains("List this machine as localhost") == true)
  }

  @Test("Workers are spread over hosts that are assumed to equal this one")
  func plan() throws {
    let base = ClusterPlan.ownHostAlone(cpuMillicores: 4000, memoryBytes: 8 << 30)
    let plan = try HostList.plan("localhost, b", base)
    #expect(plan.hosts.map(\.name) == ["localhost", "b"] && plan.hosts[1].capacity == base.hosts[0].capacity)
    #expect(plan.demand.placement == .spread)
    #expect(try HostList.plan("", base) == base)
    for text in ["localhost,-oProxyCommand=x", ",", "a, ,b"] {
      #expect(throws: ConfigurationError.self, "\(text)") { try HostList.plan(text, base) }
    }
    let both = try resolve(["--set", "hosts=a,b", "--cluster-file", "c.yaml"]).settings
    #expect(throws: ConfigurationError.self) { try both.planReader() }
  }

  @Test("Unreadable input is rejected", arguments: ["not base64!", "e30=x", "W10="])
  func malformedObject(text: String) {
    #expect(throws: ConfigurationError.self) { try resolve(["--config", text]) }
  }

  @Test("A value out of range is rejected with its origin")
  func range() throws {
    let settings = try resolve(environment: ["GSCOORDINATOR_PORT": "70000"]).settings
    let error = #expect(throws: ConfigurationError.self) { try settings.integer(.port) }
    #expect(error?.description.contains("environment GSCOORDINATOR_PORT") == true)
  }

  @Test("Any setting can be given as key=value, but no unknown one")
  func assignments() throws {
    #expect(try resolve(["--set", "limits.sessions=5"]).settings.text(.sessions) == "5")
    #expect(throws: ConfigurationError.self) { try resolve(["--set", "limits.session=5"]) }
    #expect(throws: ConfigurationError.self) { try resolve(["--set", "limits.sessions"]) }
  }
}
