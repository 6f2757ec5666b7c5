import NIOCore
import NIOSSL
import NIOTLS
import Transport

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Follows the TLS handler of a channel and delays `channelActive` until the handshake is complete and both sides have agreed on
/// the inner protocol.
///
/// | state    | active           | handshake done                  | error           | timeout         | close   |
/// |----------|------------------|---------------------------------|-----------------|-----------------|---------|
/// | waiting  | start the timer  | right protocol: open; else fail | fail            | fail            | closing |
/// | open     | –                | –                               | pass on         | –               | closing |
/// | closing  | –                | –                               | –               | –               | –       |
///
/// While closing, received bytes are dropped: TLS needs a round trip to close, but the inner protocol has ended already.
final class HandshakeHandler: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundIn = ByteBuffer

  private enum State { case waiting, open, closing }

  private let tls: NIOSSLHandler
  private let expected: ApplicationProtocol
  private let timeout: TimeAmount
  /// Called once if the handshake fails, with the peer's address.
  private let onFailure: (TLSError, _ peer: String) -> Void
  /// Explains why a certificate was not verified.
  private let explain: (NIOSSLCertificate) -> String
  /// Returns why a verified certificate is not accepted; nil if it is.
  private let objection: (NIOSSLCertificate) -> String?
  private var state = State.waiting
  private var timer: Scheduled<Void>?
  private var peer = "an unknown address"

  init(
    behind tls: NIOSSLHandler, expecting expected: ApplicationProtocol, within timeout: TimeAmount,
    explain: @escaping (NIOSSLCertificate) -> String,
    objection: @escaping (NIOSSLCertificate) -> String? = { _ in nil },
    onFailure: @escaping (TLSError, _ peer: String) -> Void
  ) {
    self.tls = tls
    self.expected = expected
    self.timeout = timeout
    self.explain = explain
    self.objection = objection
    self.onFailure = onFailure
  }

  func channelActive(context: ChannelHandlerContext) {
    if let address = context.remoteAddress { peer = Self.text(address) }
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleTask(in: timeout) {
      let (handler, context) = bound.value
      handler.fail(
        context, TLSError(.handshake, "the peer did not complete the handshake within \(handler.timeoutText)"))
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .handshakeCompleted(let negotiated)? = event as? TLSUserEvent { complete(context, negotiated) }
    context.fireUserInboundEventTriggered(event)
  }

  private func complete(_ context: ChannelHandlerContext, _ negotiated: String?) {
    guard state == .waiting else { return }
    guard expected.accepts(negotiated) else {
      return fail(
        context, TLSError(.handshake, "the peer does not offer \(expected.words) (ALPN '\(expected.rawValue)')"))
    }
    let shown = tls.peerCertificate
    // A resumed session has the certificate of its original handshake.
    if let shown, let reason = shown.invalidity(at: time(nil)) {
      return fail(context, TLSError(.handshake, "the peer's certificate \(shown.title) \(reason)"))
    }
    if let shown, let reason = objection(shown) { return fail(context, TLSError(.handshake, reason)) }
    do {
      let certificate = try shown.map { try PeerCertificate($0) }
      state = .open
      timer?.cancel()
      if let certificate { context.fireUserInboundEventTriggered(certificate) }
      context.fireChannelActive()
    } catch {
      fail(
        context, TLSError(.handshake, "the peer's certificate cannot be read", evidence: BoringSSLReason.words(error)))
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    switch state {
    case .waiting: fail(context, describe(error))
    // HTTP itself delimits its messages; many peers close without a TLS alert (RFC 9112, section 9.8).
    case .open where error as? NIOSSLError == .uncleanShutdown: break
    case .open: context.fireErrorCaught(error is NIOSSLError || error is BoringSSLError ? describe(error) : error)
    case .closing: break
    }
  }

  private func describe(_ error: any Error) -> TLSError {
    if BoringSSLReason(error) == .unverified, let certificate = tls.peerCertificate {
      return TLSError(.handshake, explain(certificate))
    }
    return TLSError(.handshake, BoringSSLReason.words(error))
  }

  private func fail(_ context: ChannelHandlerContext, _ error: TLSError) {
    guard state == .waiting else { return }
    state = .closing
    timer?.cancel()
    onFailure(error, peer)
    context.fireErrorCaught(error)
    context.close(promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    if state == .open { context.fireChannelRead(data) }
  }

  func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    if mode == .all { state = .closing }
    context.close(mode: mode, promise: promise)
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    state = .closing
    timer?.cancel()
    timer = nil
  }

  private var timeoutText: String { "\(timeout.nanoseconds / 1_000_000) ms" }

  private static func text(_ address: SocketAddress) -> String {
    guard let host = address.ipAddress, let port = address.port else { return "\(address)" }
    return host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}

/// The protocol inside TLS; raw values are ALPN names (RFC 7301).
public enum ApplicationProtocol: String, Sendable, CaseIterable {
  /// HTTP/2.
  case http2 = "h2"
  /// HTTP/1.1.
  case http1 = "http/1.1"

  /// Without ALPN, HTTP/1.1 is implied; HTTP/2 must be negotiated (RFC 9113, section 3.2).
  func accepts(_ negotiated: String?) -> Bool { negotiated == rawValue || negotiated == nil && self == .http1 }

  /// The name for messages.
  var words: String { self == .http2 ? "HTTP/2" : "HTTP/1.1" }
}
