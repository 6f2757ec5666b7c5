import Glibc
import TestSupport
import Testing
import Turns
import Workers

@testable import GraphStore

/// Damaged stored graphs are rejected with the name of the file, and never read out of bounds.
@Suite(.takesTurns) struct DamageTests {
  let workspace = Workspace()

  /// Builds a graph with every kind of file: text and hashed ids, properties, undirected and directed rows.
  private func build(_ idType: GraphOptions.IDType = .string, isDirected: Bool = true) async throws -> PropertyGraph {
    try await workspace.build(GraphOptions(isDirected: isDirected, idType: idType)) { builder, files in
      let ids = (0..<300).map { Int64($0 * $0 * $0 * 7919) }
      func column(_ name: String, _ ids: [Int64]) throws -> Column {
        idType == .string ? try files.column(name, ids.map(String.init)) : try files.column(name, ids)
      }
      try builder.addVertices(
        label: "v", table: files.table(column("id", ids), files.column("name", ids.map { "name \($0)" })), id: .index(0)
      )
      try builder.addEdges(
        label: "e", sourceLabel: "v", destinationLabel: "w",
        table: files.table(column("s", ids), column("d", ids.reversed()), files.column("x", ids)), source: .index(0),
        destination: .index(1))
    }
  }

  private func contents(_ path: String) throws -> [UInt8] {
    let file = try MappedFile.open(path: path)
    return withExtendedLifetime(file) { Array(file.bytes) }
  }

  private func write(_ bytes: [UInt8], to path: String) throws {
    unlink(path)
    let file = try MappedFile.create(path: path, byteCount: bytes.count)
    withExtendedLifetime(file) { file.bytes.copyBytes(from: bytes) }
  }

