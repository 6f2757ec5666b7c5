import Testing
import Turns

@testable import Transport

@Suite(.takesTurns)
struct ConnectionLifecycleTests {
  typealias Event = ConnectionLifecycle.Event
  typealias Action = ConnectionLifecycle.Action

  /// The events that lead to each state.
  private static let paths: [String: [Event]] = [
    "silent": [], "fresh": [.preface], "serving": [.preface, .request], "noticed": [.preface, .shutdown],
    "leaving": [.preface, .shutdown, .noticeOver], "closed": [.lost],
  ]

  /// Transitions that differ from "do nothing and stay", as in the table of the state machine's comment.
  private static let table: [String: [Event: (Action, String)]] = [
    "silent": [
      .preface: (.expectRequest, "fresh"), .prefaceTimeout: (.cut, "closed"), .shutdown: (.cut, "closed"),
      .lost: (.none, "closed"),
    ],
    "fresh": [
      .request: (.none, "serving"), .requestTimeout: (.leave, "leaving"), .idle: (.leave, "leaving"),
      .shutdown: (.notice, "noticed"), .lost: (.none, "closed"),
    ],
    "serving": [.idle: (.leave, "leaving"), .shutdown: (.notice, "noticed"), .lost: (.none, "closed")],
    "noticed": [.noticeOver: (.leave, "leaving"), .lost: (.none, "closed")],
    "leaving": [.lost: (.none, "closed")],
    "closed": [:],
  ]

  private func machine(_ state: String) -> ConnectionLifecycle {
    var machine = ConnectionLifecycle()
    for event in Self.paths[state]! { _ = machine.handle(event) }
    return machine
  }

  /// Identifies a state by its response to every event.
  private func answers(_ machine: ConnectionLifecycle) -> [Action] {
    Event.allCases.map { event in
      var copy = machine
      return copy.handle(event)
    }
  }

  @Test(arguments: table.keys.sorted(), Event.allCases)
  func everyStateAnswersEveryEvent(state: String, event: Event) {
    var machine = machine(state)
    let (action, next) = Self.table[state]![event] ?? (.none, state)
    #expect(machine.handle(event) == action)
    #expect(answers(machine) == answers(self.machine(next)))
  }
}
