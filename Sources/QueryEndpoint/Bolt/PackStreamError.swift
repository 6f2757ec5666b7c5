/// Why bytes are no PackStream, or more of it than is accepted. The connection that sent them is closed.
struct PackStreamError: Error, Equatable {
  let reason: String

  static let truncated = PackStreamError(reason: "the message ends inside a value")
}
