import Engines
import Support

/// The parameters of an interactive instance.
public struct InstanceParameters: Sendable {
  /// What queries of the instance may use.
  public private(set) var limits = GraphQueryService.Limits()

  /// The parameters that mean something here.
  private static let names = ["pegasus.timeout", "query.execution.timeout.ms", "query.memory.bytes"]
  /// Parameters of GraphScope's engine about its threads, batches and planner. They cannot change an answer, and have no effect.
  private static let withoutEffect = ["pegasus.", "graph.planner.", "frontend.", "gremlin.server.", "neo4j."]

  /// Reads parameters.
  /// - Throws: `EngineError` for a name that is not known, and for a value that is not of its parameter's type.
  public init(_ parameters: [String: String]) throws(EngineError) {
    for (name, value) in parameters {
      switch name {
      case "pegasus.timeout", "query.execution.timeout.ms":
        limits.timeout = .milliseconds(try Self.positive(value, name))
      case "query.memory.bytes": limits.memory = try Self.positive(value, name)
      default:
        guard Self.withoutEffect.contains(where: name.hasPrefix) else { throw Self.unknown(name) }
      }
    }
  }

  private static func positive(_ text: String, _ name: String) throws(EngineError) -> Int {
    guard let number = Int(text), number > 0 else {
      throw EngineError(.invalidArgument, "the parameter '\(name)' takes a positive whole number, not '\(text)'")
    }
    return number
  }

  private static func unknown(_ name: String) -> EngineError {
    let near = NearestName.of(name, among: names).map { "Do you mean \($0)? " } ?? ""
    return EngineError(
      .invalidArgument, "the parameter '\(name.quotable())' of an interactive instance is not supported",
      hint: near + "Supported are: " + names.joined(separator: ", "))
  }
}
