import QueryExecution
import QueryValues

/// People who know each other and what they made: four persons (0 to 3), two works (4 and 5).
enum TraversalGraph {
  static let people: MemoryGraph = {
    var graph = MemoryGraph()
    let ages: [(String, Int32)] = [("ann", 30), ("bob", 25), ("cid", 41), ("dan", 25)]
    let persons = ages.map { name, age in
      graph.addVertex(labels: ["person"], properties: [("name", .string(name)), ("age", .integer32(age))])
    }
    let works = ["map", "song"].map { name in
      graph.addVertex(labels: ["work"], properties: [("name", .string(name)), ("kind", .string("art"))])
    }
    for (source, target, weight) in [(0, 1, 0.5), (0, 2, 1.0), (2, 3, 0.25)] {
      _ = graph.addEdge(
        from: persons[source], to: persons[target], label: "knows", properties: [("weight", .float(weight))])
    }
    for (person, work) in [(0, 0), (2, 0), (2, 1), (3, 0)] {
      _ = graph.addEdge(from: persons[person], to: works[work], label: "made", properties: [("weight", .float(0.2))])
    }
    return graph
  }()
}
