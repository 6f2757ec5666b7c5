import HTTPTypes
import Hummingbird
import NIOCore

typealias AdminRouter = Router<AdminContext>
typealias AdminHandler = @Sendable (Request, AdminContext) async throws -> Response

/// What the handlers of all paths share.
struct AdminEnvironment: Sendable {
  let plane: any ControlPlane
  let limits: AdminLimits
  let streams: LineStreams
}

extension AdminRouter {
  /// All paths. Every concern has a file of its own.
  static func admin(_ environment: AdminEnvironment) -> AdminRouter {
    let router = AdminRouter(context: AdminContext.self)
    router.add(middleware: ErrorAnswers())
    router.addHealthRoutes(environment)
    router.addClusterRoutes(environment)
    router.addObjectRoutes(environment)
    router.addHistoryRoutes(environment)
    router.addRecordRoutes(environment)
    return router
  }

  /// Methods that the router can name in an answer of 405.
  static var knownMethods: [HTTPRequest.Method] {
    [.get, .head, .post, .put, .delete, .connect, .options, .trace, .patch]
  }

  /// Adds a path with its methods; the other ones are answered with 405 and those that are allowed (RFC 9110, 15.5.6).
  func on(_ path: RouterPath, _ handlers: [HTTPRequest.Method: AdminHandler]) {
    let allowed = handlers.keys.map(\.rawValue).sorted().joined(separator: ", ")
    for method in Self.knownMethods {
      if let handler = handlers[method] {
        on(path, method: method, use: handler)
      } else {
        on(path, method: method) { request, _ -> Response in
          var response = AdminError(
            .methodNotAllowed, "\(request.method.rawValue) does not work on this path", hint: "Use \(allowed)"
          ).response
          response.headers[.allow] = allowed
          return response
        }
      }
    }
  }
}

/// Turns what handlers and the router throw into answers.
struct ErrorAnswers: RouterMiddleware {
  typealias Context = AdminContext

  func handle(
    _ request: Request, context: AdminContext, next: (Request, AdminContext) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch {
      let answer = AdminError(error)
      if answer.code == .internal { context.logger.error("\(request.method.rawValue) failed: \(error)") }
      return answer.response
    }
  }
}
