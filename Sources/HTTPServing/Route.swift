import Access
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// Answers the requests of a route.
public typealias RouteHandler = @Sendable (Request, RouteContext) async throws -> Response

/// The handler of a method on a path, and the conditions that a request must meet before it is called.
public struct Route: Sendable {
  /// Returns the least role of the caller; nil when the route is open to everyone.
  let role: @Sendable (Request) -> Role?
  /// Largest accepted body, in bytes.
  let maximumBodyBytes: Int
  /// Whether the route reports the health; then it is answered even when the server has reached its limit of requests.
  let isHealth: Bool
  let handler: RouteHandler

  /// Makes a route with the least role of its callers; nil to open it to everyone.
  public init(
    _ role: Role?, maximumBodyBytes: Int = 0, isHealth: Bool = false, _ handler: @escaping RouteHandler
  ) {
    self.init(roleOf: { _ in role }, maximumBodyBytes: maximumBodyBytes, isHealth: isHealth, handler)
  }

  /// Makes a route whose least role depends on the request.
  public init(
    roleOf role: @escaping @Sendable (Request) -> Role?, maximumBodyBytes: Int = 0, isHealth: Bool = false,
    _ handler: @escaping RouteHandler
  ) {
    self.role = role
    self.maximumBodyBytes = maximumBodyBytes
    self.isHealth = isHealth
    self.handler = handler
  }
}

/// The routes of an HTTP server. Requests that match none are answered to operators only, so that others cannot find out which
/// exist.
public final class Routes {
  let router = Router(context: RouteContext.self)

  /// Makes an empty set of routes.
  /// - Parameters:
  ///   - hint: what to do about a path that does not exist.
  ///   - translate: converts the errors of the layers below for callers.
  public init(hint: String, translating translate: @escaping @Sendable (any Error) -> RequestError) {
    router.add(middleware: Answering(hint: hint, translate: translate))
  }

  /// The methods that the `Allow` field of a 405 answer can list.
  static var knownMethods: [HTTPRequest.Method] {
    [.get, .head, .post, .put, .delete, .connect, .options, .trace, .patch]
  }

  /// Adds a path with its methods. HEAD is answered as GET, without the body (RFC 9110, 9.3.2); other methods with 405 and the
  /// supported ones (15.5.6).
  public func on(_ path: RouterPath, _ routes: [HTTPRequest.Method: Route]) {
    var routes = routes
    routes[.head] = routes[.head] ?? routes[.get]
    let allowed = routes.keys.map(\.rawValue).sorted().joined(separator: ", ")
    for method in Self.knownMethods {
      let route =
        routes[method]
        ?? Route(.operator) { request, _ in
          throw RequestError(
            .methodNotAllowed, "this path does not support \(request.method.rawValue)", hint: "Use \(allowed)",
            allowed: allowed)
        }
      router.on(path, method: method) { request, context in
        let context = try await context.admitted(request, to: route)
        return try await route.handler(request, context)
      }
    }
  }

  /// Converts the errors that handlers and the router throw to answers.
  private struct Answering: RouterMiddleware {
    typealias Context = RouteContext

    let hint: String
    let translate: @Sendable (any Error) -> RequestError

    func handle(
      _ request: Request, context: RouteContext, next: (Request, RouteContext) async throws -> Response
    ) async throws -> Response {
      do {
        do { return try await next(request, context) } catch let error as any HTTPResponseError
          where error.status == .notFound
        {
          let nothing = Route(.operator) { _, _ in
            throw RequestError(.notFound, "there is no such path", hint: hint)
          }
          return try await nothing.handler(request, context.admitted(request, to: nothing))
        }
      } catch {
        let answer = translate(error)
        if answer.code == .internal { context.logger.error("\(request.method.rawValue) failed: \(error)") }
        return answer.response
      }
    }
  }
}
