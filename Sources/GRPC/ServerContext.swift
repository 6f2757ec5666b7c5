import Synchronization
import Transport

/// What a handler knows about its call, and what it can tell the client beside messages. Safe to use from any thread.
public final class ServerContext: Sendable {
  /// The full path, `/package.Service/Method`.
  public let path: String
  /// Who calls.
  public let peer: Peer
  /// What the caller's certificate says, verified; nil: it has none, or there is no TLS.
  public let certificate: PeerCertificate?
  /// The name of the listener that the connection came over.
  public let listener: String
  /// Over which connection; no number is used twice in a process.
  public let connection: UInt64
  /// What the client sent with the call.
  public let metadata: Metadata
  /// When the client gives up; nil: never.
  public let deadline: ContinuousClock.Instant?

  private struct State {
    var isCancelled = false
    var credential: (any AnyObject & Sendable)?
    var callbacks: [@Sendable () -> Void] = []
    var initial: Metadata?
    var trailing = Metadata()
  }
  private let state = Mutex(State())

  /// Makes a context; servers do, and tests of handlers.
  public init(
    path: String, peer: Peer, certificate: PeerCertificate? = nil, listener: String = GRPCServer.mainListener,
    connection: UInt64 = 0, metadata: Metadata, deadline: ContinuousClock.Instant? = nil
  ) {
    self.path = path
    self.peer = peer
    self.certificate = certificate
    self.listener = listener
    self.connection = connection
    self.metadata = metadata
    self.deadline = deadline
  }

  /// Who calls, as an interceptor found out; nil when none did. A reference: to keep it costs a call nothing.
  public var credential: (any AnyObject & Sendable)? {
    get { state.withLock { $0.credential } }
    set { state.withLock { $0.credential = newValue } }
  }

  /// Whether nobody waits for the answer any more: the client cancelled, the deadline has passed, or the connection is
  /// lost. The handler's task is cancelled too.
  public var isCancelled: Bool { state.withLock { $0.isCancelled } }

  /// Calls `body` once when the call is cancelled, at once if it is already; never after the handler has returned.
  public func onCancel(_ body: @escaping @Sendable () -> Void) {
    let isCancelled = state.withLock { state in
      if !state.isCancelled { state.callbacks.append(body) }
      return state.isCancelled
    }
    if isCancelled { body() }
  }

  /// Metadata that goes out before the first message. Without effect once a message has been written.
  public func setInitialMetadata(_ metadata: Metadata) {
    state.withLock { $0.initial = metadata }
  }

  /// Metadata that goes out with the status.
  public func setTrailingMetadata(_ metadata: Metadata) {
    state.withLock { $0.trailing = metadata }
  }

  var initialMetadata: Metadata? { state.withLock { $0.initial } }
  var trailingMetadata: Metadata { state.withLock { $0.trailing } }

  func cancel() {
    let callbacks = state.withLock { state in
      state.isCancelled = true
      defer { state.callbacks = [] }
      return state.callbacks
    }
    for callback in callbacks { callback() }
  }

  /// The handler has returned: callbacks are dropped, and with them what they hold.
  func finish() {
    state.withLock { $0.callbacks = [] }
  }
}
