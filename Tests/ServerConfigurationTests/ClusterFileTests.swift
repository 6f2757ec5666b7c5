import Coordinator
import Objects
import Scheduling
import Testing

@testable import ServerConfiguration

@Suite("The cluster file")
struct ClusterFileTests {
  private let file = ClusterFile(base: .ownHostAlone(sessions: 100, cpuMillicores: 4000, memoryBytes: 8 << 30))

  private func plan(_ text: String) throws -> ClusterPlan { try file.plan(DocumentNode(text: text, name: "c.yaml")) }

  private func complaint(_ text: String) -> String {
    do {
      _ = try plan(text)
      return ""
    } catch { return "\(error)" }
  }

  @Test("An empty file means this host, shared equally")
  func empty() throws {
    let plan = try plan("")
    #expect(plan == file.base)
    #expect(plan.policy(of: "anyone").quota == .init())
    #expect(plan.policy(of: ClusterPlan.anonymousTenant).quota.sessions == 2)
  }

  @Test("Hosts, sessions and tenants are read; missing capacities of this host are determined")
  func whole() throws {
    let plan = try plan(
      """
      hosts:
        - {name: localhost, memory: 16GiB, labels: {disk: ssd}}
        - {name: b, cpu: 0.5, memory: 500MB, interactive: 3}
      session: {workers: 2, cpu: 1, placement: spread, workers_apart: true, preemptible: false}
      tenants:
        - name: research
          weight: 3
          priority: -5
          max_waiting: 0
          quota: {sessions: 4, cpu: 2.5, memory: 1073741824, graphs: 7, disk: 1TiB}
          session: {memory: 1GiB}
        - {name: anonymous, quota: {sessions: 9}}
      others: {weight: 2}
      """)
    #expect(plan.hosts.map(\.name) == ["localhost", "b"])
    #expect(plan.hosts[0].capacity.memoryBytes == 16 << 30 && plan.hosts[0].capacity.cpuMillicores == 4000)
    #expect(plan.hosts[0].labels == ["disk": "ssd"])
    #expect(
      plan.hosts[1].capacity
        == Resources(
          cpuMillicores: 500, memoryBytes: 500_000_000, analyticalSlots: 16, interactiveSlots: 3, learningSlots: 16))
    let policy = plan.policy(of: "research")
    #expect(policy.weight == 3 && policy.priority == -5 && policy.maximumWaiting == 0)
    #expect(
      policy.quota
        == .init(sessions: 4, cpuMillicores: 2500, memoryBytes: 1 << 30, graphs: 7, diskBytes: 1 << 40))
    #expect(plan.policy(of: "anonymous").quota == .init(sessions: 9))
    #expect(plan.policy(of: "others").weight == 2)
    let request = plan.request(owner: .session("o"), tenant: "research", isLocal: true)
    #expect(request.members.count == 2 && request.membersApart && !request.isPreemptible && request.sessions == 1)
    #expect(request.members[0].resources.memoryBytes == 1 << 30 && request.members[0].resources.cpuMillicores == 1000)
    #expect(request.members[0].selector == ["host": "localhost"] && request.priority == 0)
    #expect(plan.request(owner: .session("o"), tenant: "x", isLocal: false).members[0].resources.memoryBytes == 0)
  }

  @Test("Errors contain the problem, its position and a remedy")
  func wrong() {
    #expect(complaint("tenant: []").contains("Did you mean 'tenants'?"))
    #expect(complaint("tenants: [{name: a, quota: {session: 1}}]").contains("c.yaml: tenants[0]: quota"))
    #expect(complaint("tenants: [{name: a}, {name: a}]").contains("the tenant 'a' occurs twice"))
    #expect(complaint("tenants: [{weight: 1}]").contains("has no name"))
    #expect(complaint("tenants: [{name: a, weight: 0}]").contains("from 1 to 1000"))
    #expect(complaint("tenants: [{name: a, quota: {memory: 12 apples}}]").contains("512MiB"))
    #expect(complaint("tenants: [{name: a, quota: {cpu: -1}}]").contains("cores"))
    #expect(complaint("tenants: [{name: \"a\\nb\"}]").contains("a name"))
    #expect(complaint("hosts: []").contains("at least one host"))
    #expect(complaint("hosts: [{name: b}]").contains("must have cpu and memory"))
    #expect(
      complaint("hosts: [{name: localhost, labels: {host: x}}]").contains("the label 'host' is reserved"))
    #expect(complaint("session: {placement: random}").contains("one of pack, spread"))
    #expect(complaint("session: 7").contains("a mapping"))
    #expect(complaint("a: [").contains("neither") || complaint("a: [").contains("not YAML"))
  }

  @Test("A file that is missing, a directory or too large is an error that names it")
  func files() {
    #expect(throws: ConfigurationError.self) { try DocumentNode(file: "/nowhere/c.yaml") }
    #expect(throws: ConfigurationError.self) { try DocumentNode(file: "/tmp") }
    #expect(throws: ConfigurationError.self) { try DocumentNode(file: "/dev/zero") }
  }
}
