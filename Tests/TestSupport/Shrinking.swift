/// Zeller and Hildebrandt's delta debugging (ddmin): a part of a failing history that still fails and from which no
/// single event can be left out, unless the tries run out before.
public func shrink<Event>(_ history: [Event], tries: Int, fails: ([Event]) -> Bool) -> [Event] {
  var best = history
  var pieces = 2
  var left = tries
  while !best.isEmpty, left > 0 {
    let size = (best.count + pieces - 1) / pieces
    var shrunk = false
    var begin = 0
    while begin < best.count, left > 0 {
      let candidate = Array(best[..<begin] + best[min(begin + size, best.count)...])
      left -= 1
      if fails(candidate) {
        best = candidate
        shrunk = true
      } else {
        begin += size
      }
    }
    if shrunk {
      pieces = max(pieces - 1, 2)
    } else if size == 1 {
      break
    } else {
      pieces = min(pieces * 2, best.count)
    }
  }
  return best
}
