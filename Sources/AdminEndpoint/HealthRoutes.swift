import Access
import Coordinator
import HTTPServing
import HTTPTypes
import Hummingbird
import JSON
import Wire

extension Routes {
  /// Adds `/healthz` (whether the process works), `/readyz` (whether it accepts new work) and `/version`.
  func addHealthRoutes(_ environment: AdminEnvironment) {
    let (plane, limits) = (environment.plane, environment.limits)
    on(
      "healthz",
      [
        .get: Route(nil, isHealth: true) { request, context in
          _ = try RequestQuery(request, [], limits: limits)
          return Self.answer(await plane.failures(), "the coordinator is not working", to: context.caller)
        }
      ])
    on(
      "readyz",
      [
        .get: Route(nil, isHealth: true) { request, context in
          _ = try RequestQuery(request, [], limits: limits)
          return Self.answer(
            await plane.failures() + plane.obstacles(), "the coordinator accepts no new work", to: context.caller)
        }
      ])
    on(
      "version",
      [
        .get: Route(.viewer) { request, _ in
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

  /// Only operators receive the reasons, because they reveal the internal structure of the coordinator.
  private static func answer(
    _ problems: [HealthProblem], _ message: String, to caller: Authentication?
  ) -> Response {
    guard !problems.isEmpty else {
      return Response(
        status: .ok, headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
        body: ResponseBody(byteBuffer: ByteBuffer(string: "ok\n")))
    }
    guard caller?.identity.role == .operator else {
      return RequestError(.unavailable, message, hint: "Operators see the reasons").response
    }
    let error = RequestError(.unavailable, message, hint: "See the field `reasons`")
    let reasons = problems.map { problem in
      JSONValue.object([("component", .string(problem.component)), ("message", .string(problem.message))])
    }
    return Response(
      status: error.status, json: .object((error.json.members ?? []) + [("reasons", .array(reasons))]))
  }
}
