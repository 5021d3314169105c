internal import NIOCore
package import Server
package import XMPP

/// XEP-0030: tells what the server, its services and its accounts are and can do, as their features have declared it.
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
                let node = request.payload["node"]
                let own = kernel.registry.discovery(of: .server, at: request.to.domainJID)
                guard let found = node.map({ kernel.registry.node($0, of: request, on: .server) }) ?? own else {
                    throw StanzaError(.itemNotFound)
                }
                write(found, node, into: &writer)
            }),
            Registration.iq(.get, "query", in: .discoveryItems, on: .server, .inline { request, _, _, writer throws(StanzaError) in
                let node = request.payload["node"]
                if let node, kernel.registry.node(node, of: request, on: .server) == nil { throw StanzaError(.itemNotFound) }
                let services = node == nil ? kernel.services(of: request.to.domainJID) : []
                let components = node == nil ? kernel.components(of: request.to.domainJID) : []
                write(
                    services.map { DiscoveryItem($0.jid, name: $0.service.name) } + components.map { DiscoveryItem($0) },
                    node, into: &writer)
            }),
            Registration.iq(.get, "query", in: .discoveryInfo, on: .account, .concurrent { request throws(StanzaError) in
                try await info(request)
            }),
            Registration.iq(.get, "query", in: .discoveryItems, on: .account, .concurrent { request throws(StanzaError) in
                try await items(request)
            }),
            Registration.iq(.get, "query", in: .discoveryInfo, on: .services, .concurrent { request throws(StanzaError) in
                try await info(request)
            }),
            Registration.iq(.get, "query", in: .discoveryItems, on: .services, .concurrent { request throws(StanzaError) in
                try await items(request)
            }),
        ]
    }

    // MARK: Accounts and services

    private func info(_ request: IQRequest) async throws(StanzaError) -> ByteBuffer? {
        let node = request.payload["node"]
        let found: Registry.Discovery?
        if let node {
            if let known = isKnown(to: request) ? kernel.registry.node(node, of: request, on: request.asked) : nil {
                found = known
            } else {
                found = try await kernel.registry.storedNode(node, of: request)
            }
        } else {
            found = kernel.registry.discovery(of: request.asked, at: request.to.domainJID)
        }
        // §8: whether the account exists is told only to those who may see its presence; except that a node which is
        // open to everybody tells it anyway.
        guard let found, node != nil || isKnown(to: request) else {
            throw StanzaError(isKnown(to: request) ? .itemNotFound : .serviceUnavailable)
        }
        var writer = XMLWriter()
        write(found, node, into: &writer)
        return writer.buffer
    }

    private func items(_ request: IQRequest) async throws(StanzaError) -> ByteBuffer? {
        let node = request.payload["node"]
        let isKnown = isKnown(to: request)
        var items = try await kernel.registry.storedItems(of: node, request)
        if node == nil {
            // §8: an account that does not exist has no items, and so strangers see no resources of any other.
            let sessions = isKnown ? request.account?.sessions.filter(\.isAvailable) ?? [] : []
            items = sessions.map { DiscoveryItem($0.handle.jid) } + (items ?? [])
        } else if items == nil, isKnown, let node, kernel.registry.node(node, of: request, on: request.asked) == nil {
            throw StanzaError(.itemNotFound)
        }
        var writer = XMLWriter()
        write(items ?? [], node, into: &writer)
        return writer.buffer
    }

    /// Whether the asking entity may know that there is what it asks.
    private func isKnown(to request: IQRequest) -> Bool {
        request.asked == .account ? request.account != nil && request.maySeePresence : true
    }

    // MARK: Answers

    private func write(_ discovery: Registry.Discovery, _ node: String?, into writer: inout XMLWriter) {
        writer.element("query", in: .discoveryInfo, ["node": node]) { writer in
            for identity in discovery.identities {
                writer.element(
                    "identity", ["category": identity.category, "type": identity.type, "name": identity.name])
            }
            for feature in discovery.features { writer.element("feature", ["var": feature]) }
            for form in discovery.forms { form.write(into: &writer) }
        }
    }

    private func write(_ items: [DiscoveryItem], _ node: String?, into writer: inout XMLWriter) {
        writer.element("query", in: .discoveryItems, ["node": node]) { writer in
            for item in items {
                writer.element("item", ["jid": item.jid.description, "node": item.node, "name": item.name])
            }
        }
    }
}

extension Namespace {
    package static let discoveryInfo: Namespace = "http://jabber.org/protocol/disco#info"
    package static let discoveryItems: Namespace = "http://jabber.org/protocol/disco#items"
}
