internal import NIOCore
package import XMPP

/// XEP-0478: tells the client how large its stanzas may be and how long it may be silent.
struct StreamLimitsAdvertisement: StreamFeature {
    // RFC 6120 §5.3.1: beside a STARTTLS that is required, nothing else is offered.
    let rule = StreamFeatureRule(requires: .secure)

    func offer(on stream: StreamHandler, into writer: inout XMLWriter) {
        let limits = stream.kernel.limits
        let isAuthenticated = stream.facts.contains(.authenticated)
        writer.element("limits", in: .streamLimits) {
            $0.element("max-bytes", text: "\(isAuthenticated ? limits.afterLogin.bytes : limits.beforeLogin.bytes)")
            if isAuthenticated {
                let idle = limits.keepalive + limits.keepaliveAnswer
                $0.element("idle-seconds", text: "\(idle.nanoseconds / 1_000_000_000)")
            }
        }
    }
}

extension Namespace {
    /// XEP-0478
    package static let streamLimits: Namespace = "urn:xmpp:stream-limits:0"
}
