import Foundation
import Testing

@testable import Access

@Suite("Identification of callers")
struct AccessPolicyTests {
  private static let now = Date(timeIntervalSince1970: 1_800_000_000)
  private static let alice = Identity(principal: Principal("alice"), tenant: "a", role: .user)

  private static func grant(_ principal: String?, _ tenant: String = "t", _ role: Role = .user) -> AccessPolicy.Grant {
    AccessPolicy.Grant(principal: principal, tenant: tenant, role: role)
  }

  private static func token(
    _ identity: Identity = alice, expires: Date? = nil, revoked: Date? = nil
  ) throws -> (TokenSet, String) {
    var (token, secret) = try AccessToken.make(identity, created: now, expires: expires)
    token.revoked = revoked
    return (try TokenSet([token]), secret)
  }

  /// The kinds of evidence, strongest first.
  private enum Proof: String, CaseIterable {
    case token, wrongToken, certificate, user, listener, network, owner
  }

  @Test("The strongest evidence determines the identity; an invalid token is rejected despite other evidence")
  func precedence() throws {
    let certificate = Evidence.Certificate(commonName: "cn", alternativeNames: [], fingerprint: "00")
    let policy = try AccessPolicy(
      certificates: [.init(commonName: "cn", grant: Self.grant("by certificate"))],
      users: [7: Self.grant("by user")], listeners: ["door": Self.grant("by listener")],
      networks: [try NetworkPrefix("10.0.0.0/8"): Self.grant("by network")],
      anonymous: Self.grant(nil, "anonymous"), owner: 8)
    let (tokens, secret) = try Self.token(Identity(principal: Principal("by token"), tenant: "t", role: .user))
    // Every set of evidence. A connection has a user or an address, but not both.
    for bits in 0..<(1 << Proof.allCases.count) {
      let shown = Proof.allCases.enumerated().filter { bits >> $0.offset & 1 == 1 }.map(\.element)
      let users = shown.filter { [.user, .owner].contains($0) }.count
      if shown.contains(.token) && shown.contains(.wrongToken) || users > 1 { continue }
      if users == 1 && shown.contains(.network) { continue }
      let evidence = Evidence(
        token: shown.contains(.token) ? secret : shown.contains(.wrongToken) ? "gsc_wrong" : nil,
        certificate: shown.contains(.certificate) ? certificate : nil,
        user: shown.contains(.user) ? 7 : shown.contains(.owner) ? 8 : nil,
        listener: shown.contains(.listener) ? "door" : "other",
        host: users == 1 ? nil : shown.contains(.network) ? "10.1.2.3" : "192.168.0.1")
      let result = Result { () throws(AccessRefusal) in try policy.identify(evidence, tokens: tokens, at: Self.now) }
      let expected: String? =
        if shown.contains(.wrongToken) { nil } else if shown.contains(.token) {
          "by token"
        } else if shown.contains(
          .certificate)
        { "by certificate" } else if shown.contains(.user) { "by user" } else if shown.contains(.listener) {
          "by listener"
        } else if shown.contains(.network) { "by network" } else if shown.contains(.owner) { "uid 8" } else {
          "anonymous/host 192.168.0.1"
        }
      switch result {
      case .success(let caller): #expect(caller.identity.principal.description == expected, "\(shown)")
      case .failure(let refusal):
        #expect(expected == nil, "\(shown)")
        #expect(refusal == .wrongToken)
      }
    }
  }

  @Test("An unidentified caller is rejected unless there is a tenant for anonymous callers")
  func anonymous() throws {
    let evidence = Evidence(host: "192.168.0.1")
    let closed = try AccessPolicy(owner: 1)
    #expect(throws: AccessRefusal.unknownCaller) { try closed.identify(evidence, tokens: TokenSet(), at: Self.now) }
    let open = try AccessPolicy(anonymous: Self.grant(nil, "anonymous"), owner: 1)
    let caller = try open.identify(evidence, tokens: TokenSet(), at: Self.now)
    #expect(caller.identity.tenant == "anonymous" && caller.method == .anonymous)
  }

  @Test("Over a Unix socket, only the coordinator's own user and root are operators")
  func owner() throws {
    let policy = try AccessPolicy(owner: 1000)
    for user: UInt32 in [0, 1000] {
      let caller = try policy.identify(Evidence(user: user), tokens: TokenSet(), at: Self.now)
      #expect(caller.identity == Identity(principal: Principal("uid \(user)"), tenant: "default", role: .operator))
    }
    #expect(throws: AccessRefusal.self) { try policy.identify(Evidence(user: 1001), tokens: TokenSet(), at: Self.now) }
  }

