import StateStore
import TestSupport
import Testing
import Turns

/// Contenders, each with its own state machine, and a store that grants leases, in virtual time. Requests and responses take
/// time, get lost or arrive late; contenders are suspended for a while and then continue unaware.
private struct World {
  /// The state machine of a contender and its view of its lease.
  struct Contender {
    var machine: Leadership
    var pausedUntil = 0
    var nextRenewal = 0
  }

  /// A message with a time of arrival: a request to the store, or a response to its contender.
  enum Message {
    case claim(Int, asked: Int)
    case renewal(Int, term: Revision, asked: Int)
    case write(Int, term: Revision)
    case won(Int, term: Revision, asked: Int)
    case lost(Int)
    case renewed(Int, term: Revision, asked: Int)
    case refused(Int, term: Revision)
  }

  /// All times are in milliseconds.
  static let timeToLive = 3000
  static let margin = 600
  private static let origin = ContinuousClock.now

  var random: SplitMix
  var now = 0
  var contenders: [Contender]
  var messages: [(at: Int, message: Message)] = []
  /// The state of the store: whose lease holds the key, of which term, until when.
  var holder: (index: Int, term: Revision, until: Int)?
  var revision: Revision = 0
  /// The number of elections, and of applied and rejected writes.
  var (elections, applied, refused) = (0, 0, 0)

  init(seed: UInt64, contenders count: Int, margin: Int = World.margin) {
    random = SplitMix(seed: seed)
    contenders = (0..<count).map { _ in
      Contender(machine: Leadership(validity: .milliseconds(World.timeToLive - margin)))
    }
  }

  private func instant(_ milliseconds: Int) -> ContinuousClock.Instant { Self.origin + .milliseconds(milliseconds) }

  /// The contenders that believe they lead.
  var leaders: [(index: Int, term: Revision)] {
    contenders.enumerated().compactMap { index, contender in
      contender.machine.term(at: instant(now)).map { (index, $0) }
    }
  }

  private mutating func send(_ message: Message) {
    // A tenth is lost; most are fast, some take seconds.
    guard Int.random(in: 0..<10, using: &random) > 0 else { return }
    let isSlow = Int.random(in: 0..<8, using: &random) == 0
    messages.append((now + Int.random(in: 1...(isSlow ? 5000 : 60), using: &random), message))
  }

  /// Advances by 10 milliseconds.
  mutating func step() {
    now += 10
    if let holder, holder.until <= now { self.holder = nil }
    let due = messages.filter { $0.at <= now }.map(\.message)
    messages.removeAll { $0.at <= now }
    for message in due { receive(message) }
    for index in contenders.indices where contenders[index].pausedUntil <= now { act(index) }
  }

  private mutating func receive(_ message: Message) {
    switch message {
    case .claim(let index, let asked):
      guard holder == nil else { return send(.lost(index)) }
      revision += 1
      holder = (index, revision, now + Self.timeToLive)
      send(.won(index, term: revision, asked: asked))
    case .renewal(let index, let term, let asked):
      guard holder?.term == term else { return send(.refused(index, term: term)) }
      holder?.until = now + Self.timeToLive
      send(.renewed(index, term: term, asked: asked))
    case .write(let index, let term):
      if holder?.term == term {
        applied += 1
      } else {
        refused += 1
        send(.refused(index, term: term))
      }
    case .won(let index, let term, let asked):
      if contenders[index].pausedUntil > now { return messages.append((contenders[index].pausedUntil, message)) }
      if contenders[index].machine.won(term: term, askedAt: instant(asked), now: instant(now)) == .lead(term: term) {
        elections += 1
      }
    case .lost(let index): contenders[index].machine.lost()
    case .renewed(let index, let term, let asked):
      if contenders[index].pausedUntil > now { return messages.append((contenders[index].pausedUntil, message)) }
      guard current(index) == term else { return }
      _ = contenders[index].machine.renewed(askedAt: instant(asked), now: instant(now))
    case .refused(let index, let term):
      if current(index) == term { _ = contenders[index].machine.refused() }
    }
  }

  /// The term of a contender that may not have noticed its end.
  private func current(_ index: Int) -> Revision? { contenders[index].machine.term(at: instant(0) - .seconds(1)) }

  private mutating func act(_ index: Int) {
    if Int.random(in: 0..<2000, using: &random) == 0 {
      contenders[index].pausedUntil = now + Int.random(in: 100...9000, using: &random)
      return
    }
    _ = contenders[index].machine.tick(at: instant(now))
    switch contenders[index].machine.phase {
    case .follower:
      if Int.random(in: 0..<30, using: &random) == 0, contenders[index].machine.campaign() == .campaign {
        send(.claim(index, asked: now))
      }
    case .candidate:
      // A response that never came: give up after a while.
      if Int.random(in: 0..<300, using: &random) == 0 { contenders[index].machine.lost() }
    case .leader:
      guard let term = contenders[index].machine.term(at: instant(now)) else { return }
      if Int.random(in: 0..<10, using: &random) == 0 { send(.write(index, term: term)) }
      if contenders[index].nextRenewal <= now {
        contenders[index].nextRenewal = now + Self.timeToLive / 3
        send(.renewal(index, term: term, asked: now))
      }
    case .deposed:
      contenders[index].machine.steppedDown()
    }
  }
}

@Suite("Leadership against a model of the store", .takesTurns)
struct LeadershipModelTests {
  @Test(
    "never do two lead at once, whatever is lost, late or stopped", arguments: [3, UInt64.random(in: 0...UInt64.max)])
  func oneLeader(_ seed: UInt64) {
    var world = World(seed: seed, contenders: 4)
    for _ in 0..<100_000 {
      world.step()
      let leaders = world.leaders
      if leaders.count > 1 {
        Issue.record("seed \(seed): at \(world.now) ms lead \(leaders)")
        return
      }
      if let leader = leaders.first { #expect(world.holder?.term == leader.term, "seed \(seed), \(world.now) ms") }
    }
    #expect(world.elections > 20 && world.applied > 1000, "the walk went somewhere")
  }

  @Test("the model finds two leaders when a leader trusts its lease longer than the store does")
  func teeth() {
    var world = World(seed: 3, contenders: 4, margin: -3000)
    var worst = 0
    for _ in 0..<100_000 {
      world.step()
      worst = max(worst, world.leaders.count)
    }
    #expect(worst > 1 && world.refused > 0)
  }
}
