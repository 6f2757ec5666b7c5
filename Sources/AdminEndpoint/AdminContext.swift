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

  /// What of the objects the caller may see.
  var view: TenantView { TenantView(caller) }
}
