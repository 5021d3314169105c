internal import NIOCore
package import XMPP

extension LoopContext {
    /// A stanza as its receiver would read it; for one of the server's own it is read first. Nil if it is none.
    package func element(of stanza: Stanza) -> Element? {
        if let element = stanza.element { return element }
        let bytes = stanza.serialized
        var limits = XMLLimits()
        limits.bytes = max(limits.bytes, bytes.readableBytes)
        return try? parser.parse(bytes, limits: limits)
    }

    /// Puts other content in the place of a received stanza's own.
    /// - Parameter content: writes it, inside `jabber:client`.
    /// - Throws: `internal-server-error` if what was written is no stanza; it must not go on as it was then.
    package func rewrite(
        _ stanza: inout Stanza, _ content: (Element, inout XMLWriter) -> Void
    ) throws(StanzaError) {
        guard let element = stanza.element else { return }
        var writer = XMLWriter()
        content(element, &writer)
        let rewritten: Element
        do {
            let bytes = stanza.serialized(with: writer.buffer)
            var limits = XMLLimits()
            limits.bytes = max(limits.bytes, bytes.readableBytes)
            rewritten = try parser.parse(bytes, limits: limits)
        } catch {
            throw StanzaError(.internalServerError, kind: .wait)
        }
        var result = Stanza(kind: stanza.kind, type: stanza.type, from: stanza.from, to: stanza.to, element: rewritten)
        result.appendix = stanza.appendix
        stanza = result
    }
}
