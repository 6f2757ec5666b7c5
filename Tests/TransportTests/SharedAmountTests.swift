import Testing

@testable import Transport

struct SharedAmountTests {
  private func part(_ amount: SharedAmount, _ peer: SharedAmount.PeerPart = .init()) -> SharedAmount.Part {
    SharedAmount.Part(of: amount, peer: peer)
  }

  @Test func aConnectionMayHaveItsShareAndNoMore() {
    var part = part(SharedAmount(Shares(perConnection: 1000, perPeer: 2000, total: 10_000), quantum: 100))
    #expect(part.add(1000) == nil)
    #expect(part.add(1) == .connection(1001))
    #expect(part.add(-1) == nil && part.add(-1) == nil && part.add(1) == nil)
  }

  @Test func aPeerMayHaveItsShareAndNoMore() {
    let amount = SharedAmount(Shares(perConnection: 1000, perPeer: 1500, total: 10_000), quantum: 100)
    let peer = SharedAmount.PeerPart()
    var (first, second, other) = (part(amount, peer), part(amount, peer), part(amount))
    #expect(first.add(1000) == nil && second.add(500) == nil && other.add(1000) == nil)
    #expect(second.add(100) == .peer(1600))
    first.close()
    #expect(second.add(100) == nil && amount.total == 1700)
  }

  @Test("When the total is exhausted, connections with more than an equal part give way and others may grow to theirs")
  func equalParts() {
    let amount = SharedAmount(Shares(perConnection: 1000, perPeer: 10_000, total: 1200), quantum: 100)
    var (hoarder, small) = (part(amount), part(amount))
    #expect(hoarder.add(1000) == nil && small.add(200) == nil)
    #expect(!hoarder.mustGiveWay && amount.total == 1200)
    #expect(small.add(100) == nil && hoarder.mustGiveWay && !small.mustGiveWay)
    #expect(small.add(300) == nil, "an equal part")
    #expect(small.add(100) == .total(1700))
    hoarder.close()
    #expect(small.add(100) == nil && !small.mustGiveWay)
  }

  @Test func smallChangesTouchNothingCommon() {
    let amount = SharedAmount(Shares(total: 10_000), quantum: 100)
    var part = part(amount)
    for _ in 0..<1000 {
      _ = part.add(99)
      _ = part.add(-99)
    }
    #expect(amount.total == 0 && part.count == 0)
    _ = part.add(150)
    #expect(amount.total == 150)
    for _ in 0..<10 {
      _ = part.add(-99)
      _ = part.add(99)
    }
    #expect(amount.total == 150)
    part.close()
    #expect(amount.total == 0)
  }

  @Test func roomIsAskedForBeforeItIsTaken() {
    let amount = SharedAmount(Shares(perConnection: 1000, perPeer: 1500, total: 1800), quantum: 100)
    let peer = SharedAmount.PeerPart()
    var (first, second) = (part(amount, peer), part(amount, peer))
    #expect(first.hasRoom(for: 1000) && !first.hasRoom(for: 1001))
    _ = first.add(900)
    #expect(second.hasRoom(for: 600) && !second.hasRoom(for: 601))
    var other = part(amount)
    #expect(other.hasRoom(for: 900) && !other.hasRoom(for: 901))
    _ = other.add(0)
    _ = second.add(0)
  }

  @Test func nothingIsLostInARandomWalk() {
    var random = SystemRandomNumberGenerator()
    let amount = SharedAmount(Shares(total: 1 << 40), quantum: 64)
    var parts = (0..<20).map { _ in part(amount) }
    for _ in 0..<10_000 {
      let index = Int.random(in: 0..<20, using: &random)
      _ = parts[index].add(max(-parts[index].count, .random(in: -500...500, using: &random)))
      let sum = parts.reduce(0) { $0 + $1.count }
      #expect(abs(amount.total - sum) <= 20 * 2 * 64)
    }
    for index in parts.indices { parts[index].close() }
    #expect(amount.total == 0)
  }

  @Test(arguments: [
    (Peer.tcp(host: "10.1.2.3", port: 5), "10.1.2.3"),
    (.tcp(host: "2001:db8:1:2:3:4:5:6", port: 5), "2001:db8:1:2::/64"),
    (.tcp(host: "::1", port: 5), "::/64"), (.tcp(host: "fe80::1%eth0", port: 5), "fe80::/64"),
    (.tcp(host: "::ffff:10.1.2.3", port: 5), "10.1.2.3"), (.unix(PeerCredentials(pid: 1, uid: 7, gid: 8)), "uid 7"),
    (.unix(nil), "unix socket"),
  ])
  func peersAreCountedByTheirOrigin(peer: Peer, origin: String) {
    #expect(peer.origin == origin)
  }

  @Test func peersAreForgottenWithTheirLastConnection() {
    let accounts = PeerAccounts(ConnectionLimits())
    let peer = Peer.tcp(host: "10.1.2.3", port: 5)
    let (first, second) = (accounts.open(peer), accounts.open(.tcp(host: "10.1.2.3", port: 6)))
    _ = first.received.add(1 << 20)
    _ = second.received.add(1 << 20)
    #expect(accounts.peerCount == 1 && accounts.receivedBytes == 2 << 20)
    first.close()
    first.close()
    #expect(accounts.peerCount == 1 && accounts.receivedBytes == 1 << 20)
    second.close()
    #expect(accounts.peerCount == 0 && accounts.receivedBytes == 0)
  }
}
