/// Tracks what a server has sent on a call and decides what it may send next. A pure value.
///
/// | state  | message                  | status                | close           |
/// |--------|--------------------------|-----------------------|-----------------|
/// | silent | headersAndBody, talking  | trailersOnly, ended   | abandon, closed |
/// | talking| body, talking            | trailers, ended       | abandon, closed |
/// | ended  | –                        | –                     | –, closed       |
/// | closed | –                        | –                     | –               |
struct ResponseState {
  enum Event: CaseIterable { case message, status, close }
  enum Action { case none, headersAndBody, body, trailersOnly, trailers, abandon }
  private enum State { case silent, talking, ended, closed }
  private var state = State.silent

  /// Whether a status can still be sent.
  var isOpen: Bool { state == .silent || state == .talking }

  mutating func handle(_ event: Event) -> Action {
    switch (state, event) {
    case (.silent, .message): return move(.talking, .headersAndBody)
    case (.talking, .message): return .body
    case (.silent, .status): return move(.ended, .trailersOnly)
    case (.talking, .status): return move(.ended, .trailers)
    case (.silent, .close), (.talking, .close): return move(.closed, .abandon)
    case (.ended, .close): return move(.closed, .none)
    case (.ended, _), (.closed, _): return .none
    }
  }

  private mutating func move(_ next: State, _ action: Action) -> Action {
    state = next
    return action
  }
}
