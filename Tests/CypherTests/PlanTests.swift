import Testing

@Suite("Plans of queries")
struct PlanTests {
  @Test(
    "of patterns begin at the most selective node, and filter as soon as they can",
    arguments: [
      (
        "MATCH (n) RETURN n",
        """
        Return n=#0
          ScanVertices #0
          Argument
        """
      ),
      (
        "MATCH (n:A|B {x: 1}) RETURN n.x AS x",
        """
        Return x=#1
          Assign #1=#0.x
          Filter (#0.x = 1)
          ScanVertices #0:(A|B)
          Argument
        """
      ),
      (
        "MATCH (a:P)-[:K]->(b) WHERE b.age > 30 AND a.age < b.age RETURN a, b",
        """
        Return a=#0, b=#1
          Filter ((#1.age > 30) and (#0.age < #1.age))
          Expand (#0)-[:K]->(#1)
          ScanVertices #0:P
          Argument
        """
      ),
      (
        "MATCH (a)-[:K]->(b:P {id: $id}) RETURN a",
        """
        Return a=#0
          Expand (#1)<-[:K]-(#0)
          SeekVertices #1:P id = $id
          Argument
        """
      ),
      (
        "MATCH (a), (b) WHERE id(b) = 3 RETURN a, b",
        """
        Return a=#0, b=#1
          ScanVertices #0
          Filter (id(#1) = 3)
          VertexByID #1 = 3
          Argument
        """
      ),
      (
        "MATCH (a)-[:K]->(b), (b)-[:L]->(c) RETURN a, c",
        """
        Return a=#0, c=#4
          Expand (#2)-[#3:L]->(#4)
          Expand (#0)-[#1:K]->(#2)
          ScanVertices #0
          Argument
        """
      ),
      (
        "MATCH (a)-->(b)-->(c)-->(a) RETURN a",
        """
        Return a=#0
          Expand (#4)-[#5]->(#0) into distinct from #1, #3
          Expand (#2)-[#3]->(#4) distinct from #1
          Expand (#0)-[#1]->(#2)
          ScanVertices #0
          Argument
        """
      ),
      (
        "MATCH p = (a:A)-[:K*1..3 {w: 1}]->(b) RETURN p",
        """
        Return p=#4
          Assign #4=path(#0, #1, #3)
          ExpandVariable (#0)-[#1:K*1..3 where #2: (#2.w = 1)]->(#3)
          ScanVertices #0:A
          Argument
        """
      ),
      (
        "MATCH (a)-[r:!K]->(b) RETURN r",
        """
        Return r=#1
          Filter #1:!K
          Expand (#0)-[#1]->(#2)
          ScanVertices #0
          Argument
        """
      ),
      (
        "MATCH (a)<-[rs:K*2..]-(b:B) RETURN rs",
        """
        Return rs=#1
          ExpandVariable (#2)-[#1:K*2.. reversed]->(#0)
          ScanVertices #2:B
          Argument
        """
      ),
      (
        "MATCH p = shortestPath((a:A)-[*..5]-(b:B)) RETURN length(p)",
        """
        Return length(p)=#4
          Assign #4=length(#3)
          Assign #3=path(#0, #1, #2)
          ShortestPath (#0)-[#1*1..5]-(#2) into
          ScanVertices #2:B
          ScanVertices #0:A
          Argument
        """
      ),
      (
        "MATCH ()-[r]->() WITH r MATCH (a)<-[r:K]-(b) RETURN a",
        """
        Return a=#3
          Assign #4=startnode(#1)
          Assign #3=endnode(#1)
          Filter #1:K
          Filter (#1 is not null)
          Expand (#0)-[#1]->(#2)
          ScanVertices #0
          Argument
        """
      ),
      (
        "MATCH (a:A) OPTIONAL MATCH (a)-->(b) WHERE b.x = 1 RETURN a, b",
        """
        Return a=#0, b=#1
          Optional #1
          ScanVertices #0:A
          Argument
            Filter (#1.x = 1)
            Expand (#0)-[]->(#1)
            Argument
        """
      ),
      (
        "MATCH p = shortestPath((a:A)-[rs:K*]->(b:B)) WHERE all(r IN rs WHERE r.w > 1) AND a.x = 1 RETURN p",
        """
        Return p=#3
          Assign #3=path(#0, #1, #2)
          ShortestPath (#0)-[#1:K*1.. where #4: (#4.w > 1)]->(#2) into
          ScanVertices #2:B
          SeekVertices #0:A x = 1
          Argument
        """
      ),
      (
        "MATCH (a)-[r]->(b) MATCH (c)-[r]-(d) RETURN c",
        """
        Return c=#3
          Assign #4=#5[1]
          Assign #3=#5[0]
          Unwind #5 in case when (startnode(#1) = endnode(#1)) then [[startnode(#1), endnode(#1)]] else [[startnode(#1), endnode(#1)], [endnode(#1), startnode(#1)]] end
          Filter (#1 is not null)
          Expand (#0)-[#1]->(#2)
          ScanVertices #0
          Argument
        """
      ),
    ])
  func patterns(_ query: String, _ expected: String) throws {
    #expect(try plan(query) == expected, "\(query)")
  }

