import Testing

/// A transition table as text: a line of events, then a line for each state. A cell is `–` when nothing happens,
/// `action`, `> state`, or `action > state`. Every pair must be there.
public struct TransitionTable {
  private let events: [String]
  private let rows: [(state: String, cells: [String])]

  /// Reads a table.
  public init(_ text: String) {
    let lines = text.split(separator: "\n").map { line in
      line.split(separator: "|", omittingEmptySubsequences: false).map { word in
        String(word.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
      }
    }
    events = Array(lines[0].dropFirst())
    rows = lines.dropFirst().map { ($0[0], Array($0.dropFirst())) }
  }

  /// Tries every pair. `run` applies an event to a machine in a state and tells the action and the state it led to.
  public func check<State: CaseIterable, Event: CaseIterable>(
    _ states: State.Type, _ events: Event.Type, run: (State, Event) -> (action: String, next: String)
  ) {
    #expect(self.events == Event.allCases.map { "\($0)" })
    #expect(rows.map(\.state) == State.allCases.map { "\($0)" })
    for (state, row) in zip(State.allCases, rows) {
      guard row.cells.count == self.events.count else {
        Issue.record("\(row.state) has \(row.cells.count) cells for \(self.events.count) events")
        continue
      }
      for (event, cell) in zip(Event.allCases, row.cells) {
        let parts = cell.split(separator: ">", omittingEmptySubsequences: false).map { $0.filter { $0 != " " } }
        let action = parts[0].isEmpty || parts[0] == "–" ? "none" : parts[0]
        let next = parts.count > 1 ? parts[1] : "\(state)"
        let result = run(state, event)
        #expect(result.action == action && result.next == next, "\(event) while \(state): \(result)")
      }
    }
  }
}

/// The name of an enum's case without what it carries.
public func caseName<T>(_ value: T) -> String { String("\(value)".prefix { $0 != "(" }) }
