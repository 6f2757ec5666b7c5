import HTTPTypes
import Hummingbird
import NIOCore
import Wire

extension AdminRouter {
  /// `POST /api/v1/reload`: puts the configuration of hosts and tenants into force, as it is now in its file; with
  /// `dry_run=true` tells what that would change. `/metrics`: counts and measurements for Prometheus.
  func addClusterRoutes(_ environment: AdminEnvironment) {
    let (plane, limits) = (environment.plane, environment.limits)
    on(
      "api/v1/reload",
      [
        .post: { request, context in
          let isDryRun = try RequestQuery(request, ["dry_run"], limits: limits).flag("dry_run")
          let changes = try await plane.reload(isDryRun: isDryRun, by: context.principal())
          return Response(
            json: .object([("dry_run", .bool(isDryRun)), ("changes", .array(changes.map { .string($0) }))]))
        }
      ])
    on(
      "metrics",
      [
        .get: { request, _ in
          _ = try RequestQuery(request, [], limits: limits)
          return Response(
            status: .ok,
            headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: plane.metrics)))
        }
      ])
  }
}
