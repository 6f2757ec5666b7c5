import Support

/// The library of an application as sent by a client: a zip archive of one file.
enum LibraryArchive {
  /// Checks an archive without unpacking it.
  /// - Returns: The name of its file.
  /// - Throws: `CoordinatorError.invalidArgument` if it is not a zip archive, does not contain exactly one file, or the file is
  ///   in a directory.
  static func fileName(_ bytes: UnsafeRawBufferPointer) throws(CoordinatorError) -> String {
    let archive: ZipArchive
    do { archive = try ZipArchive(Array(bytes)) } catch {
      throw CoordinatorError(
        .invalidArgument,
        "the library is not a zip archive: \(error.why). Send a .gar or .jar archive that contains one file")
    }
    guard archive.entryCount == 1, let entry = archive.entries.first else {
      throw CoordinatorError(.invalidArgument, "Expect only one resource in one gar, found \(archive.entryCount)")
    }
    guard !entry.path.holdsByte(of: "/") else {
      throw CoordinatorError(
        .invalidArgument,
        "the library archive contains a file whose name is not a plain file name. Pack the file without a directory")
    }
    return entry.path
  }
}
