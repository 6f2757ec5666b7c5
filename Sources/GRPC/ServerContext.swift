import Synchronization
import Transport

/// Describes a call to its handler, and lets the handler send metadata. Can be used from any thread.
public final class ServerContext: Sendable {
  /// The full path, `/package.Service/Method`.
  public let path: String
  /// The peer of the connection.
  public let peer: Peer
  /// The client's verified certificate; nil if it has none or there is no TLS.
  public let certificate: PeerCertificate?
  /// The name of the listener that accepted the connection.
  public let listener: String
  /// The number of the connection, unique within the process.
  public let connection: UInt64
  /// The metadata sent by the client.
  public let metadata: Metadata
  /// The deadline of the call; nil: none.
  public let deadline: ContinuousClock.Instant?

  /// Whether the call's responses are compressed.
  struct Compression: Sendable {
    /// Whether the client accepts gzip.
    var isPossible = false
    var isWanted = false
    /// Whether the first response has been written, whose headers declare the encoding.
    var isFixed = false
  }

  private struct State {
    var isCancelled = false
    var isRequestCompressed = false
    var compression: Compression
    var credential: (any AnyObject & Sendable)?
    var callbacks: [@Sendable () -> Void] = []
    var initial: Metadata?
    var trailing = Metadata()
  }
  private let state: Mutex<State>

  /// Creates a context, for servers and for tests of handlers.
  public convenience init(
    path: String, peer: Peer, certificate: PeerCertificate? = nil, listener: String = GRPCServer.mainListener,
    connection: UInt64 = 0, metadata: Metadata, deadline: ContinuousClock.Instant? = nil
  ) {
    self.init(
      path: path, peer: peer, certificate: certificate, listener: listener, connection: connection,
      metadata: metadata, deadline: deadline, compression: Compression())
  }

  init(
    path: String, peer: Peer, certificate: PeerCertificate?, listener: String, connection: UInt64, metadata: Metadata,
    deadline: ContinuousClock.Instant?, compression: Compression
  ) {
    state = Mutex(State(compression: compression))
    self.path = path
    self.peer = peer
    self.certificate = certificate
    self.listener = listener
    self.connection = connection
    self.metadata = metadata
    self.deadline = deadline
  }

  /// The credential of the caller, set by an interceptor; nil if none was established. A reference type, so that storing it is
  /// cheap.
  public var credential: (any AnyObject & Sendable)? {
    get { state.withLock { $0.credential } }
    set { state.withLock { $0.credential = newValue } }
  }

  /// Whether the result is no longer needed: the client has cancelled, the deadline has passed or the connection is lost. The
  /// handler's task is cancelled as well.
  public var isCancelled: Bool { state.withLock { $0.isCancelled } }

  /// Calls `body` once when the call is cancelled, or immediately if it already is; never after the handler has returned.
  public func onCancel(_ body: @escaping @Sendable () -> Void) {
    let isCancelled = state.withLock { state in
      if !state.isCancelled { state.callbacks.append(body) }
      return state.isCancelled
    }
    if isCancelled { body() }
  }

  /// Whether the last request read was compressed.
  public internal(set) var isRequestCompressed: Bool {
    get { state.withLock { $0.isRequestCompressed } }
    set { state.withLock { $0.isRequestCompressed = newValue } }
  }

  /// Whether responses are compressed, each only if worthwhile. By default true if the client compresses its requests; always
  /// false if the client does not accept gzip. Setting it after a message has been written has no effect.
  public var compressesResponses: Bool {
    get { state.withLock { $0.compression.isWanted } }
    set {
      state.withLock { state in
        guard !state.compression.isFixed else { return }
        state.compression.isWanted = newValue && state.compression.isPossible
      }
    }
  }

  /// Returns whether responses are compressed, and makes that final.
  func fixCompression() -> Bool {
    state.withLock { state in
      state.compression.isFixed = true
      return state.compression.isWanted
    }
  }

  /// Sets the metadata to send before the first message. Has no effect after a message has been written.
  public func setInitialMetadata(_ metadata: Metadata) {
    state.withLock { $0.initial = metadata }
  }

  /// Sets the metadata to send with the status.
  public func setTrailingMetadata(_ metadata: Metadata) {
    state.withLock { $0.trailing = metadata }
  }

  /// Returns the contents of the headers before the first message, and makes them final.
  func beginResponse() -> (metadata: Metadata?, isCompressed: Bool) {
    state.withLock { state in
      state.compression.isFixed = true
      return (state.initial, state.compression.isWanted)
    }
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

  /// Called when the handler has returned; releases the callbacks and what they reference.
  func finish() {
    state.withLock { $0.callbacks = [] }
  }
}
