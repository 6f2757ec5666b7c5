import Coordinator
import HTTPTypes
import Hummingbird
import Wire

extension AdminRouter {
  /// `/healthz`: whether the process works. `/readyz`: whether it takes new work. `/version`: what it is.
  func addHealthRoutes(_ environment: AdminEnvironment) {
    let (plane, limits) = (environment.plane, environment.limits)
    on(
      "healthz",
      [
        .get: { request, context in
          _ = try RequestQuery(request, [], limits: limits)
          return Self.answer(await plane.failures(), "the coordinator does not work", to: context.caller)
        }
      ])
    on(
      "readyz",
      [
        .get: { request, context in
          _ = try RequestQuery(request, [], limits: limits)
          return Self.answer(
            await plane.failures() + plane.obstacles(), "the coordinator takes no new work", to: context.caller)
        }
      ])
    on(
      "version",
      [
        .get: { request, _ in
          _ = try RequestQuery(request, [], limits: limits)
          let release = plane.release
          return Response(
            json: .object([
              ("name", .string("gscoordinator")), ("version", .string(release.server)),
              ("client", .string(release.client)),
            ]))
        }
      ])
  }

  /// The reasons are told to operators alone: they tell how the coordinator is built up.
  private static func answer(
    _ problems: [HealthProblem], _ message: String, to caller: Authentication?
  ) -> Response {
    guard !problems.isEmpty else {
      return Response(
        status: .ok, headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
        body: ResponseBody(byteBuffer: ByteBuffer(string: "ok\n")))
    }
    guard caller?.identity.role == .operator else {
      return AdminError(.unavailable, message, hint: "An operator is told why").response
    }
    let error = AdminError(.unavailable, message, hint: "See reasons")
    let reasons = problems.map { problem in
      JSONValue.object([("component", .string(problem.component)), ("message", .string(problem.message))])
    }
    return Response(
      status: error.status, json: .object((error.json.members ?? []) + [("reasons", .array(reasons))]))
  }
}