  @Test(
    "of other clauses keep what a later clause needs",
    arguments: [
      (
        "MATCH (a:A)-[r]-(b)-[s]-(c) RETURN count(*)",
        """
        Return count(*)=#5
          Aggregate [] #5=countAll()
          Expand (#2)-[#3]-(#4) distinct from #1
          Expand (#0)-[#1]-(#2)
          ScanVertices #0:A
          Argument
        """
      ),
      (
        "MATCH (a) WHERE (a)-[:K]->() AND NOT EXISTS { (a)-->(b) WHERE b.x = a.x } RETURN a",
        """
        Return a=#0
          Filter (exists {Argument; Expand (#0)-[:K]->(#1)} and not exists {Argument; Expand (#0)-[]->(#2); Filter (#2.x = #0.x)})
          ScanVertices #0
          Argument
        """
      ),
      (
        "MATCH (a) RETURN [(a)-->(b) WHERE b.x > 0 | b.y] AS ys, COUNT { MATCH (a)--() } AS degree",
        """
        Return ys=#2, degree=#4
          Assign #2=collect {Argument; Expand (#0)-[]->(#1); Filter (#1.x > 0)} #1.y, #4=count {Argument; Expand (#0)-[]-(#3)}
          ScanVertices #0
          Argument
        """
      ),
      (
        "UNWIND [1, 2] AS x WITH x, x * 2 AS y WHERE y > 2 RETURN y ORDER BY x DESC SKIP 1 LIMIT $n",
        """
        Return y=#1
          Limit $n
          Skip 1
          Sort #0 DESC
          Filter (#1 > 2)
          Assign #1=(#0 * 2)
          Unwind #0 in [1, 2]
          Argument
        """
      ),
      (
        "MATCH (a) RETURN a.x, count(*) + 1 AS n, collect(DISTINCT a.y) AS ys ORDER BY n",
        """
        Return a.x=#1, n=#4, ys=#3
          Sort #4
          Assign #4=(#2 + 1)
          Aggregate [#1=#0.x] #2=countAll(), #3=collect(distinct #0.y)
          ScanVertices #0
          Argument
        """
      ),
      (
        "MATCH (a) RETURN a.x, a.x + sum(a.y) AS s",
        """
        Return a.x=#1, s=#3
          Assign #3=(#1 + #2)
          Aggregate [#1=#0.x] #2=sum(#0.y)
          ScanVertices #0
          Argument
        """
      ),
      (
        "MATCH (a) WITH DISTINCT a.x AS x RETURN x ORDER BY x",
        """
        Return x=#1
          Sort #1
          Distinct #1
          Assign #1=#0.x
          ScanVertices #0
          Argument
        """
      ),
      (
        "RETURN 1 AS x, 2 AS y UNION RETURN 3 AS y, 4 AS x",
        """
        Return x=#4, y=#5
          Distinct #4, #5
          Union
            Assign #4=#0, #5=#1
            Assign #0=1, #1=2
            Argument
            Assign #4=#3, #5=#2
            Assign #2=3, #3=4
            Argument
        """
      ),
      (
        "MATCH (a) CALL { WITH a MATCH (a)-->(b) RETURN count(b) AS n } RETURN a, n",
        """
        Return a=#0, n=#2
          Apply
          ScanVertices #0
          Argument
            Aggregate [] #2=count(#1)
            Expand (#0)-[]->(#1)
            Argument
        """
      ),
      (
        "MATCH (a) CALL (a) { MATCH (a)-->(b) RETURN b LIMIT 1 } RETURN b",
        """
        Return b=#1
          Apply
          ScanVertices #0
          Argument
            Limit 1
            Expand (#0)-[]->(#1)
            Argument
        """
      ),
      (
        "CALL db.labels() YIELD label AS l WHERE l <> 'A' RETURN l",
        """
        Return l=#0
          Filter (#0 <> 'A')
          Procedure db.labels() #0=label
          Argument
        """
      ),
      (
        "SHOW PROCEDURES YIELD name WHERE name STARTS WITH 'db'",
        """
        Return name=#0
          Filter (#0 starts with 'db')
          Procedure dbms.procedures() #0=name
          Argument
        """
      ),
      (
        "WITH {a: 1} AS m RETURN m {.a, b: 2} AS n, [x IN [1] WHERE x > 0 | x + 1] AS l, reduce(s = 0, x IN [1] | s + x) AS r",
        """
        Return n=#1, l=#3, r=#6
          Assign #1=case when (#0 is null) then null else {a: #0.a, b: 2} end, #3=[#2 in [1] where (#2 > 0) | (#2 + 1)], #6=reduce(#5 = 0, #4 in [1] | (#5 + #4))
          Assign #0={a: 1}
          Argument
        """
      ),
    ])
  func clauses(_ query: String, _ expected: String) throws {
    #expect(try plan(query) == expected, "\(query)")
  }
}
