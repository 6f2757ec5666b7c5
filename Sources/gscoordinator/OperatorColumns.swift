import Wire

/// The columns of objects: name, status, owner and age; and when they are to be wide, what their own status and spec
/// hold, which is different for every kind.
struct ObjectColumns {
  private let isWide: Bool
  /// Paths of the columns that only these objects have.
  private let paths: [String]

  /// Most columns of that sort.
  private static let maximumPaths = 8

  init(_ objects: [JSONValue], isWide: Bool) {
    self.isWide = isWide
    var paths: [String] = []
    for part in isWide ? ["status", "spec"] : [] {
      for object in objects {
        for (key, value) in object[part]?.members ?? [] where value.isScalar && key != "phase" {
          let path = "\(part).\(key)"
          if !paths.contains(path), paths.count < Self.maximumPaths { paths.append(path) }
        }
      }
    }
    self.paths = paths
  }

  /// The titles.
  var titles: [String] {
    let extra = paths.map { path in Self.title(String(path[path.index(after: path.firstIndex(of: ".")!)...])) }
    return ["NAME", "STATUS", "OWNER", "AGE"] + extra + (isWide ? ["CONDITIONS", "REVISION"] : [])
  }

  /// An object's cells. A status that is given beats its own.
  func row(_ object: JSONValue, status: String? = nil, now: Int64) -> [String] {
    var phase = object["damaged"] == nil ? object.at("status.phase")?.text : "Damaged"
    if Self.waits(object) { phase = phase.map { $0 + ",waiting" } }
    let first = [
      object["name"]?.text ?? object["key"]?.text ?? "", status ?? phase ?? "", object["owner"]?.text ?? "",
      OperatorTime.age(object["createdMilliseconds"]?.number, now: now),
    ]
    guard isWide else { return first }
    let extra = paths.map { path in object.at(path)?.cell(key: path) ?? "" }
    return first + extra + [Self.conditions(object), object["revision"]?.cell(key: "") ?? ""]
  }

  /// Whether it is open and waits for resources.
  private static func waits(_ object: JSONValue) -> Bool {
    let ready = object["conditions"]?.elements?.first { $0["type"]?.text == "Ready" && $0["holds"] == .bool(false) }
    return ready?["reason"]?.text == "Queued" || ready?["reason"]?.text == "GaveWay"
  }

  /// `Ready,!Reachable(NoAnswer)`: what holds, and what does not and why.
  private static func conditions(_ object: JSONValue) -> String {
    (object["conditions"]?.elements ?? []).map { condition in
      let type = condition["type"]?.text ?? "?"
      return condition["holds"] == .bool(true) ? type : "!\(type)(\(condition["reason"]?.text ?? ""))"
    }.joined(separator: ",")
  }

  /// `restartCount` becomes `RESTART-COUNT`; times lose their unit, since they are shown as dates.
  private static func title(_ key: String) -> String {
    let key = key.hasSuffix("Milliseconds") ? String(key.dropLast("Milliseconds".count)) : key
    return key.harmless.map { $0.isUppercase ? "-\($0)" : $0.uppercased() }.joined()
  }
}

extension JSONValue {
  fileprivate var isScalar: Bool { members == nil && elements == nil }
}
