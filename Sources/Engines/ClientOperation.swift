import Wire

/// An operation exactly as its client wrote it, for engines that speak the client's own protocol. It comes beside the
/// typed operation, which says all that other engines need.
public struct ClientOperation: Sendable {
  /// The operation.
  public var definition: OpDef
  /// Data that came beside it, in the order of the announcement; items without any have none.
  public var payloads: [Payload]

  /// An operation as it was written.
  public init(_ definition: OpDef, payloads: [Payload] = []) {
    self.definition = definition
    self.payloads = payloads
  }

  /// Data that the client sent, in a file that lives as long as the step.
  public struct Payload: Sendable, Equatable {
    /// The file.
    public var path: String
    /// Its bytes.
    public var byteCount: Int

    /// Data in a file.
    public init(path: String, byteCount: Int) {
      self.path = path
      self.byteCount = byteCount
    }
  }
}
