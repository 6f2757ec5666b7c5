/// What has arrived of an answer and has not been taken yet.
///
/// | event            | waiting for head | open                    | ended             |
/// |------------------|------------------|-------------------------|-------------------|
/// | `receivedHead`   | open             | ignored (trailers)      | ignored           |
/// | `received`       | refused          | kept; held when full    | refused           |
/// | `ended`          | ended            | ended                   | ignored           |
/// | `takeHead`       | nothing yet      | the head                | the head, or why  |
/// | `takeChunk`      | nothing yet      | what is there           | the rest, or why  |
///
/// When it is full the sender is held and stays held until everything was taken.
struct TransferState {
  /// What becomes of a piece of the body.
  enum Receipt: Equatable {
    case kept
    case held
    case refused
  }

  /// A piece of the body, whether the sender may go on, or the end.
  enum Chunk {
    case bytes([UInt8], resume: Bool)
    case end
    case failed(any Error)
  }

  private enum Phase {
    case waiting
    case open(HTTPResponseHead)
    case ended(HTTPResponseHead?, (any Error)?)
  }

  /// Bytes kept before the sender is held.
  static let capacity = 256 << 10

  private var phase = Phase.waiting
  private var buffer: [UInt8] = []
  private var isHeld = false

  mutating func receivedHead(_ head: HTTPResponseHead) {
    if case .waiting = phase { phase = .open(head) }
  }

  mutating func received(_ bytes: UnsafeRawBufferPointer) -> Receipt {
    guard case .open = phase else { return .refused }
    guard buffer.isEmpty || buffer.count + bytes.count <= Self.capacity else {
      isHeld = true
      return .held
    }
    buffer.append(contentsOf: bytes)
    return .kept
  }

  mutating func ended(_ error: (any Error)?) {
    switch phase {
    case .waiting: phase = .ended(nil, error)
    case .open(let head):
      phase = .ended(head, error)
      if error is CancellationError { buffer = [] }
    case .ended: break
    }
  }

  func takeHead() -> Result<HTTPResponseHead, any Error>? {
    switch phase {
    case .waiting: nil
    case .open(let head): .success(head)
    case .ended(let head?, _): .success(head)
    case .ended(nil, let error): .failure(error ?? HTTPClientError(.transfer, "An answer had no header."))
    }
  }

  mutating func takeChunk() -> Chunk? {
    if !buffer.isEmpty {
      defer {
        buffer = []
        isHeld = false
      }
      return .bytes(buffer, resume: isHeld)
    }
    switch phase {
    case .waiting, .open: return nil
    case .ended(_, let error): return error.map { .failed($0) } ?? .end
    }
  }
}
