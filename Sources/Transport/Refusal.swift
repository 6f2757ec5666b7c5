import HTTP2

/// The reasons for which a server refuses requests or cuts off connections, to protect other peers or because HTTP/2 was
/// violated.
public enum Refusal: String, Sendable, CaseIterable {
  /// A connection or a peer exceeds its share of received bytes held in memory.
  case receivedBytes = "received_bytes"
  /// A response does not fit beside those that the peer has not read.
  case queuedBytes = "queued_bytes"
  /// A connection or a peer exceeds its number of open streams.
  case streams
  /// A header list is excessively long, or its frames take too long.
  case headers
  /// The metadata of a call is too long or has too many entries.
  case metadata
  /// Too many resets, or too many frames that cost work but carry no payload.
  case flood
  /// The bytes of a request arrive too slowly or not at all.
  case slowRequest = "slow_request"
  /// A peer does not read its responses.
  case slowReader = "slow_reader"
  /// The preface did not arrive in time.
  case preface
  /// Another rule of HTTP/2 was violated.
  case protocolError = "protocol"
  /// The number of connections exceeds its limit.
  case connections
  /// There was no descriptor for accepting a connection.
  case descriptors

  /// Returns the kind for an error that ends a connection.
  init(_ error: HTTP2Error) {
    self = error.code == .enhanceYourCalm ? .flood : .protocolError
  }
}

/// Receives a refusal, with the peer if it is known and a sentence that describes it. Called on an event loop.
public typealias RefusalReport = @Sendable (_ kind: Refusal, _ peer: Peer?, _ text: String) -> Void
