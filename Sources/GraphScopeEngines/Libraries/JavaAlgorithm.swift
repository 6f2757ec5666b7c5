import Engines

/// An algorithm in Java, requested by clients as `java_pie:<class>` or, with Giraph's interfaces, as `giraph:<class>`.
struct JavaAlgorithm: Equatable {
  /// The fully qualified class name.
  let className: String
  /// Whether it is written with Giraph's interfaces.
  let isGiraph: Bool

  /// Parses the name of an algorithm; returns nil if it is not in Java.
  init?(_ algorithm: String) {
    if algorithm.hasPrefix("java_pie:") {
      className = String(algorithm.dropFirst("java_pie:".count))
      isGiraph = false
    } else if algorithm.hasPrefix("giraph:") {
      className = String(algorithm.dropFirst("giraph:".count))
      isGiraph = true
    } else {
      return nil
    }
  }

  /// Returns the error that says what is missing to run it, and where to get it. The engine in GraphScope's Python packages was
  /// built without the Java SDK, so adding a jar would not help.
  func refusal(_ installation: Installation, _ files: any FileLookup) -> EngineError {
    let jars = installation.javaClassPath.split(separator: ":").map(String.init).prefix(isGiraph ? 2 : 1)
    let missing = jars.filter { !files.exists($0) }
    guard !missing.isEmpty else {
      return EngineError(
        .unimplemented, "algorithms in Java are not compiled by this coordinator yet", evidence: className,
        hint: "Use a C++ or Cython algorithm")
    }
    return EngineError(
      .unimplemented,
      "'\(className)' is in Java, and GraphScope's Java SDK is not installed: \(missing.joined(separator: ", "))",
      hint: "Install an engine that was built with it (cmake -DENABLE_JAVA_SDK=ON, as in the images"
        + " graphscope/analytical-java:\(Installation.supportedVersion)) and set graphscope.home to it;"
        + " the packages on PyPI do not include it")
  }
}
