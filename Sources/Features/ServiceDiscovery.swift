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
            Registration.identity(category: "server", type: "im", name: Software.name, on: .server),
            Registration.identity(category: "account", type: "registered", on: .account),
            Registration.iq(.get, "query", in: .discoveryInfo, on: .server, .inline { request, _, _, writer throws(StanzaError) in
                try writeInfo(kernel.registry.server, on: .server, request, into: &writer)
            }),
            Registration.iq(.get, "query", in: .discoveryInfo, on: .account, .inline { request, _, _, writer throws(StanzaError) in
                // §8: whether the account exists is told only to those who may see its presence.
                guard request.account != nil, request.maySeePresence else { throw StanzaError(.serviceUnavailable) }
                try writeInfo(kernel.registry.account, on: .account, request, into: &writer)
            }),
            Registration.iq(.get, "query", in: .discoveryItems, on: .server, .inline { request, _, _, writer throws(StanzaError) in
                try writeItems([], on: .server, request, into: &writer)
            }),
            Registration.iq(.get, "query", in: .discoveryItems, on: .account, .inline { request, _, _, writer throws(StanzaError) in
                // §8: an account that does not exist has no items, and so strangers see none of any other.
                guard let account = request.account, request.maySeePresence else {
                    return writer.element("query", in: .discoveryItems, ["node": request.payload["node"]])
                }
                let resources = account.sessions.filter(\.isAvailable).map(\.handle.jid)
                try writeItems(resources, on: .account, request, into: &writer)
            }),
        ]
    }

    private func writeInfo(
        _ own: Registry.Discovery, on asked: Asked, _ request: IQRequest, into writer: inout XMLWriter
    ) throws(StanzaError) {
        let node = request.payload["node"]
        guard let discovery = node.map({ kernel.registry.node($0, of: request, on: asked) }) ?? own else {
            throw StanzaError(.itemNotFound)
        }
        writer.element("query", in: .discoveryInfo, ["node": node]) { writer in
            for identity in discovery.identities {
                writer.element(
                    "identity", ["category": identity.category, "type": identity.type, "name": identity.name])
            }
            for feature in discovery.features { writer.element("feature", ["var": feature]) }
            for form in discovery.forms { form.write(into: &writer) }
        }
    }

    /// - Parameter items: those of no node; no node has items of its own.
    private func writeItems(
        _ items: [JID], on asked: Asked, _ request: IQRequest, into writer: inout XMLWriter
    ) throws(StanzaError) {
        let node = request.payload["node"]
        if let node, kernel.registry.node(node, of: request, on: asked) == nil { throw StanzaError(.itemNotFound) }
        writer.element("query", in: .discoveryItems, ["node": node]) { writer in
            guard node == nil else { return }
            for item in items { writer.element("item", ["jid": item.description]) }
        }
    }
}

extension Namespace {
    package static let discoveryInfo: Namespace = "http://jabber.org/protocol/disco#info"
    package static let discoveryItems: Namespace = "http://jabber.org/protocol/disco#items"
}
