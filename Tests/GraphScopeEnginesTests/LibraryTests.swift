import Engines
import Support
import Testing
import Vocabulary
import Wire

@testable import GraphScopeEngines

@Suite("Libraries for the engine")
struct LibraryTests {
  @Test("A client's archive is read: deflated and stored files, and the list of its algorithms")
  func archive() throws {
    let zip = try ZipArchive(userArchive)
    #expect(zip.entries.map(\.path) == [".gs_conf.yaml", "mine.h"])
    #expect(try zip.contents(of: "mine.h") == Array("xxxxx".utf8))
    let description = try ApplicationCatalog(userArchive).description(of: "mine")
    #expect(description.kind == .cppPIE)
    #expect(description.className == "gs::Mine")
    #expect(throws: EngineError.self) { try ApplicationCatalog(userArchive).description(of: "other") }
  }

  @Test("Truncated and damaged archives never crash the reader")
  func damagedArchives() {
    for count in 0..<userArchive.count { _ = try? ZipArchive(Array(userArchive[..<count])) }
    for position in userArchive.indices {
      for value: UInt8 in [0, 0xff, userArchive[position] ^ 0x40] {
        var damaged = userArchive
        damaged[position] = value
        guard let zip = try? ZipArchive(damaged) else { continue }
        for entry in zip.entries { _ = try? zip.contents(of: entry) }
      }
    }
  }

  @Test(
    "Files outside the archive's directory are rejected",
    arguments: ["/ine.h", "../m.h", "..\\m.h", "a//b.h", "../\u{301}m"])
  func escapes(_ path: String) {
    let bytes = replaced(userArchive, Array("mine.h".utf8), by: Array(path.utf8.prefix(6)))
    #expect(throws: ZipError.self) { try ZipArchive(bytes) }
  }

  @Test("The library of an algorithm has the name of the ready-made one")
  func signature() throws {
    let application = try application("grape::SSSPOpt", archive: nil)
    #expect(application.signature == "4efc1f02716d1b41515cbfd66541a8674b88a363d1daf110de8c4a6340a7db6f")
  }

  @Test("A library is compiled anew if its code, options or version differ")
  func contentNames() throws {
    let installation = Installation(home: "/gs", engine: "/gs/bin/grape_engine")
    func name(_ application: ApplicationType, _ installation: Installation) -> String {
      LibraryRecipe.application(application).contentName(installation)
    }
    var newer = installation
    newer.version = "0.29.1"
    let names = [
      name(try application("gs::Mine", archive: [1]), installation),
      name(try application("gs::Mine", archive: [2]), installation),
      name(try application("gs::Mine", archive: [1], options: "-DWCC_USE_GID=ON"), installation),
      name(try application("gs::Mine", archive: [1]), newer),
    ]
    #expect(Set(names).count == 4)
    #expect(name(try application("gs::Mine", archive: [1]), installation) == names[0])
  }

  @Test(
    "Options other than definitions are rejected", arguments: ["--trace", "-C/etc/x", "-DCMAKE_CXX_COMPILER=/bin/sh"])
  func options(_ option: String) {
    #expect(throws: EngineError.self) { try application("gs::Mine", archive: [1], options: option) }
  }

