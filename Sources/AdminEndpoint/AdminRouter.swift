import Access
import Coordinator
import HTTPServing
import Objects
import StateStore

/// What the handlers of all paths share.
struct AdminEnvironment: Sendable {
  let plane: any AdminBackend
  let limits: HTTPLimits
  let streams: LineStreams
  /// Access control; nil if it is not configured.
  let access: AccessControl?

  /// Records in the audit trail what a caller did to an object. Without access control the transactions of the state store are
  /// sufficient.
  func note(_ caller: Authentication, _ action: String, _ object: ObjectReference) {
    access?.note(caller, action, object.description)
  }
}

extension Routes {
  /// The routes of the operators' API. Each group of paths has a file of its own.
  static func admin(_ environment: AdminEnvironment) -> Routes {
    let routes = Routes(hint: "GET /control/v1/objects lists the kinds of objects") { RequestError(telling: $0) }
    routes.addHealthRoutes(environment)
    routes.addClusterRoutes(environment)
    routes.addObjectRoutes(environment)
    routes.addHistoryRoutes(environment)
    routes.addRecordRoutes(environment)
    return routes
  }
}

extension RouteContext {
  /// The part of the state store that the caller may see.
  var view: TenantView { TenantView(caller) }
}
