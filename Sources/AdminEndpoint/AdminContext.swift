import Coordinator
import Hummingbird
import Logging
import NIOCore

/// What a request brings along: the connection it came over, and who sent it.
struct AdminContext: RequestContext {
  typealias Source = ApplicationRequestContextSource

  var coreContext: CoreRequestContextStorage
  let channel: any Channel
  /// Who asks; nil: that is not known, which few paths take.
  var caller: Authentication?

  init(source: Source) {
    coreContext = CoreRequestContextStorage(source: source)
    channel = source.channel
  }

  /// Who asks, where somebody unknown may not.
  func knownCaller() throws(AdminError) -> Authentication {
    guard let caller else { throw AdminError(.unauthenticated, "it is not known who calls") }
    return caller
  }

  /// What of the objects the caller may see.
  var view: TenantView { TenantView(caller) }
}
