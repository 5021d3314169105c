internal import NIOCore
internal import XMPP

/// STARTTLS is asked for where it is not offered: inside TLS, or on a listener that has none (RFC 6120 §5.4.2.2).
struct StartTLSRefusal: StreamFeature {
    let rule = StreamFeatureRule(elements: [("starttls", .startTLS)])

    func offer(on stream: StreamHandler, into writer: inout XMLWriter) {}

    func negotiate(_ element: Element, on stream: StreamHandler) throws(StreamError) {
        stream.refuseTLS()
    }
}

extension StreamHandler {
    /// RFC 6120 §5.4.2.2
    func refuseTLS() {
        output { $0.writeString("<failure xmlns='\(Namespace.startTLS)'/>") }
        close(nil)
    }
}
