import Access
import Hummingbird
import Logging
import NIOCore

/// The context of a request: its connection and its caller.
public struct RouteContext: RequestContext {
  /// What a context is made from.
  public struct Source: RequestContextSource {
    /// The logger of the request.
    public let logger: Logger
    let channel: any Channel
    let admission: Admission
  }

  /// The data that the router keeps for a request.
  public var coreContext: CoreRequestContextStorage
  let channel: any Channel
  private let admission: Admission
  /// The caller; nil when it is unknown, on a route that is open to everyone.
  public private(set) var caller: Authentication?

  /// Makes the context of a request whose caller is not known yet.
  public init(source: Source) {
    coreContext = CoreRequestContextStorage(source: source)
    channel = source.channel
    admission = source.admission
  }

  /// Returns the caller, on a route that requires a role.
  /// - Throws: `RequestError` when the caller is unknown.
  public func knownCaller() throws(RequestError) -> Authentication {
    guard let caller else { throw RequestError(.unauthenticated, "the caller cannot be identified") }
    return caller
  }

  /// The peer to count streams under.
  var peer: String { admission.peer }

  /// Returns the context for a request that may use a route.
  /// - Throws: `RequestError`, `AccessRefusal`.
  func admitted(_ request: Request, to route: Route) async throws -> RouteContext {
    var context = self
    context.caller = try await admission.admit(request, to: route)
    return context
  }
}
