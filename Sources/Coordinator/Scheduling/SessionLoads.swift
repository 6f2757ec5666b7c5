import Engines
import Logging
import Workers

extension Session {
  /// Runs an operation. If it makes a graph, it runs only if the resources it is expected to take are free; they are reserved
  /// meanwhile, and the estimate is compared with the actual usage.
  /// - Throws: `EngineError` of code `resourceExhausted` with the numbers, or an error of `body`.
  func withinBounds(
    _ operation: Operation, on inputs: [ObjectHandle], _ engine: any AnalyticalEngine,
    log: any ProgressLog, _ body: () async throws -> AnalyticalResult
  ) async throws -> AnalyticalResult {
    guard operation.makesGraph else { return try await body() }
    let estimate = try await engine.estimate(operation, on: inputs)
    let before = storage.taken
    do throws(StorageRefusal) {
      try storage.beginLoad(memory: estimate?.peakBytes ?? 0, disk: estimate?.diskBytes ?? 0, graphs: 1)
    } catch {
      metrics.add(.refusedLoads)
      throw refusal(of: operation, estimate, error)
    }
    if let estimate, estimate.peakBytes >= 1 << 20 { log.info("This load needs about \(estimate.text).") }
    do {
      let result = try await body()
      let measured = storage.endLoad(since: before)
      if let estimate { note(estimate, peak: measured.peak, resident: measured.resident) }
      return result
    } catch {
      _ = storage.endLoad(since: before)
      throw error
    }
  }

  private func refusal(
    of operation: Operation, _ estimate: LoadEstimate?, _ refusal: StorageRefusal
  ) -> EngineError {
    let need = estimate.map { " It needs about \($0.text), estimated from \($0.basis)." } ?? ""
    // Only engines within this process estimate what a load needs.
    let elsewhere =
      estimate == nil
      ? "" : "; for a graph too large for this process, use GraphScope's engines: `gscoordinator --engine graphscope`"
    return EngineError(
      .resourceExhausted, "\(operation.title) was not started: there is no room for its graph.\(need) \(refusal)",
      hint: "Unload graphs that are no longer needed, load less, or ask an operator for a larger quota\(elsewhere)")
  }

  /// Small loads are not representative: most of their memory is buffers.
  private func note(_ estimate: LoadEstimate, peak: Int64, resident: Int64) {
    guard peak >= 1 << 20, resident > 0 else { return }
    metrics.observe(.estimatedPeak, Double(estimate.peakBytes) / Double(peak))
    metrics.observe(.estimatedResident, Double(estimate.residentBytes) / Double(resident))
    logger.debug(
      "load estimated",
      metadata: [
        "estimated_peak": "\(estimate.peakBytes)", "peak": "\(peak)", "estimated_resident": "\(estimate.residentBytes)",
        "resident": "\(resident)",
      ])
  }
}

extension LoadEstimate {
  /// The estimate as text, for example `1.5 GiB of memory, 900 MiB of which stay, and 900 MiB on disk`.
  fileprivate var text: String {
    "\(byteText(peakBytes)) of memory, \(byteText(residentBytes)) of which stay, and \(byteText(diskBytes)) on disk"
  }
}

/// Returns a number of bytes as text for people: `1.5 GiB`.
func byteText(_ bytes: Int) -> String {
  var value = Double(bytes)
  var unit = 0
  while value >= 1024, unit < 5 {
    value /= 1024
    unit += 1
  }
  let text = unit == 0 || value >= 100 ? "\(Int(value.rounded()))" : "\((value * 10).rounded() / 10)"
  return text + " " + ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"][unit]
}
