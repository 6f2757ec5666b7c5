import Glibc
import GraphStore
import Testing
import Turns

@Suite(.takesTurns) struct MappedFileTests {
  let workspace = Workspace()

  @Test func whatWasWrittenIsReadByAnotherMapping() throws {
    let path = workspace.new()
    let written = try MappedFile.create(path: path, byteCount: 20)
    #expect(written.bytes.allSatisfy { $0 == 0 })
    written.mutableValues(as: UInt64.self)[1] = 7
    let read = try MappedFile.open(path: path)
    #expect(Array(read.values(as: UInt64.self)) == [0, 7], "four bytes fill no value")
    #expect(read.bytes.count == 20)
  }

  @Test func emptyFilesAreNoSpecialCase() throws {
    let path = workspace.new()
    #expect(try MappedFile.create(path: path, byteCount: 0).bytes.isEmpty)
    #expect(try MappedFile.open(path: path).values(as: Int32.self).isEmpty)
  }

  @Test func anExistingFileIsNotOverwritten() throws {
    let path = workspace.new()
    _ = try MappedFile.create(path: path, byteCount: 1)
    let error = #expect(throws: GraphStoreError.self) { _ = try MappedFile.create(path: path, byteCount: 1) }
    #expect(error?.code == .inputOutput && error?.description.contains(path) == true)
  }

  @Test func spaceThatIsNotThereIsAnErrorAndLeavesNoFile() throws {
    let path = workspace.new()
    let error = #expect(throws: GraphStoreError.self) { _ = try MappedFile.create(path: path, byteCount: 1 << 60) }
    #expect(error?.code == .inputOutput && error?.description.contains(path) == true)
    #expect(access(path, F_OK) != 0)
  }

  @Test func onlyRegularFilesAreOpened() throws {
    #expect(throws: GraphStoreError.self) { _ = try MappedFile.open(path: workspace.path) }
    let pipe = workspace.new()
    mkfifo(pipe, 0o600)
    #expect(throws: GraphStoreError.self) { _ = try MappedFile.open(path: pipe) }
    let missing = #expect(throws: GraphStoreError.self) { _ = try MappedFile.open(path: workspace.new()) }
    #expect(missing?.code == .notFound)
  }
}
