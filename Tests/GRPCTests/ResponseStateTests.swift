import Testing
import Turns

@testable import GRPC

@Suite(.takesTurns)
struct ResponseStateTests {
  typealias Event = ResponseState.Event
  typealias Action = ResponseState.Action

  private static let paths: [String: [Event]] = [
    "silent": [], "talking": [.message], "ended": [.status], "closed": [.close],
  ]
  private static let table: [String: [Event: (Action, String)]] = [
    "silent": [
      .message: (.headersAndBody, "talking"), .status: (.trailersOnly, "ended"), .close: (.abandon, "closed"),
    ],
    "talking": [.message: (.body, "talking"), .status: (.trailers, "ended"), .close: (.abandon, "closed")],
    "ended": [.close: (.none, "closed")],
    "closed": [:],
  ]

  private func machine(_ state: String) -> ResponseState {
    var machine = ResponseState()
    for event in Self.paths[state]! { _ = machine.handle(event) }
    return machine
  }

  @Test(arguments: table.keys.sorted(), Event.allCases)
  func everyStateAnswersEveryEvent(state: String, event: Event) {
    var machine = machine(state)
    let (action, next) = Self.table[state]![event] ?? (.none, state)
    #expect(machine.handle(event) == action)
    #expect(machine.isOpen == (next == "silent" || next == "talking"))
    for follower in Event.allCases {
      var (mine, expected) = (machine, self.machine(next))
      #expect(mine.handle(follower) == expected.handle(follower))
    }
  }
}
