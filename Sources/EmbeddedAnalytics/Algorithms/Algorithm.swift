import AnalyticsKernels
import Engines
import GraphStore
import Workers

/// An algorithm that clients can run. To add one, add a file with a conforming type and a line in `Algorithms.builtIn`.
public protocol Algorithm: Sendable {
  /// The name that users write, followed by further names by which the client requests the same algorithm, such as variants that
  /// it selects depending on the graph.
  var names: [String] { get }

  /// The parameters, in the client's order.
  var parameters: [any AlgorithmParameter] { get }

  /// The graphs that it runs on; projected ones unless declared otherwise.
  var graphs: AlgorithmGraphs { get }

  /// Computes the result. Implementations read arguments by `call[parameter]`, check `call.workers.cancellation` every few tens
  /// of microseconds, and reserve memory from `call.workers.storage`.
  /// - Throws: `EngineError` for invalid arguments or edges; `CancellationError`.
  func run(_ call: AlgorithmCall) throws -> AlgorithmResult
}

extension Algorithm {
  /// Projected graphs.
  public var graphs: AlgorithmGraphs { .projected }
}

/// The graphs that an algorithm runs on.
public enum AlgorithmGraphs: Sendable {
  /// Graphs projected to at most one property of vertices and one of edges.
  case projected
  /// Property graphs as they are. Their vertices are those of all visible labels, with all properties; their edges those of the
  /// first visible label, with its first property as weight if it is numeric.
  case property
}

/// A run of an algorithm: its graph, its arguments and its threads.
public struct AlgorithmCall {
  /// The graph to run on.
  public let graph: SimpleGraph
  /// The threads, the memory account and the cancellation flag.
  public let workers: Workers
  /// Logs a sentence about the result for the user.
  public let note: @Sendable (String) -> Void
  fileprivate let chosen: ChosenAlgorithm
  fileprivate let arguments: [QueryValue]

  /// The value of one of the algorithm's parameters.
  /// - Throws: `EngineError` if the argument has a wrong type or is invalid.
  public subscript<Value>(parameter: Parameter<Value>) -> Value {
    get throws(EngineError) {
      guard let place = chosen.algorithm.parameters.firstIndex(where: { $0.name == parameter.name }) else {
        throw EngineError(.internalFailure, "algorithm '\(chosen.name)' does not declare '\(parameter.name)'")
      }
      let given = place < arguments.count ? arguments[place] : nil
      do throws(ParameterProblem) { return try parameter.value(given, on: graph) } catch {
        throw chosen.refusal(of: parameter.name, error)
      }
    }
  }

  /// Returns the number of the vertex with the id given as an argument; nil if there is none.
  /// - Throws: the errors of the subscript.
  public func vertex(_ parameter: Parameter<VertexID>) throws(EngineError) -> VertexNumber? {
    graph.vertex(try self[parameter])
  }

  /// Returns the number of the vertex with the id given as an argument, for algorithms that have no result without it.
  /// - Throws: the errors of the subscript; `EngineError` of code `invalidArgument` if there is no such vertex.
  public func existingVertex(_ parameter: Parameter<VertexID>) throws(EngineError) -> VertexNumber {
    let id = try self[parameter]
    guard let vertex = graph.vertex(id) else {
      throw chosen.refusal(
        of: parameter.name, ParameterProblem(wanted: "the id of a vertex of the graph", found: "\(id.text)"))
    }
    return vertex
  }
}

extension AlgorithmCall {
  /// Logs a remark for the user if the values have not converged.
  func noteConvergence(_ hasConverged: Bool, _ rounds: Int) {
    guard !hasConverged else { return }
    note("The values did not converge within \(rounds) rounds: raise the maximum number of rounds, or the tolerance.")
  }
}

/// An algorithm together with the name by which a client requested it.
public struct ChosenAlgorithm: Sendable {
  /// The name that the client used.
  public let name: String
  let algorithm: any Algorithm
  /// The graphs that it runs on.
  var graphs: AlgorithmGraphs { algorithm.graphs }

  /// Computes the result for a graph. Remarks of the algorithm about the result are passed to `note`.
  /// - Throws: `EngineError` for invalid arguments or edges; `CancellationError`.
  public func run(
    on graph: SimpleGraph, _ arguments: [QueryValue], workers: Workers,
    note: @escaping @Sendable (String) -> Void = { _ in }
  ) throws -> AlgorithmResult {
    _ = try remark(on: graph, arguments)
    let result = try algorithm.run(
      AlgorithmCall(graph: graph, workers: workers, note: note, chosen: self, arguments: arguments))
    guard result.fits(graph) else {
      throw EngineError(.internalFailure, "the result of algorithm '\(name)' does not have the size of its graph")
    }
    return result
  }

  /// Returns a remark for the user if an argument makes the result useless, such as an id that no vertex has; otherwise nil.
  /// - Throws: `EngineError` for arguments that `run` rejects as well.
  func remark(on graph: SimpleGraph, _ arguments: [QueryValue]) throws(EngineError) -> String? {
    let parameters = algorithm.parameters
    guard arguments.count <= parameters.count else {
      throw EngineError(
        .engineFailure, "algorithm '\(name)' takes \(parameters.count) arguments, not \(arguments.count)",
        evidence: "args_num >= query_args.args_size() does not hold",
        hint: parameters.isEmpty ? "" : "Its arguments are " + parameters.map(\.name).joined(separator: ", "))
    }
    var remark: String?
    for (place, parameter) in parameters.enumerated() {
      let given = place < arguments.count ? arguments[place] : nil
      do throws(ParameterProblem) {
        guard let id = try parameter.absentVertex(given, on: graph), remark == nil else { continue }
        remark =
          "No vertex has the id \(id.text), given as '\(parameter.name)' of '\(name)': no vertex is reached from it."
      } catch {
        throw refusal(of: parameter.name, error)
      }
    }
    return remark
  }

  fileprivate func refusal(of parameter: String, _ problem: ParameterProblem) -> EngineError {
    EngineError(
      .invalidArgument, "argument '\(parameter)' of algorithm '\(name)' must be \(problem.wanted)",
      evidence: problem.found, hint: problem.hint)
  }
}
