package import Server
internal import Synchronization
package import XMPP

/// XEP-0115 §6.3: tells what the server can do already in the stream features, so that clients that have met it
/// before need not ask.
package struct EntityCapabilities: Feature {
    package static let xeps = [115]

    private unowned let kernel: Kernel

    package init(kernel: Kernel) {
        self.kernel = kernel
    }

    package var registrations: [[Registration]] {
        let announcement = CapabilitiesAnnouncement(kernel: kernel)
        return [
            Registration.advertise(.capabilities, on: .server),
            Registration.stream(announcement),
            Registration.node(on: .server) { node, _ in
                node == "\(Software.uri)#\(announcement.verification)" ? kernel.registry.server : nil
            },
        ]
    }
}

/// `<c/>` in the stream features.
private final class CapabilitiesAnnouncement: StreamFeature {
    let rule = StreamFeatureRule(requires: [.authenticated])
    private unowned let kernel: Kernel
    private let computed = Mutex<VerificationString?>(nil)

    init(kernel: Kernel) {
        self.kernel = kernel
    }

    /// Computed once: when it is needed first, all features have registered, and nothing changes any more.
    var verification: VerificationString {
        computed.withLock { computed in
            if let computed { return computed }
            let server = kernel.registry.server
            let result = VerificationString(
                identities: server.identities.map { .init(category: $0.category, type: $0.type, name: $0.name) },
                features: server.features, forms: server.forms)
            computed = result
            return result
        }
    }

    func offer(on stream: StreamHandler, into writer: inout XMLWriter) {
        writer.element(
            "c", in: .capabilities,
            ["hash": "sha-1", "node": Software.uri, "ver": verification.description])
    }
}

extension Namespace {
    package static let capabilities: Namespace = "http://jabber.org/protocol/caps"
}