  /// Expects that the graph cannot be opened because of a file, which the message must name.
  private func expectRefusal(
    _ directory: String, naming name: String, _ comment: Comment, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let error = #expect(throws: GraphStoreError.self, comment, sourceLocation: sourceLocation) {
      _ = try PropertyGraph.open(directory: directory)
    }
    let isExpected =
      error?.code == (name == "manifest" && access(directory + "/manifest", F_OK) != 0 ? .notFound : .damaged)
    #expect(isExpected, "\(comment): \(error as Any)", sourceLocation: sourceLocation)
    #expect(
      error?.description.contains(directory + "/" + name) == true, "\(comment): \(error as Any)",
      sourceLocation: sourceLocation)
  }

  @Test func everyFileIsProtectedEverywhere() async throws {
    let directory = try await build().directory
    let names = Workspace.list(directory)
    #expect(names.count == 19 && names.contains("manifest"))
    var random = SplitMix(seed: 5)
    for name in names {
      let path = directory + "/" + name
      let sound = try contents(path)
      for round in 0..<20 {
        var bytes = sound
        let place = round == 0 ? 0 : round == 1 ? bytes.count - 1 : Int.random(in: bytes.indices, using: &random)
        bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        try write(bytes, to: path)
        // A damaged version word reads as another version; the error then names the directory.
        if name == "manifest", place < 40 {
          #expect(throws: GraphStoreError.self) { _ = try PropertyGraph.open(directory: directory) }
        } else {
          expectRefusal(directory, naming: name, "byte \(place)")
        }
      }
      try write(Array(sound.dropLast()), to: path)
      expectRefusal(directory, naming: name, "one byte less")
      try write(sound + [0], to: path)
      expectRefusal(directory, naming: name, "one byte more")
      try write([], to: path)
      expectRefusal(directory, naming: name, "nothing")
      unlink(path)
      expectRefusal(directory, naming: name, "no such file")
      mkdir(path, 0o700)
      expectRefusal(directory, naming: name, "a directory")
      rmdir(path)
      mkfifo(path, 0o600)
      expectRefusal(directory, naming: name, "a pipe")
      try write(sound, to: path)
      _ = try PropertyGraph.open(directory: directory)
    }
  }

  @Test func anotherVersionIsRefusedWithAHint() async throws {
    let directory = try await build().directory
    let text = String(decoding: try contents(directory + "/manifest"), as: UTF8.self)
    #expect(text.hasPrefix("gscoordinator-graph 1 "))
    try write(
      Array(text.replacing("gscoordinator-graph 1", with: "gscoordinator-graph 2").utf8), to: directory + "/manifest")
    let error = #expect(throws: GraphStoreError.self) { _ = try PropertyGraph.open(directory: directory) }
    #expect(error?.evidence == "version 2" && error?.hint.isEmpty == false)
  }

  @Test func aDirectoryWithoutAManifestIsNoGraph() {
    let error = #expect(throws: GraphStoreError.self) { _ = try PropertyGraph.open(directory: workspace.path) }
    #expect(error?.code == .notFound)
  }

  // MARK: - Forgeries, with sound checksums

  /// Changes the manifest of a graph and expects that it is rejected.
  private func forge(_ comment: Comment, _ change: (inout Manifest) -> Void) async throws {
    let directory = try await build().directory
    var manifest = try Manifest.read(directory: directory)
    change(&manifest)
    try write(try manifest.encoded(), to: directory + "/manifest")
    let error = #expect(throws: GraphStoreError.self, comment) { _ = try PropertyGraph.open(directory: directory) }
    #expect(error?.code == .damaged, "\(comment): \(error as Any)")
  }

  @Test func forgedManifestsAreRefused() async throws {
    for name in [
      "../secret", "/etc/passwd", "..", ".", "", "manifest", "a/b", "a\u{0}b", String(repeating: "x", count: 300),
    ] {
      try await forge("file '\(name)'") { $0.files[name] = .init(size: 1, checksum: 0) }
    }
    try await forge("negative size") { $0.files["vertex-0.ids"]!.size = -1 }
    try await forge("huge size") { $0.files["vertex-0.ids"]!.size = .max }
    try await forge("negative count") { $0.vertexLabels[0].count = -1 }
    try await forge("huge count") { $0.vertexLabels[0].count = .max }
    try await forge("more vertices") { $0.vertexLabels[0].count += 1 }
    try await forge("more edges") { $0.edgeLabels[0][0].count += 1 }
    try await forge("huge number of edges") { $0.edgeLabels[0][0].count = 1 << 40 }
    try await forge("fewer edges") { $0.edgeLabels[0][0].count -= 1 }
    try await forge("fewer vertices") { $0.vertexLabels[1].count -= 1 }
    try await forge("unlisted file") { $0.edgeLabels[0][0].source = "nowhere" }
    try await forge("no characters") { $0.vertexLabels[0].ids.characters = nil }
    try await forge("text for numbers") { $0.schema.edgeLabels[0].properties[1].type = .string }
    try await forge("property too many") { $0.schema.vertexLabels[0].properties.append(.init(name: "x", type: .int64)) }
    try await forge("label too many") {
      $0.schema.vertexLabels.append(.init(name: "x", properties: [], idProperty: nil))
    }
    try await forge("relation too many") { $0.schema.edgeLabels[0].relations.append(.init(source: 0, destination: 0)) }
    try await forge("unknown end") { $0.schema.edgeLabels[0].relations[0].destination = 2 }
    try await forge("negative end") { $0.schema.edgeLabels[0].relations[0].source = -1 }
    try await forge("wrong id property") { $0.schema.vertexLabels[0].idProperty = 7 }
    try await forge("index without a file") { $0.vertexLabels[0].index.file = nil }
    try await forge("text ids counted up") { $0.vertexLabels[0].index = .init(kind: .contiguous, first: 0, file: nil) }
    try await forge("one direction") { $0.edgeLabels[0][0].incoming = $0.edgeLabels[0][0].outgoing }
    try await forge("identifier") { $0.identifier = 0 }
  }

  /// Writes a number into a file, corrects the checksum, and expects that the graph is rejected with the name of the file.
  private func forge<T: BitwiseCopyable>(
    _ graph: PropertyGraph, _ name: String, at place: Int, _ value: T,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let path = graph.directory + "/" + name
    let sound = try contents(path)
    let soundManifest = try contents(graph.directory + "/manifest")
    var bytes = sound
    bytes.withUnsafeMutableBytes { $0.storeBytes(of: value, toByteOffset: place * MemoryLayout<T>.stride, as: T.self) }
    try write(bytes, to: path)
    var manifest = graph.manifest
    manifest.files[name]!.checksum = try bytes.withUnsafeBytes { try Checksum.of($0, .alone()) }
    try write(try manifest.encoded(), to: graph.directory + "/manifest")
    expectRefusal(graph.directory, naming: name, "\(name)[\(place)] = \(value)", sourceLocation: sourceLocation)
    try write(sound, to: path)
    try write(soundManifest, to: graph.directory + "/manifest")
  }

  @Test func forgedContentsAreRefused() async throws {
    let directed = try await build()
    for side in ["out", "in"] {
      let prefix = "edge-0.relation-0.\(side)"
      try forge(directed, prefix + ".offsets", at: 0, UInt64(1))
      try forge(directed, prefix + ".offsets", at: 100, UInt64.max)
      try forge(directed, prefix + ".offsets", at: 100, UInt64(301))
      try forge(directed, prefix + ".offsets", at: 100, UInt64(0))
      try forge(directed, prefix + ".offsets", at: 300, UInt64(299))
      try forge(directed, prefix + ".neighbours", at: 299, UInt32(300))
      try forge(directed, prefix + ".edges", at: 0, UInt32(300))
    }
    try forge(directed, "edge-0.relation-0.source", at: 5, UInt32(300))
    try forge(directed, "edge-0.relation-0.destination", at: 5, UInt32.max)
    try forge(directed, "vertex-0.ids", at: 300, UInt64.max)
    try forge(directed, "vertex-0.ids", at: 0, UInt64.max)
    try forge(directed, "vertex-1.ids", at: 200, UInt64(1))
    try forge(directed, "vertex-0.property-0", at: 300, UInt64(1 << 40))
    try forge(directed, "vertex-0.index", at: 3, UInt64(301))
    try forge(directed, "vertex-0.index", at: 3, UInt64(7 << 32))

    let undirected = try await workspace.build(GraphOptions(isDirected: false)) { builder, files in
      try builder.addEdges(
        label: "e", sourceLabel: "v", destinationLabel: "v",
        table: files.table(files.column("s", [1, 900, 5]), files.column("d", [900, 1, 5])), source: .index(0),
        destination: .index(1))
    }
    try forge(undirected, "vertex-0.index", at: 899, UInt32(4))
    try forge(undirected, "edge-0.relation-0.both.neighbours", at: 5, UInt32(3))
    try forge(undirected, "edge-0.relation-0.both.edges", at: 5, UInt32(3))
  }

  @Test func aForgedHashTableWithoutEmptySlotsEndsTheSearch() async throws {
    let graph = try await build()
    let name = "vertex-0.index"
    let path = graph.directory + "/" + name
    let full = [UInt64](repeating: 0xABCD_0000_0001, count: try contents(path).count / 8)
    let bytes = full.withUnsafeBytes { Array($0) }
    try write(bytes, to: path)
    var manifest = graph.manifest
    manifest.files[name]!.checksum = try bytes.withUnsafeBytes { try Checksum.of($0, .alone()) }
    try write(try manifest.encoded(), to: graph.directory + "/manifest")
    let forged = try PropertyGraph.open(directory: graph.directory)
    #expect(forged.vertexNumber(label: 0, id: .string("nobody")) == nil)
  }

  // MARK: - The checksum

  @Test func checksumsStayTheSameInAllVersionsOfTheProgram() throws {
    let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }
    let counts = [0, 1, 3, 4, 7, 8, 15, 16, 17, 32, 33, 100, 1 << 20, 1 << 20 + 1, 3_000_000]
    let checksums = try counts.map { count in
      try bytes.withUnsafeBytes { try Checksum.of(UnsafeRawBufferPointer(rebasing: $0[..<count]), .alone()) }
    }
    #expect(Set(checksums).count == counts.count)
    #expect(checksums.reduce(0) { $0 &* 31 &+ $1 } == 2_515_936_998_629_501_754)
  }
}
