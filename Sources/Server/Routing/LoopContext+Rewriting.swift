internal import NIOCore
package import XMPP

extension LoopContext {
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
