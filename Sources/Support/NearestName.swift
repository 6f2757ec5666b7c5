/// Suggests a name for a misspelled one.
public enum NearestName {
  /// Returns the name with the smallest edit distance (insertions, deletions and replacements); nil when it is too large for a
  /// misspelling.
  public static func of(_ name: String, among names: [String]) -> String? {
    let wanted = Array(name.lowercased().utf8.prefix(64))
    let distances = names.prefix(1000).map { distance(wanted, Array($0.lowercased().utf8.prefix(64))) }
    guard let nearest = distances.indices.min(by: { distances[$0] < distances[$1] }) else { return nil }
    return distances[nearest] <= max(1, wanted.count / 2) ? names[nearest] : nil
  }

  /// Returns the Levenshtein distance.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var row = Array(0...right.count)
    for (i, letter) in left.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, other) in right.enumerated() {
        let replaced = diagonal + (letter == other ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
      }
    }
    return row[right.count]
  }
}
