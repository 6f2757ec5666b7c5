import JSON
import Objects
import StateStore
import Support
import Wire

/// The columns of a table of objects: name, status, owner, age and the most useful values of their kind; in a wide table also
/// the other members of their status and spec.
struct ObjectColumns {
  private let kind: ObjectKind
  private let isWide: Bool
  /// The paths of the additional columns of a wide table.
  private let paths: [String]

  /// The maximum number of additional columns.
  private static let maximumPaths = 8

  init(_ objects: [JSONValue], of kind: ObjectKind, isWide: Bool) {
    self.kind = kind
    self.isWide = isWide
    let shown = kind.columns.flatMap(\.paths)
    var paths: [String] = []
    for part in isWide ? ["status", "spec"] : [] {
      for object in objects {
        for (key, value) in object[part]?.members ?? [] where value.isScalar && key != "phase" {
          let path = "\(part).\(key)"
          if !paths.contains(path), !shown.contains(path), paths.count < Self.maximumPaths { paths.append(path) }
        }
      }
    }
    self.paths = paths
  }

  /// The titles of the columns.
  var titles: [String] {
    let extra = paths.map { path in Self.title(String(path[path.index(after: path.firstIndex(of: ".")!)...])) }
    return ["NAME", "STATUS", "OWNER", "AGE"] + kind.columns.map(\.title) + extra
      + (isWide ? ["CONDITIONS", "REVISION"] : [])
  }

  /// Returns the cells of an object. `status` takes precedence over the status of the object.
  func row(_ object: JSONValue, status: String? = nil, now: Int64) -> [String] {
    var phase = object["damaged"] == nil ? object.at("status.phase")?.text : "Damaged"
    if Self.waits(object) { phase = phase.map { $0 + ",waiting" } }
    let first = [
      object["name"]?.text ?? object["key"]?.text ?? "", status ?? phase ?? "", object["owner"]?.text ?? "",
      OperatorTime.age(object["createdMilliseconds"]?.number, now: now),
    ]
    let own = kind.columns.map { status == nil ? $0.cell(object, now) : "" }
    guard isWide else { return first + own }
    let extra = paths.map { path in object.at(path)?.cell(key: path) ?? "" }
    return first + own + extra + [Self.conditions(object), object["revision"]?.cell(key: "") ?? ""]
  }

  /// Returns whether the object is open and waiting for resources.
  private static func waits(_ object: JSONValue) -> Bool {
    let ready = object["conditions"]?.elements?.first {
      $0["type"]?.text == ObjectCondition.Kind.ready.rawValue && $0["holds"] == .bool(false)
    }
    return ready?["reason"]?.text.flatMap { ObjectCondition.Reason(rawValue: $0) }?.isWaiting ?? false
  }

  /// Returns the conditions as `Ready,!Reachable(NoAnswer)`: those that hold, and those that do not with their reasons.
  private static func conditions(_ object: JSONValue) -> String {
    (object["conditions"]?.elements ?? []).map { condition in
      let type = condition["type"]?.text ?? "?"
      return condition["holds"] == .bool(true) ? type : "!\(type)(\(condition["reason"]?.text ?? ""))"
    }.joined(separator: ",")
  }

  /// Converts `restartCount` to `RESTART-COUNT`, and `leaseMilliseconds` to `LEASE`, because units are shown with the values.
  private static func title(_ key: String) -> String {
    ObjectUnit(key: key).name(of: .null).harmless().map { $0.isUppercase ? "-\($0)" : $0.uppercased() }.joined()
  }
}

/// A column that only objects of one kind have.
struct KindColumn: Sendable {
  let title: String
  /// The paths of the members that it shows.
  let paths: [String]
  let cell: @Sendable (_ object: JSONValue, _ now: Int64) -> String

  private init(_ title: String, _ paths: [String], _ cell: @escaping @Sendable (JSONValue, Int64) -> String) {
    (self.title, self.paths, self.cell) = (title, paths, cell)
  }

