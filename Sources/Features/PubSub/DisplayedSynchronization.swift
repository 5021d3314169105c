internal import Logging
package import Server
internal import XMPP

/// XEP-0490 §5.4: a message that says to whom it goes what was displayed can say so to the sender's other devices, too:
/// the server publishes that, and passes on the rest.
package struct DisplayedSynchronization: Feature {
    package static let xeps = [490]

    private let engine: PubSubEngine

    package init(kernel: Kernel) {
        engine = PubSubEngine(kernel: kernel)
    }

    package var registrations: [[Registration]] {
        [
            Registration.advertise(["urn:xmpp:mds:server-assist:0"], on: .account),
            Registration.message(.fromClient, .rewrite) { stanza, scope throws(StanzaError) in
                guard let displayed = stanza.element?.child("displayed", in: .displayed) else { return .next }
                let chat = stanza.element?["to"]
                // "the server MUST strip the <displayed/> element", whatever becomes of it.
                try scope.loop.rewrite(&stanza) { message, writer in
                    for child in message.children where !child.isNamed("displayed", in: .displayed) {
                        writer.copy(child, inside: .client)
                    }
                }
                if let chat, stanza.type != .error { publish(displayed, chat, of: scope.account) }
                return .next
            },
        ]
    }

    private func publish(_ displayed: Element, _ chat: String, of account: Account) {
        guard displayed.child("stanza-id", in: .stanzaIDs) != nil, chat.utf8.count <= Node.nameLimit else { return }
        let host = PubSubHost(account: account.jid, account, engine.limits)
        let publication = Publishing.Publication(
            id: chat, payload: (displayed.serialized, Namespace.displayed.description))
        let logger = engine.kernel.logger
        engine.change(host) { store in
            var configuration = store.host.defaults
            configuration.accessModel = .whitelist
            configuration.maxItems = .max
            configuration.sendLast = .never
            let name = Namespace.displayed.description
            // Nobody else is to see it, however the node was made (§8).
            if let node = try store.node(name), node.configuration.accessModel != .whitelist { return PubSubOutcome() }
            try publication.check(configuration)
            return PubSubOutcome(
                try Publishing.publish(publication, to: name, configuration: configuration, store))
        } completion: { result in
            guard case .failure(let error) = result else { return }
            logger.debug("What was displayed is not published.", metadata: [LogKeys.reason: "\(error)"])
        }
    }
}

extension Namespace {
    static let displayed: Namespace = "urn:xmpp:mds:displayed:0"
    /// XEP-0359
    static let stanzaIDs: Namespace = "urn:xmpp:sid:0"
}
