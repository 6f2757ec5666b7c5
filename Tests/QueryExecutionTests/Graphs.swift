import QueryAlgebra
import QueryExecution
import QueryValues

/// TinkerPop's "modern" graph: four persons, two pieces of software, six edges.
func modernGraph() -> MemoryGraph {
  var graph = MemoryGraph()
  let persons = [("marko", 29), ("vadas", 27), ("josh", 32), ("peter", 35)].map { name, age in
    graph.addVertex(labels: ["person"], properties: [("name", .string(name)), ("age", .integer(Int64(age)))])
  }
  let software = ["lop", "ripple"].map { name in
    graph.addVertex(labels: ["software"], properties: [("name", .string(name)), ("lang", .string("java"))])
  }
  func add(_ source: Vertex, _ target: Vertex, _ label: String, _ weight: Double) {
    _ = graph.addEdge(from: source, to: target, label: label, properties: [("weight", .float(weight))])
  }
  add(persons[0], persons[1], "knows", 0.5)
  add(persons[0], persons[2], "knows", 1.0)
  add(persons[0], software[0], "created", 0.4)
  add(persons[2], software[1], "created", 1.0)
  add(persons[2], software[0], "created", 0.4)
  add(persons[3], software[0], "created", 0.2)
  return graph
}

/// Vertices in a circle: each has an edge `next` to the following one.
func circle(of count: Int) -> MemoryGraph {
  var graph = MemoryGraph()
  let vertices = (0..<count).map { graph.addVertex(labels: ["V"], properties: [("n", .integer(Int64($0)))]) }
  for index in 0..<count {
    _ = graph.addEdge(from: vertices[index], to: vertices[(index + 1) % count], label: "next")
  }
  return graph
}

/// What functions read, at a fixed time and from a fixed seed.
func functionContext(_ graph: any QueryGraph) -> FunctionContext {
  FunctionContext(graph: graph, seconds: 0, nanoseconds: 0, random: RandomSource(seed: 1))
}
