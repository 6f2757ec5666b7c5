import Access
import HTTPServing
import HTTPTypes
import Hummingbird
import JSON
import NIOCore
import Wire

extension Routes {
  /// Adds the routes of the cluster. `POST /control/v1/reload` applies the current configuration files of hosts and tenants;
  /// with `dry_run=true` it only reports what would change. `/metrics` returns counters and measurements for Prometheus.
  func addClusterRoutes(_ environment: AdminEnvironment) {
    let (plane, limits) = (environment.plane, environment.limits)
    on(
      "control/v1/reload",
      [
        .post: Route(.operator) { request, context in
          let isDryRun = try RequestQuery(request, ["dry_run"], limits: limits).flag("dry_run")
          let caller = try context.knownCaller()
          let changes = try await plane.reload(isDryRun: isDryRun, by: caller.identity.principal)
          return Response(
            json: .object([("dry_run", .bool(isDryRun)), ("changes", .array(changes.map { .string($0) }))]))
        }
      ])
    on(
      "metrics",
      [
        .get: Route(.operator) { request, _ in
          _ = try RequestQuery(request, [], limits: limits)
          return Response(
            status: .ok,
            headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: plane.metrics)))
        }
      ])
  }
}