  @Test("The most specific of overlapping networks applies, in any order")
  func overlap() throws {
    let policy = try AccessPolicy(
      networks: [
        try NetworkPrefix("0.0.0.0/0"): Self.grant("everybody"), try NetworkPrefix("10.0.0.0/8"): Self.grant("ten"),
        try NetworkPrefix("10.1.0.0/16"): Self.grant("ten one"), try NetworkPrefix("10.1.2.3"): Self.grant("this one"),
        try NetworkPrefix("fd00::/8"): Self.grant("six"),
      ], owner: 1)
    let expected = [
      "10.1.2.3": "this one", "10.1.2.4": "ten one", "10.2.0.1": "ten", "11.0.0.1": "everybody", "fd00::1": "six",
      // As reported by dual-stack sockets.
      "::ffff:10.1.2.4": "ten one",
    ]
    for (host, name) in expected {
      let caller = try policy.identify(Evidence(host: host), tokens: TokenSet(), at: Self.now)
      #expect(caller.identity.principal.description == name, "\(host)")
    }
    #expect(throws: AccessRefusal.self) {
      try policy.identify(Evidence(host: "fe80::1%eth0"), tokens: TokenSet(), at: Self.now)
    }
  }

  @Test("Everything that an entry specifies of a certificate must match, and the first matching entry applies")
  func certificates() throws {
    let policy = try AccessPolicy(
      certificates: [
        .init(commonName: "node", alternativeName: "node.example", grant: Self.grant("both")),
        .init(fingerprint: "aa", grant: Self.grant("print")), .init(commonName: "*", grant: Self.grant(nil)),
      ], owner: 1)
    func name(_ commonName: String?, _ names: [String] = [], _ fingerprint: String = "bb") -> String? {
      let certificate = Evidence.Certificate(
        commonName: commonName, alternativeNames: names, fingerprint: fingerprint)
      let evidence = Evidence(certificate: certificate, host: "192.168.0.1")
      return (try? policy.identify(evidence, tokens: TokenSet(), at: Self.now))?.identity.principal.description
    }
    #expect(name("node", ["node.example"]) == "both")
    #expect(name("node", ["other.example"]) == "t/certificate node")
    #expect(name("x", [], "aa") == "print")
    #expect(name(nil, ["node.example"]) == nil)
    // A common name that imitates another principal's name is ignored.
    #expect(name("uid 0") == "t/certificate bb")
  }

  @Test("The same host is a different principal in each tenant")
  func derivedNames() throws {
    let policy = try AccessPolicy(
      listeners: ["a": Self.grant(nil, "a"), "b": Self.grant(nil, "b"), "d": Self.grant(nil, "default")], owner: 1)
    let names = try ["a", "b", "d"].map { listener in
      try policy.identify(Evidence(listener: listener, host: "127.0.0.1"), tokens: TokenSet(), at: Self.now)
        .identity.principal.description
    }
    #expect(names == ["a/host 127.0.0.1", "b/host 127.0.0.1", "host 127.0.0.1"])
  }

  @Test("A principal has one tenant in the access file and the token file together")
  func oneTenant() throws {
    #expect(throws: AccessPolicyError.self) {
      try AccessPolicy(users: [1: Self.grant("alice", "a"), 2: Self.grant("alice", "b")], owner: 1)
    }
    let policy = try AccessPolicy(users: [1: Self.grant("alice", "b")], owner: 1)
    let (tokens, _) = try Self.token()
    #expect(throws: AccessPolicyError.self) { try policy.requireOneTenant(tokens) }
  }

  @Test(
    "Names like generated ones are rejected", arguments: ["", "uid 0", "host x", "a/b", "a\nb", "certificate x"])
  func names(_ name: String) {
    #expect(throws: AccessPolicyError.self) { try AccessNames.checkPrincipal(name) }
    #expect(throws: AccessPolicyError.self) { try AccessNames.checkTenant(name + " ") }
  }

  @Test("A token is valid until it expires or is revoked")
  func tokenLife() throws {
    let end = Self.now + 60
    let policy = try AccessPolicy(owner: 1)
    let (tokens, secret) = try Self.token(expires: end)
    let evidence = Evidence(token: secret)
    #expect(try policy.identify(evidence, tokens: tokens, at: end - 1).identity == Self.alice)
    #expect(throws: AccessRefusal.wrongToken) { try policy.identify(evidence, tokens: tokens, at: end) }
    let (revoked, other) = try Self.token(revoked: Self.now)
    #expect(throws: AccessRefusal.wrongToken) {
      try policy.identify(Evidence(token: other), tokens: revoked, at: Self.now)
    }
  }

  @Test("Only the complete secret is accepted")
  func tokenForms() throws {
    let (tokens, secret) = try Self.token()
    #expect(secret.wholeMatch(of: /gsc_[0-9a-f]{12}_[0-9a-f]{64}/) != nil)
    let wrong = [
      "", "gsc_", String(secret.dropLast()), secret + "0", secret.uppercased(), secret + "\0",
      secret.replacing("gsc_", with: "gsd_"), String(secret.dropLast()) + (secret.hasSuffix("0") ? "1" : "0"),
      "gsc_000000000000_" + String(repeating: "0", count: 64), String(repeating: "_", count: secret.count),
    ]
    for text in wrong { #expect(tokens.find(text, at: Self.now) == nil, "\(text)") }
    #expect(tokens.find(secret, at: Self.now)?.principal == "alice")
  }

  @Test(
    "Only a single bearer token is accepted",
    arguments: [
      ["Basic abc"], ["Bearer"], ["Bearer a b"], ["Bearer a", "Bearer a"], ["a"], [""],
    ])
  func authorization(_ headers: [String]) {
    #expect(throws: AccessRefusal.malformedAuthorization) { try BearerToken.parse(headers) }
  }

  @Test("The case of the scheme does not matter, and without a header there is no token")
  func authorizationForms() throws {
    #expect(try BearerToken.parse(["bearer x"]) == "x")
    #expect(try BearerToken.parse([]) == nil)
  }
}