  @Test("Generated cmake files name sources, classes and switches, and contain nothing that is not a name")
  func cmake() throws {
    let installation = Installation(home: "/gs", engine: "/gs/bin/grape_engine")
    let recipe = LibraryRecipe.application(try application("grape::WCC", archive: nil, options: "-DWCC_USE_GID=ON"))
    let text = try recipe.cmakeLists(target: "t", installation: installation, module: nil)
    #expect(text.contains("\"/gs/include/graphscope/frame/app_frame.cc\""))
    #expect(text.contains("\"_APP_TYPE=grape::WCC<_GRAPH_TYPE>\""))
    #expect(text.contains("\"WCC_USE_GID=1\""))
    // The corrected header is found before the installed one.
    #expect(text.contains(#"[[(name.find("T = ") + 4)]]"#))
    #expect(text.contains("PRIVATE\n  \"${CMAKE_BINARY_DIR}/corrected\" \"${CMAKE_BINARY_DIR}/corrected/vineyard\""))
    let hostile = LibraryRecipe.application(try application("x\") execute_process(COMMAND id", archive: [1]))
    #expect(throws: EngineError.self) {
      try hostile.cmakeLists(target: "t", installation: installation, module: nil)
    }
  }

  @Test("The first error of a compiler is kept with the lines that follow it")
  func compilerOutput() {
    let output = CompilerOutput()
    for line in ["[ 50%] Building", "x.h:3:1: error: 'foo' was not declared", "  3 | foo", "y.h:9: error: later"] {
      output.take(line)
    }
    #expect(output.firstError.first == "x.h:3:1: error: 'foo' was not declared")
    #expect(output.firstError.count == 3)
  }

  @Test("The message of Cython's first error is kept, not the excerpt before it")
  func cythonOutput() {
    let output = CompilerOutput()
    for line in [
      "Error compiling Cython file:", "-----", "...", "  v.send(e)", "     ^", "a.pyx:47:24: no attribute 'x'",
    ] {
      output.take(line)
    }
    #expect(output.firstError == ["a.pyx:47:24: no attribute 'x'"])
  }

  @Test("The number of simultaneous compilations is limited, and the next one begins when one ends")
  func turns() async throws {
    let turns = Turns(1)
    let log = Log()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<8 {
        group.addTask {
          try await turns.pass {
            await log.add("begin \(number)")
            await Task.yield()
            await log.add("end \(number)")
          }
        }
      }
      try await group.waitForAll()
    }
    let lines = await log.lines
    for pair in stride(from: 0, to: lines.count, by: 2) {
      #expect(lines[pair].dropFirst(6) == lines[pair + 1].dropFirst(4))
    }
    #expect(lines.count == 16)
  }

  private actor Log {
    var lines: [String] = []
    func add(_ line: String) { lines.append(line) }
  }

  private func application(_ name: String, archive: [UInt8]?, options: String = "") throws -> ApplicationType {
    let attributes: [ParamKey: AttributeValue] = [
      .graphType: .int(5), .oidType: .text("int64_t"), .vidType: .text("uint64_t"),
      .vDataType: .text("grape::EmptyType"),
      .eDataType: .text("int64_t"), .cmakeExtraOptions: .text(options),
    ]
    let description = ApplicationDescription(
      algorithm: "a", kind: .cppPIE, className: name, source: "a.h", vertexDataType: "", messageType: "",
      combinesMessages: false)
    return try ApplicationType(
      description, for: FragmentType(attributes), archive: archive, attributes: attributes)
  }

  private func replaced(_ bytes: [UInt8], _ old: [UInt8], by new: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for start in 0...(bytes.count - old.count) where Array(bytes[start..<start + old.count]) == old {
      bytes.replaceSubrange(start..<start + old.count, with: new)
    }
    return bytes
  }

  /// A zip archive of a list with one algorithm, deflated, and a header, stored.
  private let userArchive: [UInt8] = bytes(
    "504b030414000000080000002150f45d7333400000004f0000000d0000002e67735f636f6e662e79616d6c4b2c28b0e25250"
      + "d05548cc49cfb752c8cdcc4b057215144a2a0b52ad14920b0ae20b322122c93989c5c5f17989b940f1f4622b2b5f98d2e2a2"
      + "648846bd0c2e00504b03041400000000000000215078e7d1420500000005000000060000006d696e652e687878787878504b"
      + "0102140314000000080000002150f45d7333400000004f0000000d00000000000000000000008001000000002e67735f636f"
      + "6e662e79616d6c504b010214031400000000000000215078e7d142050000000500000006000000000000000000000080016b"
      + "0000006d696e652e68504b050600000000020002006f000000940000000000"
  )
}

private func bytes(_ hex: String) -> [UInt8] {
  let digits = Array(hex)
  return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0...$0 + 1]), radix: 16) }
}
