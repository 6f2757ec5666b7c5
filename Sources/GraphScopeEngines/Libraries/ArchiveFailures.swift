import Engines
import Support

/// Reads the archive of an application; turns a fault of the archive into an error about the application.
func readingArchive<R>(_ body: () throws(ZipError) -> R) throws(EngineError) -> R {
  do { return try body() } catch {
    throw EngineError(
      .invalidArgument, "the application's archive cannot be read: \(error.why)", hint: "Send a .gar, a zip archive")
  }
}
