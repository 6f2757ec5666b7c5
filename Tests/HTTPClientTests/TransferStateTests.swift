import Testing

@testable import HTTPClient

@Suite("The state of a response")
struct TransferStateTests {
  private static let head = HTTPResponseHead(status: 200, headers: [])

  private enum Start: CaseIterable { case waiting, open, complete, failed, cancelledEarly }

  private func state(_ start: Start) -> TransferState {
    var state = TransferState()
    if start == .open || start == .complete || start == .failed { state.receivedHead(Self.head) }
    if start == .open || start == .failed { #expect(receive(&state, 3) == .kept) }
    switch start {
    case .complete: state.ended(nil)
    case .failed: state.ended(HTTPClientError(.transfer, "cut"))
    case .cancelledEarly: state.ended(CancellationError())
    default: break
    }
    return state
  }

  private func receive(_ state: inout TransferState, _ count: Int) -> TransferState.Receipt {
    [UInt8](repeating: 1, count: count).withUnsafeBytes { state.received($0) }
  }

  @Test("answers every query in every state")
  func takes() {
    for start in Start.allCases {
      var state = state(start)
      let head = try? state.takeHead()?.get()
      let chunk = state.takeChunk()
      switch (start, chunk) {
      case (.waiting, nil): if state.takeHead() != nil { Issue.record("a head from nowhere") }
      case (.open, .bytes(let bytes, false)?), (.failed, .bytes(let bytes, false)?):
        #expect(bytes == [1, 1, 1])
        #expect(head == Self.head)
      case (.complete, .end?): #expect(head == Self.head)
      case (.cancelledEarly, .failed(let error)?):
        #expect(error is CancellationError)
        #expect(head == nil)
      default: Issue.record("\(start) gave \(String(describing: chunk))")
      }
    }
  }

  @Test("accepts events only while it is open, and the end only once")
  func events() {
    for start in Start.allCases {
      var state = state(start)
      #expect(receive(&state, 1) == (start == .open ? .kept : .refused))
      state.receivedHead(HTTPResponseHead(status: 500, headers: []))
      let status = try? state.takeHead()?.get().status
      #expect(status == (start == .waiting ? 500 : start == .cancelledEarly ? nil : 200))
      state.ended(CancellationError())
      state.ended(nil)
      while case .bytes? = state.takeChunk() {}
      switch (start, state.takeChunk()) {
      case (.complete, .end?): break
      case (.failed, .failed(let error)?): #expect(error is HTTPClientError)
      case (.waiting, .failed(let error)?), (.open, .failed(let error)?), (.cancelledEarly, .failed(let error)?):
        #expect(error is CancellationError)
      case (_, let chunk): Issue.record("\(start) ended as \(String(describing: chunk))")
      }
    }
  }

  @Test("pauses the sender when it is full, and resumes it when everything is taken")
  func holding() {
    var state = state(.open)
    #expect(receive(&state, TransferState.capacity - 3) == .kept)
    #expect(receive(&state, 1) == .held)
    guard case .bytes(let bytes, resume: true)? = state.takeChunk() else {
      Issue.record("nothing to take")
      return
    }
    #expect(bytes.count == TransferState.capacity)
    // A single piece larger than the capacity is accepted, too.
    #expect(receive(&state, TransferState.capacity + 1) == .kept)
    guard case .bytes(_, resume: false)? = state.takeChunk() else {
      Issue.record("nothing to take")
      return
    }
    if state.takeChunk() != nil { Issue.record("a chunk from nowhere") }
  }
}
