import Logging

/// The state shared by all calls of a server.
final class ServerCore: Sendable {
  let methods: MethodTable
  let limits: ServerLimits
  let bounds: MessageBounds
  let metadata: MetadataBounds
  let budget: MessageBudget
  let interceptors: [any ServerInterceptor]
  let logger: Logger

  init(services: [GRPCService], limits: ServerLimits, interceptors: [any ServerInterceptor], logger: Logger) {
    methods = MethodTable(services)
    self.limits = limits
    bounds = limits.messages
    metadata = limits.metadata
    budget = MessageBudget(bytes: limits.messageBudgetBytes)
    self.interceptors = interceptors
    self.logger = logger
  }
}
