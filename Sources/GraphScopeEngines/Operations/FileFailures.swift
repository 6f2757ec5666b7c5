import Engines
import GraphStore

/// Runs the body, and converts the error about an unreadable file to an `EngineError`.
func describingFailures<R>(_ body: () throws -> R) throws -> R {
  do { return try body() } catch let error as GraphStoreError {
    throw EngineError(.engineFailure, error.message, evidence: error.evidence, hint: error.hint)
  }
}
