import Logging
import ServiceLifecycle

/// Work in addition to the endpoints, such as watching files. Runs until it is done or its group is shut down.
struct Background: Service {
  /// The work; ends when its task is cancelled.
  let work: @Sendable () async -> Void

  func run() async { await cancelWhenGracefulShutdown(work) }
}

/// Ends something that was begun before its group ran, when the group is shut down.
struct Closing: Service {
  /// Ends it.
  let close: @Sendable () async -> Void

  func run() async {
    try? await gracefulShutdown()
    await close()
  }
}

extension ServiceGroup {
  /// Makes a group that ends when `end` does, or when it is told to: one service after the other, the last one first. The other
  /// services may end earlier.
  init(_ services: [any Service], until end: any Service, _ logger: Logger) {
    // The library's own log lines about starting and ending are not useful to operators.
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .warning)
    let members = services.map {
      ServiceGroupConfiguration.ServiceConfiguration(
        service: $0, successTerminationBehavior: .ignore, failureTerminationBehavior: .ignore)
    }
    let last = ServiceGroupConfiguration.ServiceConfiguration(
      service: end, successTerminationBehavior: .gracefullyShutdownGroup,
      failureTerminationBehavior: .gracefullyShutdownGroup)
    self.init(configuration: .init(services: members + [last], logger: quiet))
  }
}
