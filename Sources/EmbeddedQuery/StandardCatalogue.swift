import Cypher
import QueryExecution
import QueryValues

extension CypherCatalogue {
  /// The functions and procedures of the engine.
  public static let standard = CypherCatalogue(
    arity: { Functions.named($0)?.arity },
    procedure: { name in
      Procedures.named(name).map { procedure in
        ProcedureSignature(
          parameters: procedure.arguments.map { .init($0) }, results: procedure.results.map { .init($0) },
          optionalParameters: procedure.arguments.count)
      }
    })
}
