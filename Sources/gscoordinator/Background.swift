import Logging
import ServiceLifecycle

/// Work in addition to the endpoints, such as watching files. Runs until it is done or its group is shut down.
struct Background: Service {
  /// The work; ends when its task is cancelled.
  let work: @Sendable () async -> Void

  func run() async { await cancelWhenGracefulShutdown(work) }
}

extension ServiceGroup {
  /// Makes a group of work in addition to the endpoints. The group keeps running when some of it is done.
  init(_ background: [Background], _ logger: Logger) {
    // The library's own log lines about starting and ending are not useful to operators.
    var quiet = logger
    quiet.logLevel = max(logger.logLevel, .warning)
    let services = background.map {
      ServiceGroupConfiguration.ServiceConfiguration(
        service: $0, successTerminationBehavior: .ignore, failureTerminationBehavior: .ignore)
    }
    self.init(configuration: .init(services: services, logger: quiet))
  }
}
