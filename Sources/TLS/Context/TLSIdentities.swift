/// A server's certificates by the name that a client asks for (SNI, RFC 6066 section 3), exchangeable at any time.

import Synchronization

package final class TLSIdentities: Sendable {
    struct Table: Sendable {
        let fallback: TLSContext
        let contexts: [String: TLSContext]

        /// The context of `name`, else that of the closest domain above it, else nil.
        func context(for name: String) -> TLSContext? {
            var candidate = Substring(name)
            while true {
                if let context = contexts[String(candidate)] { return context }
                guard let dot = candidate.firstIndex(of: ".") else { return nil }
                candidate = candidate[candidate.index(after: dot)...]
            }
        }
    }

    private let current: Mutex<Table>

    /// - Parameters:
    ///   - fallback: for clients that name no domain or one that is not known.
    ///   - contexts: by name of domain (A-labels); each also serves the names below it that have no context of their
    ///     own, such as `rooms.example.org` below `example.org`.
    package init(fallback: TLSContext, contexts: [String: TLSContext] = [:]) {
        current = Mutex(Self.table(fallback, contexts))
    }

    /// Handshakes that begin from now on use these certificates; connections that are established are not touched.
    /// Tickets issued before are not accepted any more, so their clients make a full handshake.
    package func replace(fallback: TLSContext, contexts: [String: TLSContext] = [:]) {
        let table = Self.table(fallback, contexts)
        current.withLock { $0 = table }
    }

    var table: Table { current.withLock { $0 } }

    private static func table(_ fallback: TLSContext, _ contexts: [String: TLSContext]) -> Table {
        Table(
            fallback: fallback,
            contexts: Dictionary(contexts.map { ($0.key.normalizedDomain, $0.value) }, uniquingKeysWith: { $1 }))
    }
}
