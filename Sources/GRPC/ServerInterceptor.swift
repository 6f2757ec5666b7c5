/// Code that sees every call of a server: authentication, logging, metrics.
///
/// Both hooks run on the event loop and must be quick.
public protocol ServerInterceptor: Sendable {
  /// A call to a known method begins. Throwing a `GRPCStatus` refuses it.
  func begin(_ context: ServerContext) throws
  /// A call that `begin` has seen is over.
  func end(_ context: ServerContext, _ status: GRPCStatus)
}

extension ServerInterceptor {
  /// Lets the call pass.
  public func begin(_ context: ServerContext) throws {}
  /// Does nothing.
  public func end(_ context: ServerContext, _ status: GRPCStatus) {}
}
