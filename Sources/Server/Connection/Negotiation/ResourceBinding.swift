internal import NIOCore
package import XMPP

/// The authenticated stream gets a resource and so becomes a session (RFC 6120 §7).
struct ResourceBinding: StreamFeature {
    let rule = StreamFeatureRule(
        requires: [.authenticated, .secure], excludes: .bound, elements: [("iq", .client)])

    /// How often a resource was asked for in vain.
    private static let refusals = StreamSlot<Int> { 0 }

    func offer(on stream: StreamHandler, into writer: inout XMLWriter) {
        writer.element("bind", in: .bind)
    }

    func negotiate(_ element: Element, on stream: StreamHandler) throws(StreamError) {
        // §7.1: nothing but the request to bind before a resource is bound.
        guard element["type"] == "set", let request = element.child("bind", in: .bind), let account = stream.authenticated
        else { throw StreamError(.notAuthorized, "a resource has to be bound first") }
        let id = element["id"] ?? ""
        let resource = request.child("resource")?.text
        let resume = stream.pause()
        let bound = NIOLoopBound(stream, eventLoop: stream.loop.eventLoop)
        stream.kernel.binding.bind(account, resource: resource, stream: bound) { result in
            let stream = bound.value
            stream.output { buffer in
                var writer = XMLWriter(into: buffer)
                buffer = ByteBuffer()
                writer.element("iq", ["type": result.isSuccess ? "result" : "error", "id": id]) { writer in
                    switch result {
                    case .success(let session):
                        writer.element("bind", in: .bind) { $0.element("jid", text: session.jid.description) }
                    case .failure(let error):
                        error.write(into: &writer)
                    }
                }
                buffer = writer.buffer
            }
            if case .failure = result {
                stream[Self.refusals] += 1
                // §7.7.3
                if stream[Self.refusals] >= stream.kernel.limits.bindAttempts {
                    stream.close(StreamError(.policyViolation, "too many attempts to bind a resource"))
                }
            }
            resume()
        }
    }
}

/// The request that RFC 3921 wanted after binding; it has no effect any more, and old clients still make it.
struct SessionEstablishment: StreamFeature {
    let rule = StreamFeatureRule(requires: [.authenticated, .secure], excludes: .bound)

    func offer(on stream: StreamHandler, into writer: inout XMLWriter) {
        writer.element("session", in: .session) { $0.element("optional") }
    }

    static let registrations = [Asked.server, .account].flatMap {
        Registration.iq(.set, "session", in: .session, on: $0, isAdvertised: false, .inline { _, _, _, _ in })
    }
}

extension Result {
    fileprivate var isSuccess: Bool { if case .success = self { true } else { false } }
}

extension Namespace {
    /// RFC 6120 §7
    package static let bind: Namespace = "urn:ietf:params:xml:ns:xmpp-bind"
    /// RFC 3921 §3
    package static let session: Namespace = "urn:ietf:params:xml:ns:xmpp-session"
}