@Suite("Networks")
struct NetworkPrefixTests {
  @Test(
    "Invalid networks are rejected",
    arguments: [
      "", "10", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/", "10.0.0.0/8/8", "fd00::/129", "host",
      "fe80::1%eth0", "10.0.0.1/8", "fd00::1/8", "256.0.0.0/8", " 10.0.0.0/8",
    ])
  func malformed(_ text: String) { #expect(throws: AccessPolicyError.self) { try NetworkPrefix(text) } }

  @Test("For every prefix length, a network contains exactly the addresses with the prefix")
  func lengths() throws {
    let address: [UInt8] = [0b1010_1100, 0b0011_0101, 0b1100_1010, 0b0101_0011]
    for length in 0...32 {
      let number = address.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      let masked = length == 0 ? 0 : number & ~UInt32(0) << UInt32(32 - length)
      func text(_ number: UInt32) -> String {
        stride(from: 24, through: 0, by: -8).map { String(number >> UInt32($0) & 255) }.joined(separator: ".")
      }
      let network = try NetworkPrefix("\(text(masked))/\(length)")
      #expect(network.contains(try #require(NetworkAddress(text(number)))))
      if length > 0 {
        let outside = number ^ 1 << UInt32(32 - length)
        #expect(!network.contains(try #require(NetworkAddress(text(outside)))))
      }
    }
  }
}

@Suite("Failed attempts")
struct FailedAttemptsTests {
  private let start = ContinuousClock.now

  @Test("Ten per minute are free; then pauses double up to a minute, and an idle source starts over")
  func pauses() {
    var attempts = FailedAttempts()
    for _ in 0..<10 { #expect(attempts.fail("host 1", at: start) == nil) }
    #expect(attempts.fail("host 1", at: start) == .seconds(1))
    #expect(attempts.fail("host 2", at: start) == nil)
    var now = start
    for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
      now += .seconds(pause)
      #expect(attempts.fail("host 1", at: now) == nil)
      #expect(attempts.fail("host 1", at: now) == .seconds(min(pause * 2, 60)))
    }
    now += .seconds(700)
    for _ in 0..<10 { #expect(attempts.fail("host 1", at: now) == nil) }
    #expect(attempts.fail("host 1", at: now) == .seconds(1))
  }

  @Test("Slow failures never cause a pause")
  func slow() {
    var attempts = FailedAttempts()
    for count in 0..<100 { #expect(attempts.fail("host 1", at: start + .seconds(7 * count)) == nil) }
  }

  @Test("An IPv6 host cannot evade the pause with another address of its network")
  func networks() {
    var attempts = FailedAttempts()
    for count in 0..<10 { #expect(attempts.fail("host 2001:db8::\(count)", at: start) == nil) }
    #expect(attempts.fail("host 2001:db8::ffff", at: start) != nil)
    #expect(attempts.fail("host 2001:db8:0:1::1", at: start) == nil)
  }
}
