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
        // §5.4.3.3: what a client sends before the handshake could have been put there by anybody.
        guard !stream.hasMoreInput else {
            throw StreamError(.policyViolation, "nothing may follow <starttls/> before the handshake")
        }
        stream.output { $0.writeString("<proceed xmlns='\(Namespace.startTLS)'/>") }
        stream.flushOutput()
        stream.negotiated([], restarts: true)
        do {
            try stream.insertBelow(
                TLSHandler(
                    server: stream.kernel.identities, fallbackName: stream.machine.domain?.domain,
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
