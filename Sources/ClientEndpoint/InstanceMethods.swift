import Access
import Coordinator
import Engines
import GRPC
import Transport
import Wire

extension CoordinatorService {
  /// Adds the methods that open and close instances of the three kinds of engines.
  func addInstanceMethods(to service: inout GRPCService) {
    service.unary("CreateAnalyticalInstance") { (request: CreateAnalyticalInstanceRequest, context) in
      let session = try await answering { try coordinator.session(request.sessionID, for: Caller(context)) }
      return CreateAnalyticalInstanceResponse(
        instanceID: session.id, engineConfig: session.engineDescription.clientConfiguration,
        hostNames: session.engineDescription.hosts)
    }
    service.unary("CloseAnalyticalInstance") {
      (_: CloseAnalyticalInstanceRequest, _) -> CloseAnalyticalInstanceResponse in
      throw GRPCStatus(
        .unimplemented, "an analytical engine exists as long as its session. Close the session instead")
    }
    service.unary("CreateInteractiveInstance") { (request: CreateInteractiveInstanceRequest, context) in
      try await answering {
        let session = try coordinator.session(request.sessionID, for: Caller(context))
        let endpoints = try await session.openQueries(
          QueryInstanceRequest(
            objectID: request.objectID, schemaPath: request.schemaPath, parameters: request.parameters,
            withCypher: request.withCypher))
        try await requireClient(context) { try await session.closeQueries(objectID: request.objectID) }
        return CreateInteractiveInstanceResponse(
          // The text is the Python coordinator's.
          gremlinEndpoint: endpoints.gremlin,
          cypherEndpoint: endpoints.cypher.isEmpty ? "cypher is disabled" : endpoints.cypher,
          objectID: request.objectID)
      }
    }
    service.unary("CloseInteractiveInstance") { (request: CloseInteractiveInstanceRequest, context) in
      try await answering {
        let session = try coordinator.session(request.sessionID, for: Caller(context))
        try await session.closeQueries(objectID: request.objectID)
        return CloseInteractiveInstanceResponse()
      }
    }
    service.unary("CreateLearningInstance") { (request: CreateLearningInstanceRequest, context) in
      try await answering { try await createLearningInstance(request, context) }
    }
    service.unary("CloseLearningInstance") { (request: CloseLearningInstanceRequest, context) in
      try await answering {
        let session = try coordinator.session(request.sessionID, for: Caller(context))
        try await session.closeLearning(objectID: request.objectID)
        return CloseLearningInstanceResponse()
      }
    }
  }

  private func createLearningInstance(
    _ request: CreateLearningInstanceRequest, _ context: ServerContext
  ) async throws -> CreateLearningInstanceResponse {
    let session = try coordinator.session(request.sessionID, for: Caller(context))
    let backend: LearningInstanceRequest.Backend
    switch request.backend {
    case .graphlearn: backend = .graphlearn
    case .graphlearnTorch: backend = .graphlearnTorch
    default:
      throw GRPCStatus(
        .aborted,
        "Create learning instance failed: $invalid learning backend. "
          + "Backend \(request.backend.rawValue) is neither graphlearn (0) nor graphlearn-torch (1)")
    }
    let instance = try await session.openLearning(
      LearningInstanceRequest(
        objectID: request.objectID, handle: request.handle, configuration: request.config, backend: backend,
        route: ClientRoute(context.peer)))
    try await requireClient(context) { try await session.closeLearning(objectID: request.objectID) }
    return CreateLearningInstanceResponse(
      objectID: request.objectID, handle: instance.handle, config: instance.configuration,
      endpoints: instance.endpoints)
  }
}

extension ClientRoute {
  fileprivate init(_ peer: Peer) {
    switch peer {
    case .tcp(let host, _): self = .network(host: host)
    case .unix(let credentials): self = .socket(user: credentials?.uid)
    }
  }
}
