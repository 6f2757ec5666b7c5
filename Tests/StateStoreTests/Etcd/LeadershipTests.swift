import StateStore
import TestSupport
import Testing
import Turns

@Suite("Leadership as a value", .takesTurns)
struct LeadershipTests {
  private static let start = ContinuousClock.now
  private static let validity = Duration.seconds(8)

  private static func at(_ seconds: Double) -> ContinuousClock.Instant { start + .seconds(seconds) }

  /// Returns a machine in the given phase; the leader's deadline is at 8 seconds.
  private static func machine(_ phase: Leadership.Phase) -> Leadership {
    var machine = Leadership(validity: validity)
    if phase == .follower { return machine }
    _ = machine.campaign()
    if phase == .candidate { return machine }
    _ = machine.won(term: 5, askedAt: at(0), now: at(1))
    if phase == .deposed { _ = machine.refused() }
    return machine
  }

  private enum Event: CaseIterable {
    case campaign, won, wonLate, lost, renewed, renewedLate, refused, tick, tickLate, resign, steppedDown

    func apply(_ machine: inout Leadership) -> Leadership.Action {
      switch self {
      case .campaign: return machine.campaign()
      case .won: return machine.won(term: 5, askedAt: at(0), now: at(7.9))
      case .wonLate: return machine.won(term: 5, askedAt: at(0), now: at(8))
      case .lost: machine.lost()
      case .renewed: return machine.renewed(askedAt: at(4), now: at(7.9))
      case .renewedLate: return machine.renewed(askedAt: at(4), now: at(8))
      case .refused: return machine.refused()
      case .tick: return machine.tick(at: at(7.9))
      case .tickLate: return machine.tick(at: at(8))
      case .resign: return machine.resign()
      case .steppedDown: machine.steppedDown()
      }
      return .none
    }
  }

  @Test("every event in every state follows the table", arguments: Leadership.Phase.allCases)
  func table(_ phase: Leadership.Phase) {
    for event in Event.allCases {
      var machine = Self.machine(phase)
      #expect(machine.phase == phase)
      let action = event.apply(&machine)
      let expected: (Leadership.Phase, Leadership.Action) =
        switch (phase, event) {
        case (.follower, .campaign): (.candidate, .campaign)
        case (.candidate, .won): (.leader, .lead(term: 5))
        case (.candidate, .wonLate), (.candidate, .lost), (.candidate, .resign): (.follower, .none)
        case (.leader, .renewedLate), (.leader, .refused), (.leader, .tickLate), (.leader, .resign): (.deposed, .stop)
        case (.deposed, .steppedDown): (.follower, .none)
        default: (phase, .none)
        }
      #expect(machine.phase == expected.0, "\(event) in \(phase)")
      #expect(action == expected.1, "\(event) in \(phase)")
    }
  }

  @Test("a leader leads until its deadline and not an instant longer, even without a message")
  func deadline() {
    var machine = Self.machine(.leader)
    #expect(machine.term(at: Self.at(7.999)) == 5)
    #expect(machine.term(at: Self.at(8)) == nil)
    #expect(machine.renewed(askedAt: Self.at(4), now: Self.at(5)) == .none)
    #expect(machine.deadline == Self.at(12))
    // Responses may overtake each other; the deadline never moves back.
    #expect(machine.renewed(askedAt: Self.at(3), now: Self.at(6)) == .none)
    #expect(machine.term(at: Self.at(11.999)) == 5)
    #expect(machine.term(at: Self.at(12)) == nil)
  }

  @Test("only a candidate elected by the store leads, and a term never comes back")
  func walk() {
    for seed in [UInt64(11), .random(in: 0...UInt64.max)] {
      var random = SplitMix(seed: seed)
      var machine = Leadership(validity: Self.validity)
      var (now, term, over): (Double, Revision, Set<Revision>) = (0, 0, [])
      for step in 0..<20_000 {
        let before = machine
        now += Double.random(in: 0...2, using: &random)
        let asked = now - Double.random(in: 0...6, using: &random)
        var action = Leadership.Action.none
        switch Int.random(in: 0..<9, using: &random) {
        case 0: action = machine.campaign()
        case 1:
          term += 1
          action = machine.won(term: term, askedAt: Self.at(asked), now: Self.at(now))
        case 2: machine.lost()
        case 3, 4, 5: action = machine.renewed(askedAt: Self.at(asked), now: Self.at(now))
        case 6: action = machine.tick(at: Self.at(now))
        case 7: action = Int.random(in: 0..<4, using: &random) == 0 ? machine.refused() : machine.resign()
        default: machine.steppedDown()
        }
        let note = Comment(rawValue: "seed \(seed), step \(step)")
        #expect((action == .stop) == (before.phase == .leader && machine.phase == .deposed), note)
        if machine.phase == .leader {
          let current = machine.term(at: Self.at(now)) ?? before.term(at: Self.at(0))
          if before.phase != .leader { #expect(before.phase == .candidate && action == .lead(term: term), note) }
          if let current { #expect(!over.contains(current), note) }
          #expect(machine.deadline! <= Self.at(now) + Self.validity, note)
        }
        if let old = before.term(at: Self.at(0)), machine.phase != .leader { over.insert(old) }
      }
      #expect(over.count > 100)
    }
  }
}
