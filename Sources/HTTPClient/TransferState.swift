/// The part of a response that has arrived and has not been taken yet.
///
/// | event            | waiting for head | open                    | ended             |
/// |------------------|------------------|-------------------------|-------------------|
/// | `receivedHead`   | open             | ignored (trailers)      | ignored           |
/// | `received`       | refused          | kept; held when full    | refused           |
/// | `ended`          | ended            | ended                   | ignored           |
/// | `takeHead`       | nothing yet      | the head                | head, or error    |
/// | `takeChunk`      | nothing yet      | the bytes received      | rest, or error    |
///
/// When it is full, the sender is paused until everything was taken.
struct TransferState {
  /// What happens to a piece of the body.
  enum Receipt: Equatable {
    case kept
    case held
    case refused
  }

  /// A piece of the body, with whether the sender may continue, or the end.
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

  /// The number of bytes kept before the sender is paused.
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
    case .ended(nil, let error): .failure(error ?? HTTPClientError(.transfer, "A response had no header."))
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
