import Foundation
import Testing
import Turns
import Vocabulary

@testable import Wire

@Suite("Pickled exceptions", .takesTurns)
struct PickleTests {
  @Test("have the bytes given in the contract")
  func examples() {
    let boom: [UInt8] = [0x58, 4, 0, 0, 0] + Array("boom".utf8) + [0x85, 0x52, 0x2e]
    #expect(
      PickledException.encode(.analyticalEngineInternal, "boom")
        == [0x80, 2, 0x63] + Array("graphscope.framework.errors\nAnalyticalEngineInternalError\n".utf8) + boom)
    #expect(PickledException.encode(.key, "boom") == [0x80, 2, 0x63] + Array("builtins\nKeyError\n".utf8) + boom)
    #expect(
      PickledException.encode(.assertion, nil)
        == [0x80, 2, 0x63] + Array("builtins\nAssertionError\n".utf8) + [0x29, 0x52, 0x2e])
  }

  /// If `GSC_PYTHON` names an interpreter with the real client, these are the client's own classes, otherwise stand-ins of the
  /// same names.
  @Test("are raised by Python with their class and message")
  func loaded() throws {
    let message = "no such file: \"Größe\"\n\u{1F41F}"
    var pickles: [[UInt8]] = []
    for exception in PythonExceptionClass.allCases {
      pickles.append(PickledException.encode(exception, message))
      pickles.append(PickledException.encode(exception, nil))
    }
    pickles.append(PickledException.encodeGremlin(code: -597, message: message))
    let script = """
      import base64, pickle, sys, types
      try:
          import graphscope.framework.errors
      except ImportError:
          errors = types.ModuleType("graphscope.framework.errors")
          errors.__getattr__ = lambda name: type(name, (Exception,), {"__module__": errors.__name__})
          sys.modules.update({"graphscope": errors, "graphscope.framework": errors, errors.__name__: errors})
      try:
          import gremlin_python.driver.protocol
      except ImportError:
          gremlin = types.ModuleType("gremlin_python.driver.protocol")
          gremlin.GremlinServerError = type("GremlinServerError", (Exception,), {"__module__": gremlin.__name__})
          sys.modules.update({"gremlin_python": gremlin, "gremlin_python.driver": gremlin, gremlin.__name__: gremlin})
      for line in sys.stdin:
          loaded = pickle.loads(base64.b64decode(line))
          if isinstance(loaded, tuple):
              print(loaded[0].__module__, loaded[0].__name__, sorted(loaded[1].items()))
          else:
              args = ascii([str(a) for a in loaded.args if a is not None])
              print(type(loaded).__module__, type(loaded).__name__, isinstance(loaded, Exception), args)
      """
    let input = pickles.map { Data($0).base64EncodedString() + "\n" }.joined()
    let output = String(decoding: try runPython(script, input: Array(input.utf8)), as: UTF8.self)
    let lines = output.split(separator: "\n")
    let escaped = #"no such file: "Gr\xf6\xdfe"\n\U0001f41f"#
    for (index, exception) in PythonExceptionClass.allCases.enumerated() {
      let name = "\(exception.module) \(exception.rawValue) True"
      #expect(lines[2 * index] == "\(name) ['\(escaped)']")
      #expect(lines[2 * index + 1].hasPrefix("\(name) ["))
    }
    let gremlin = try #require(lines.last)
    #expect(gremlin.hasPrefix("gremlin_python.driver.protocol GremlinServerError [('attributes', {}), ('code', -597)"))
    #expect(lines.count == pickles.count)
  }

  @Test("exist for every code but success")
  func codes() {
    #expect(ResultCode.allCases.filter { PythonExceptionClass($0) == nil } == [.ok])
    #expect(PythonExceptionClass(.timeout)?.module == "builtins")
  }
}

@Suite("MessagePack", .takesTurns)
struct MessagePackTests {
  @Test("writes every value in its shortest form")
  func shortestForms() {
    func written(_ write: (inout MessagePackWriter) -> Void) -> [UInt8] {
      var writer = MessagePackWriter()
      write(&writer)
      return writer.bytes
    }
    #expect(written { $0.null() } == [0xc0])
    #expect(
      written {
        $0.bool(false); $0.bool(true)
      } == [0xc2, 0xc3])
    let integers: [(Int64, [UInt8])] = [
      (0, [0]), (127, [0x7f]), (128, [0xcc, 0x80]), (255, [0xcc, 0xff]), (256, [0xcd, 1, 0]),
      (65536, [0xce, 0, 1, 0, 0]), (1 << 32, [0xcf, 0, 0, 0, 1, 0, 0, 0, 0]), (-1, [0xff]), (-32, [0xe0]),
      (-33, [0xd0, 0xdf]), (-128, [0xd0, 0x80]), (-129, [0xd1, 0xff, 0x7f]), (-32769, [0xd2, 0xff, 0xff, 0x7f, 0xff]),
      (.min, [0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0]),
    ]
    for (value, bytes) in integers { #expect(written { $0.int(value) } == bytes) }
    #expect(written { $0.uint(.max) } == [0xcf] + [UInt8](repeating: 0xff, count: 8))
    #expect(written { $0.double(1) } == [0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0])
    #expect(written { $0.string("ä") } == [0xa2, 0xc3, 0xa4])
    let text = String(repeating: "x", count: 300)
    #expect(written { $0.string(text) } == [0xda, 1, 44] + Array(text.utf8))
    #expect(written { $0.string(String(text.prefix(32))) } == [0xd9, 32] + Array(text.utf8.prefix(32)))
    #expect(written { $0.string(String(repeating: "y", count: 1 << 16)) }.prefix(5) == [0xdb, 0, 1, 0, 0])
    #expect(written { $0.array(15) } == [0x9f])
    #expect(written { $0.array(16) } == [0xdc, 0, 16])
    #expect(written { $0.map(0) } == [0x80])
    #expect(written { $0.map(1 << 16) } == [0xdf, 0, 1, 0, 0])
  }
}
