import Cluster
import Foundation
import Wire

/// Objects of the state store as they are shown: the stored document and the revision that last changed it.
enum ObjectDocument {
  /// The document of an entry. What is not a JSON object is shown with what is wrong with it, so that one damaged entry
  /// does not hide the others.
  static func json(_ key: String, _ value: [UInt8], modified: Revision) -> JSONValue {
    let revision = (key: "revision", value: JSONValue.integer(modified))
    do {
      guard let text = String(validating: value, as: UTF8.self) else { throw AdminError(.internal, "not UTF-8") }
      guard let members = try JSONValue(parsing: text).members else { throw AdminError(.internal, "not an object") }
      return .object(members + [revision])
    } catch {
      return .object(identity(key) + [("damaged", .string("the stored value is unusable: \(error)")), revision])
    }
  }

  static func json(_ entry: StateEntry) -> JSONValue { json(entry.key, entry.value, modified: entry.modified) }

  /// Kind and name, or the key when it is not that of an object.
  static func identity(_ key: String) -> [(key: String, value: JSONValue)] {
    guard let object = ObjectName(key: key) else { return [("key", .string(key))] }
    return [("kind", .string(object.kind.rawValue)), ("name", .string(object.name))]
  }
}

/// Where the next page of a list begins: after a key, in the state of the first page.
struct PageToken: Equatable {
  var revision: Revision
  var key: String

  init(revision: Revision, key: String) {
    self.revision = revision
    self.key = key
  }

  /// Reads what `text` wrote.
  /// - Throws: `AdminError` of code `invalidArgument` when it is none, or of another kind of objects.
  init(_ text: String, prefix: String) throws(AdminError) {
    let base64 = text.replacing("-", with: "+").replacing("_", with: "/")
    let padded = base64 + String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
    guard let data = Data(base64Encoded: padded), let plain = String(validating: data, as: UTF8.self),
      let colon = plain.firstIndex(of: ":"), let revision = Revision(plain[..<colon]), revision >= 0
    else { throw AdminError(.invalidArgument, "continue is not a token of an earlier page") }
    key = String(plain[plain.index(after: colon)...])
    self.revision = revision
    guard key.utf8.starts(with: prefix.utf8) else {
      throw AdminError(.invalidArgument, "continue is a token of another list")
    }
  }

  /// The token, fit for a URL (RFC 4648, 5, without padding).
  var text: String {
    Data("\(revision):\(key)".utf8).base64EncodedString()
      .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }
}
