import Foundation
import HTTPServing
import JSON
import Objects
import StateStore
import Wire

/// The representation of objects in answers: the stored document and the revision that last changed it.
enum ObjectDocument {
  /// Returns the document of an entry. A value that is not a JSON object is replaced by a description of the problem, so that
  /// one damaged entry does not hide the others.
  static func json(_ key: String, _ value: [UInt8], modified: Revision) -> JSONValue {
    // Objects that are not stored have no revision.
    let revision = modified == 0 ? [] : [(key: "revision", value: JSONValue.integer(modified))]
    do {
      guard let text = String(validating: value, as: UTF8.self) else {
        throw RequestError(.internal, "it is not UTF-8")
      }
      guard let members = try JSONValue(parsing: text).members else {
        throw RequestError(.internal, "it is not a JSON object")
      }
      return .object(members + revision)
    } catch {
      return .object(identity(key) + [("damaged", .string("the stored value cannot be read: \(error)"))] + revision)
    }
  }

  static func json(_ entry: StateEntry) -> JSONValue { json(entry.key, entry.value, modified: entry.modified) }

  /// Returns the kind and name, or the key when it is not the key of an object.
  static func identity(_ key: String) -> [(key: String, value: JSONValue)] {
    guard let object = ObjectReference(key: key) else { return [("key", .string(key))] }
    return [("kind", .string(object.kind.rawValue)), ("name", .string(object.name))]
  }
}

/// The position of the next page of a list: after a key, at the revision of the first page.
struct PageToken: Equatable {
  var revision: Revision
  var key: String

  init(revision: Revision, key: String) {
    self.revision = revision
    self.key = key
  }

  /// Parses the value of `text`.
  /// - Throws: `RequestError` with the code `invalidArgument` when the text is not a token, or is one for another kind.
  init(_ text: String, prefix: String) throws(RequestError) {
    let base64 = text.replacing("-", with: "+").replacing("_", with: "/")
    let padded = base64 + String(repeating: "=", count: (4 - base64.utf8.count % 4) % 4)
    guard let data = Data(base64Encoded: padded), let plain = String(validating: data, as: UTF8.self),
      let colon = plain.firstIndex(of: ":"), let revision = Revision(plain[..<colon]), revision >= 0
    else {
      throw RequestError(
        .invalidArgument, "continue is not the token of an earlier page", hint: "Leave out continue to start over")
    }
    key = String(plain[plain.index(after: colon)...])
    self.revision = revision
    guard key.utf8.starts(with: prefix.utf8) else {
      throw RequestError(
        .invalidArgument, "continue is the token of another list", hint: "Leave out continue to start over")
    }
  }

  /// The token in base64url (RFC 4648, 5, without padding), for use in a URL.
  var text: String {
    Data("\(revision):\(key)".utf8).base64EncodedString()
      .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
  }
}
