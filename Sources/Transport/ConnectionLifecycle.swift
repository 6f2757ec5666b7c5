/// The state machine of a connection's timers, from the first byte to the last. A pure value that returns actions.
///
/// | state    | preface | request | prefaceTimeout | requestTimeout | idle  | shutdown | noticeOver | lost   |
/// |----------|---------|---------|----------------|----------------|-------|----------|------------|--------|
/// | silent   | expectRequest, fresh | – | cut, closed    | –              | –     | cut, closed | –       | closed |
/// | fresh    | –       | serving | –              | leave, leaving | leave, leaving | notice, noticed | – | closed |
/// | serving  | –       | –       | –              | –              | leave, leaving | notice, noticed | – | closed |
/// | noticed  | –       | –       | –              | –              | –     | –        | leave, leaving | closed |
/// | leaving  | –       | –       | –              | –              | –     | –        | –          | closed |
/// | closed   | –       | –       | –              | –              | –     | –        | –          | –      |
struct ConnectionLifecycle {
  enum Event: CaseIterable {
    /// The peer's preface and SETTINGS are complete.
    case preface
    /// The peer has opened its first stream.
    case request
    case prefaceTimeout
    case requestTimeout
    case idle
    case shutdown
    /// The peer has acknowledged the notice (its PING came back), or the time for that has passed.
    case noticeOver
    /// The transport is closed.
    case lost
  }

  enum Action: Equatable {
    case none
    /// Start the timeout for the peer's first request.
    case expectRequest
    /// Close immediately, without GOAWAY.
    case cut
    /// Send the first GOAWAY and a PING.
    case notice
    /// Send the final GOAWAY; the connection ends with its last stream.
    case leave
  }

  private enum State { case silent, fresh, serving, noticed, leaving, closed }
  private var state = State.silent

  mutating func handle(_ event: Event) -> Action {
    switch (state, event) {
    case (.closed, _): return .none
    case (_, .lost): return move(.closed, .none)
    case (.silent, .preface): return move(.fresh, .expectRequest)
    case (.silent, .prefaceTimeout), (.silent, .shutdown): return move(.closed, .cut)
    case (.fresh, .request): return move(.serving, .none)
    case (.fresh, .requestTimeout), (.fresh, .idle), (.serving, .idle): return move(.leaving, .leave)
    case (.fresh, .shutdown), (.serving, .shutdown): return move(.noticed, .notice)
    case (.noticed, .noticeOver): return move(.leaving, .leave)
    case (.silent, _), (.fresh, _), (.serving, _), (.noticed, _), (.leaving, _): return .none
    }
  }

  private mutating func move(_ next: State, _ action: Action) -> Action {
    state = next
    return action
  }
}
