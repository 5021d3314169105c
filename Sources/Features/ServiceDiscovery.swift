package import Server
package import XMPP

/// XEP-0030: tells what the server and its accounts are and can do, as their features have declared it.
package struct ServiceDiscovery: Feature {
    package static let xeps = [30]

    private unowned let kernel: Kernel

    package init(kernel: Kernel) {
        self.kernel = kernel
    }

    package var registrations: [[Registration]] {
        [
            Registration.identity(category: "server", type: "im", name: "Martlet", on: .server),
            Registration.identity(category: "account", type: "registered", on: .account),
            Registration.iq(.get, "query", in: .discoveryInfo, on: .server, .inline { request, _, _, writer throws(StanzaError) in
                try answer(request, kernel.registry.server, into: &writer)
            }),
            Registration.iq(.get, "query", in: .discoveryInfo, on: .account, .inline { request, _, _, writer throws(StanzaError) in
                try mayAsk(request)
                try answer(request, kernel.registry.account, into: &writer)
            }),
            Registration.iq(.get, "query", in: .discoveryItems, on: .server, .inline { request, _, _, writer throws(StanzaError) in
                try noNode(request)
                writer.element("query", in: .discoveryItems)
            }),
            Registration.iq(.get, "query", in: .discoveryItems, on: .account, .inline { request, _, _, writer throws(StanzaError) in
                try mayAsk(request)
                try noNode(request)
                writer.element("query", in: .discoveryItems)
            }),
        ]
    }

    /// §8: what an account can do is told only to those who may see its presence.
    private func mayAsk(_ request: IQRequest) throws(StanzaError) {
        guard request.isOwn else { throw StanzaError(.serviceUnavailable) }
    }

    private func noNode(_ request: IQRequest) throws(StanzaError) {
        guard request.payload["node"] == nil else { throw StanzaError(.itemNotFound) }
    }

    private func answer(
        _ request: IQRequest, _ discovery: Registry.Discovery, into writer: inout XMLWriter
    ) throws(StanzaError) {
        try noNode(request)
        writer.element("query", in: .discoveryInfo) { writer in
            for identity in discovery.identities {
                writer.element(
                    "identity", ["category": identity.category, "type": identity.type, "name": identity.name])
            }
            for feature in discovery.features { writer.element("feature", ["var": feature]) }
            for form in discovery.forms { form.write(into: &writer) }
        }
    }
}

extension Namespace {
    package static let discoveryInfo: Namespace = "http://jabber.org/protocol/disco#info"
    package static let discoveryItems: Namespace = "http://jabber.org/protocol/disco#items"
}
