import Access
import Coordinator
import Engines
import Foundation
import Testing
import Transport
import Turns

@testable import ServerConfiguration

@Suite("The access file", .takesTurns)
struct AccessFileTests {
  private static let whole = """
    certificates:
      - {common_name: node, san: node.example, principal: node, tenant: a, role: user}
      - {fingerprint: "AA:BB:\(String(repeating: "00:", count: 29))CC", tenant: a, role: viewer}
    users:
      - {user: 1000, principal: alice, tenant: a, role: user}
      - {user: root, role: operator}
    networks:
      - {network: 10.0.0.0/8, tenant: b, role: user}
    listeners:
      - {name: team, address: "127.0.0.1:0", tenant: b, role: user}
      - {name: local, address: "unix:/tmp/x.sock", tenant: b, role: user}
      - {name: main, tenant: c, role: viewer}
    tenants:
      - {tenant: a, read: [/data/a/, "s3://bucket/a/"], write: [/results/a]}
      - {tenant: b}
    anonymous: {tenant: guests, role: viewer}
    """

  @Test("All sections are read")
  func whole() throws {
    let file = try AccessFile(yaml: Self.whole)
    #expect(file.certificates.map(\.grant.role) == [.user, .viewer])
    #expect(file.certificates[1].fingerprint?.hasPrefix("aabb") == true)
    #expect(file.users[1000]?.principal == "alice" && file.users[0]?.role == .operator)
    #expect(file.networks[try NetworkPrefix("10.0.0.0/8")]?.tenant == "b")
    #expect(file.listeners.keys.sorted() == ["local", "main", "team"])
    #expect(
      file.addresses == [
        .init(name: "team", address: .tcp(host: "127.0.0.1", port: 0)),
        .init(name: "local", address: .unix(path: "/tmp/x.sock")),
      ])
    #expect(file.anonymous == .granted(.init(tenant: "guests", role: .viewer)))
    #expect(file.tenants["a"]?.read == [try AllowedPlace("/data/a"), try AllowedPlace("s3://bucket/a")])
    #expect(file.tenants["a"]?.write == [.directory(["results", "a"])] && file.tenants["b"] == TenantRules())
  }

  @Test(
    "Invalid entries are rejected, with the position and a suggestion",
    arguments: [
      ("user:\n  - {user: 1, role: user}", "'users'"), ("users: {user: 1}", "list"), ("users: [1]", "users[0]"),
      ("users:\n  - {user: 1, rol: user}", "'role'"), ("users:\n  - {user: 1}", "role"),
      ("users:\n  - {user: 1, role: king}", "viewer, user, operator"),
      ("users:\n  - {user: nobody-here, role: user}", "nobody-here"),
      ("users:\n  - {user: 1, role: user}\n  - {user: 1, role: viewer}", "two entries"),
      ("networks:\n  - {network: 10.0.0.0/8, role: user}\n  - {network: 10.0.0.0/8, role: user}", "two entries"),
      ("networks:\n  - {network: 10.0.0.1/8, role: user}", "10.0.0.1/8"),
      ("certificates:\n  - {role: user}", "must have common_name, san or fingerprint"),
      ("certificates:\n  - {fingerprint: zz, role: user}", "64"),
      ("listeners:\n  - {name: x, role: user}", "address"),
      ("listeners:\n  - {name: x, address: nowhere, role: user}", "nowhere"),
      ("listeners:\n  - {name: main, address: \"127.0.0.1:1\", role: user}", "main"),
      ("anonymous: {role: operator}", "operators"), ("anonymous: maybe", "anonymous"), ("[", "YAML"),
      ("- x", "a mapping"), ("tenants:\n  - {read: [/x]}", "tenant"),
      ("tenants:\n  - {tenant: a, read: [data]}", "absolute path"),
      ("tenants:\n  - {tenant: a, read: [/x/../y]}", "'..'"), ("tenants:\n  - {tenant: a, read: /x}", "list"),
      ("tenants:\n  - {tenant: a, write: [\"ftp://x/\"]}", "ftp"),
      ("tenants:\n  - {tenant: a}\n  - {tenant: a}", "two"),
      ("tenants:\n  - {tenant: a, read: [\"s3://k:s@bucket/\"]}", "letters"),
      ("tenants:\n  - {tenant: a, own_code: maybe}", "true or false"),
      ("tenants:\n  - {tenant: a, run_as: root}", "'root' is root"),
      ("tenants:\n  - {tenant: a, run_as: 0}", "'0' is root"),
      ("tenants:\n  - {tenant: a, run_as: no-such-user}", "there is no user 'no-such-user'"),
      ("tenants:\n  - {tenant: a, run_as: -1}", "there is no user '-1'"),
      ("tenants:\n  - {tenant: a, run_as: 4294967295}", "not a valid user number"),
      ("tenants:\n  - {tenant: a, run_as: [1]}", "must be a string"),
      ("tenants:\n  - {tenant: a, run_as_shared: true}", "has no effect without run_as"),
      ("users:\n  - {user: 1, role: user, role: operator}", "YAML"),
    ])
  func strict(_ yaml: String, _ part: String) {
    let error = #expect(throws: AccessPolicyError.self) { try AccessFile(yaml: yaml) }
    #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
  }

  @Test("Engines run as a user by number or name; tenants share one only if both allow it")
  func users() throws {
    let file = try AccessFile(
      yaml: """
        tenants:
          - {tenant: a, run_as: 61231}
          - {tenant: b, run_as: daemon}
        """)
    let user = EngineUser(name: "61231", number: 61_231, group: 61_231, groups: [61_231])
    #expect(file.tenants["a"]?.runAs == user)
    #expect(file.tenants["b"]?.runAs?.number == getpwnam("daemon").pointee.pw_uid)
    func policy(_ yaml: String, owner: UInt32 = 0) throws -> AccessPolicy {
      try AccessPolicy(tenants: try AccessFile(yaml: yaml).tenants, owner: owner)
    }
    let (a, b) = ("tenants:\n  - {tenant: a, run_as: 61231", "  - {tenant: b, run_as: 61231")
    for yaml in ["\(a)}\n\(b)}", "\(a), run_as_shared: true}\n\(b)}", "\(a)}\n\(b), run_as_shared: true}"] {
      let error = #expect(throws: AccessPolicyError.self) { try policy(yaml) }
      #expect(error?.description.contains("'a' and 'b' have the same run_as") == true)
    }
    #expect(try policy("\(a), run_as_shared: true}\n\(b), run_as_shared: true}").tenants.count == 2)
    let own = #expect(throws: AccessPolicyError.self) { try policy("\(a)}", owner: 61_231) }
    #expect(own?.description.contains("the coordinator's own user") == true)
  }

  @Test("The example can be read")
  func example() throws {
    let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "config/access.example.yaml").path()
    let file = try AccessFile(path: path)
    #expect(!file.users.isEmpty && !file.networks.isEmpty && !file.certificates.isEmpty && !file.addresses.isEmpty)
  }
}
