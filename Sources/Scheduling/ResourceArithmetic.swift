extension Resources {
  /// The largest accepted amount; sums over all hosts and all members of a gang stay far from overflow.
  static let largestAmount: Int64 = 1 << 46

  /// Whether all amounts are nonnegative and at most `largestAmount`.
  var isPlausible: Bool { isValid && fits(in: Self.most) }

  private static let most = Resources(
    cpuMillicores: largestAmount, memoryBytes: largestAmount, analyticalSlots: largestAmount,
    interactiveSlots: largestAmount, learningSlots: largestAmount)

  /// Returns the minimum of each amount.
  func lower(_ other: Resources) -> Resources { combined(other) { Swift.min($0, $1) } }

  /// Returns the maximum of each amount.
  func upper(_ other: Resources) -> Resources { combined(other) { Swift.max($0, $1) } }

  /// The amounts, with 0 in place of negative ones.
  var nonnegative: Resources { upper(.zero) }

  /// Returns the amounts multiplied by a number.
  func times(_ count: Int64) -> Resources { combined(self) { amount, _ in amount * count } }

  @inline(__always)
  private func combined(_ other: Resources, _ operation: (Int64, Int64) -> Int64) -> Resources {
    Resources(
      cpuMillicores: operation(cpuMillicores, other.cpuMillicores),
      memoryBytes: operation(memoryBytes, other.memoryBytes),
      analyticalSlots: operation(analyticalSlots, other.analyticalSlots),
      interactiveSlots: operation(interactiveSlots, other.interactiveSlots),
      learningSlots: operation(learningSlots, other.learningSlots))
  }

  /// Returns the largest fraction that an amount is of the whole; amounts that the whole lacks count as 0.
  func dominantPart(of whole: Resources) -> Double {
    func part(_ amount: Int64, _ all: Int64) -> Double { all > 0 ? Double(amount) / Double(all) : 0 }
    return Swift.max(
      part(cpuMillicores, whole.cpuMillicores), part(memoryBytes, whole.memoryBytes),
      part(analyticalSlots, whole.analyticalSlots), part(interactiveSlots, whole.interactiveSlots),
      part(learningSlots, whole.learningSlots))
  }

  /// Returns the sum of all elements.
  static func sum(_ all: some Sequence<Resources>) -> Resources { all.reduce(.zero, +) }

  /// The amounts as text for people, without zeros.
  var sentence: String {
    var parts: [String] = []
    if cpuMillicores != 0 { parts.append(Self.cores(cpuMillicores)) }
    if memoryBytes != 0 { parts.append("\(Self.bytes(memoryBytes)) of memory") }
    for (count, kind) in [(analyticalSlots, "analytical"), (interactiveSlots, "query"), (learningSlots, "learning")]
    where count != 0 {
      parts.append("\(count) \(kind) slot\(count == 1 ? "" : "s")")
    }
    return parts.isEmpty ? "nothing" : parts.joined(separator: ", ")
  }

  /// Returns processor time as text for people, for example `1.5 cores`.
  public static func cores(_ millicores: Int64) -> String {
    let thousandths = String((millicores.magnitude % 1_000) + 1_000).dropFirst()
    let rest = String(thousandths.reversed().drop { $0 == "0" }.reversed())
    let whole = "\(millicores < 0 ? "-" : "")\(millicores.magnitude / 1_000)" + (rest.isEmpty ? "" : "." + rest)
    return "\(whole) core\(whole == "1" ? "" : "s")"
  }

  /// Returns a number of bytes as text for people, rounded to a tenth of its unit, for example `1.5 GiB`.
  public static func bytes(_ count: Int64) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
    var unit = 0
    var scale: UInt64 = 1
    while unit < units.count - 1, count.magnitude >= scale * 1_024 {
      unit += 1
      scale *= 1_024
    }
    let sign = count < 0 ? "-" : ""
    if count.magnitude % scale == 0 { return "\(sign)\(count.magnitude / scale) \(units[unit])" }
    let tenths = count.magnitude / scale * 10 + count.magnitude % scale * 10 / scale
    return "\(sign)\(tenths / 10).\(tenths % 10) \(units[unit])"
  }
}
