internal import NIOCore
internal import TLS
package import XMPP

/// The stream becomes encrypted (RFC 6120 §5).
struct StartTLS: StreamFeature {
    let rule = StreamFeatureRule(
        excludes: [.encrypted, .authenticated], elements: [("starttls", .startTLS)])

    func offer(on stream: StreamHandler, into writer: inout XMLWriter) {
        writer.element("starttls", in: .startTLS) {
            if stream.listener.section.tls == .required { $0.element("required") }
        }
    }

    func negotiate(_ element: Element, on stream: StreamHandler) throws(StreamError) {
        // §5.3.3, §5.4.3.3: nothing may follow before the handshake; it could have been put there by anybody.
        guard !stream.hasMoreInput else { return stream.refuseTLS() }
        stream.output { $0.writeString("<proceed xmlns='\(Namespace.startTLS)'/>") }
        stream.flushOutput()
        // §5.4.3.1: what else the client has said before the handshake is forgotten.
        let domain = stream.machine.domain
        stream.negotiated([], restarts: true)
        do {
            try stream.insertBelow(
                TLSHandler(
                    server: stream.kernel.identities, fallbackName: domain?.domain,
                    gate: stream.loop.handshakes))
        } catch {
            throw StreamError(.internalServerError)
        }
    }
}

extension Namespace {
    /// RFC 6120 §5
    package static let startTLS: Namespace = "urn:ietf:params:xml:ns:xmpp-tls"
}
