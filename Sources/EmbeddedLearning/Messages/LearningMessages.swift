/// The request of HandleOp: an operator with its parameters and inputs.
struct OperatorRequest: Sendable, Equatable {
  var name = ""
  var parameters: TensorList = [:]
  var inputs: TensorList = [:]
  /// Inputs of which each row has its own number of values.
  var sparseInputs: [String: SparseTensor] = [:]
}

/// What an operator answers.
struct OperatorAnswer: Sendable, Equatable {
  var parameters: TensorList = [:]
  var tensors: TensorList = [:]
  var sparse: [(name: String, tensor: SparseTensor)] = []

  static func == (left: OperatorAnswer, right: OperatorAnswer) -> Bool {
    left.parameters == right.parameters && left.tensors == right.tensors
      && left.sparse.elementsEqual(right.sparse) { $0.name == $1.name && $0.tensor == $1.tensor }
  }
}

/// A query as the client sends it once: operators and the tensors that flow between them.
struct QueryDefinition: Sendable, Equatable {
  /// A tensor's way into or out of an operator. Both ends of a way have the same id.
  struct Edge: Sendable, Equatable {
    var id = 0
    var output = ""
    var input = ""
  }

  /// An operator of a query.
  struct Node: Sendable, Equatable {
    var id = 0
    var name = ""
    var parameters: TensorList = [:]
    var inputs: [Edge] = []
    var outputs: [Edge] = []
  }

  var id = 0
  var nodes: [Node] = []
}

/// The request of HandleDagValues: the next batch of a query.
struct BatchRequest: Sendable, Equatable {
  var query = 0
  var client = 0
}

/// The answer of HandleDagValues: a batch, or the end of an epoch, which has no values.
struct BatchAnswer: Sendable {
  var values: [(node: Int, answer: OperatorAnswer)] = []
  var epoch = 0
  var index = 0
}