  /// A column of the value at a path, with its unit; integers without a unit have grouped digits.
  private static func value(_ title: String, _ path: String) -> KindColumn {
    KindColumn(title, [path]) { object, _ in object.at(path)?.amount(key: path) ?? "" }
  }

  /// A column of the form `used / capacity`.
  private static func part(_ title: String, _ used: String, of whole: String) -> KindColumn {
    KindColumn(title, [used, whole]) { object, _ in
      [used, whole].map { object.at($0)?.amount(key: $0) ?? "?" }.joined(separator: " / ")
    }
  }

  /// Labels with their counts: `person (4), post (2)`.
  private static let labels = KindColumn("LABELS", []) { object, _ in
    let labels = ["vertexLabels", "edgeLabels"].flatMap { object.at("status.\($0)")?.elements ?? [] }
    return labels.map { label in
      (label["name"]?.text ?? "?") + (label["count"]?.number.map { " (\($0.grouped))" } ?? "")
    }.joined(separator: ", ")
  }

  /// The work of a step: its algorithm, or the operation that the client requested.
  private static let work = KindColumn("WORK", ["spec.algorithm"]) { object, _ in
    if let algorithm = object.at("spec.algorithm")?.text { return algorithm }
    let kinds = (object.at("spec.operations")?.elements ?? []).compactMap { $0["kind"]?.text }
    return (kinds.contains { $0 != "DATA_SOURCE" } ? kinds.filter { $0 != "DATA_SOURCE" } : kinds)
      .joined(separator: ", ").clipped(to: 40)
  }

  /// The duration; of running steps, the time until now.
  private static let duration = KindColumn("TIME", ["status.finishedMilliseconds"]) { object, now in
    guard let start = object["createdMilliseconds"]?.number else { return "" }
    let end =
      object.at("status.finishedMilliseconds")?.number ?? (object.at("status.phase")?.text == "running" ? now : nil)
    return end.map { OperatorTime.length(max(0, $0 - start)) } ?? ""
  }

  /// The progress of a running step, or the reason for which a step failed.
  private static let progress = KindColumn("PROGRESS", []) { object, _ in
    guard let progress = object["progress"] else {
      return object.at("status.failure.message")?.text?.clipped(to: 80) ?? ""
    }
    let place = ["operation", "operations"].map { progress[$0]?.cell(key: "") ?? "?" }.joined(separator: "/")
    return "\(place) \(progress["kind"]?.text ?? "")" + (progress["message"]?.text.map { ": \($0)" } ?? "")
  }

  fileprivate static func columns(of kind: ObjectKind) -> [KindColumn] {
    switch kind {
    case .step: [work, duration, progress]
    case .graph:
      [labels, value("VERTICES", "status.vertices"), value("EDGES", "status.edges"), value("SIZE", "status.dataBytes")]
    case .result:
      [
        value("ALGORITHM", "spec.algorithm"), value("GRAPH", "spec.graph"), value("VALUES", "status.values"),
        value("SIZE", "status.dataBytes"),
      ]
    case .tenant:
      [
        value("SESSIONS", "status.sessions"), value("WAITING", "status.waiting"), value("GRAPHS", "status.graphs"),
        value("CPU", "status.held.cpuMillicores"), value("MEMORY", "status.held.memoryBytes"),
        value("DISK", "status.diskBytes"), value("SHARE", "status.sharePercent"),
      ]
    case .host:
      [
        part("CPU", "status.used.cpuMillicores", of: "spec.capacity.cpuMillicores"),
        part("MEMORY", "status.used.memoryBytes", of: "spec.capacity.memoryBytes"),
      ]
    case .session, .instance, .graphService, .job, .child: []
    }
  }
}

extension ObjectKind {
  /// The columns that only this kind has.
  fileprivate var columns: [KindColumn] { KindColumn.columns(of: self) }
}

extension JSONValue {
  fileprivate var isScalar: Bool { members == nil && elements == nil }

  /// Returns the value with its unit; integers without a unit have grouped digits.
  fileprivate func amount(key: String) -> String {
    if ObjectUnit(key: key).text(self) == nil, let number { return number.grouped }
    return cell(key: key)
  }
}
