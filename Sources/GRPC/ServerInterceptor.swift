/// Observes every call of a server, for example for authentication, logging or metrics.
///
/// Both methods run on the event loop and must return quickly.
public protocol ServerInterceptor: Sendable {
  /// Called when a call to a known method begins. Throw a `GRPCStatus` to reject the call.
  func begin(_ context: ServerContext) throws
  /// Called when a call that was passed to `begin` has ended.
  func end(_ context: ServerContext, _ status: GRPCStatus)
}

extension ServerInterceptor {
  /// Accepts the call.
  public func begin(_ context: ServerContext) throws {}
  /// Does nothing.
  public func end(_ context: ServerContext, _ status: GRPCStatus) {}
}
