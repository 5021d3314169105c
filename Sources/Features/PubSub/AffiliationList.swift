internal import Server
internal import XMPP

/// XEP-0060 §5.7, §8.9: who is what at a node.
enum AffiliationList {
    static let kinds = [
        PubSubRequest.Kind(.get, "affiliations", own),
        PubSubRequest.Kind(.get, "affiliations", in: .pubSubOwner, show),
        PubSubRequest.Kind(.set, "affiliations", in: .pubSubOwner, change),
    ]

    private static func own(_ request: PubSubRequest, _ store: NodeStore) throws -> PubSubOutcome {
        let node = request.action["node"]
        if let node { _ = try store.existingNode(node) }
        let found = try store.affiliations(of: request.from, node: node)
        return PubSubOutcome { writer in
            writer.element("affiliations", ["node": node]) { writer in
                for entry in found {
                    writer.element("affiliation", ["node": entry.node, "affiliation": entry.affiliation.rawValue])
                }
            }
        }
    }

    private static func show(_ request: PubSubRequest, _ store: NodeStore) throws -> PubSubOutcome {
        let node = try Configuring.ownNode(request, store)
        let found = try store.affiliations(with: node).sorted { $0.key.description < $1.key.description }
        return PubSubOutcome(.pubSubOwner) { writer in
            writer.element("affiliations", ["node": node.name]) { writer in
                for (entity, affiliation) in found {
                    writer.element("affiliation", ["jid": entity.description, "affiliation": affiliation.rawValue])
                }
            }
        }
    }

    private static func change(_ request: PubSubRequest, _ store: NodeStore) throws -> PubSubOutcome {
        let node = try Configuring.ownNode(request, store)
        var after = try store.affiliations(with: node)
        let wanted = try changes(request.action)
        for (entity, affiliation) in wanted {
            // The owner of an account owns its nodes.
            guard !store.host.isOwner(entity) || affiliation == .owner else { throw StanzaError(.notAcceptable) }
            after[entity] = affiliation == .none ? nil : affiliation
        }
        // §8.9.2.4: "MUST NOT be allowed if there is only one owner"
        guard after.values.contains(.owner) else { throw StanzaError(.notAcceptable, "a node has an owner") }
        guard after.count <= store.host.limits.entitiesPerNode else {
            throw StanzaError(.resourceConstraint, "too many are affiliated with the node", kind: .cancel)
        }
        var announcements: [Announcement] = []
        for (entity, affiliation) in wanted where !store.host.isOwner(entity) {
            try store.setAffiliation(of: entity, at: node, to: affiliation)
            announcements += try followUp(entity, node, store)
        }
        return PubSubOutcome(announcements)
    }

    /// The subscriptions of somebody whose affiliation has changed: waiting ones are settled, those of somebody who
    /// has lost access end (§8.7.4).
    private static func followUp(_ entity: JID, _ node: Node, _ store: NodeStore) throws -> [Announcement] {
        var announcements = try Configuring.cancelled(store.cancelSubscriptions(to: node, of: entity), node, store)
        let standing = try store.standing(of: entity, at: node)
        for subscription in standing.subscriptions {
            var changed = subscription
            if subscription.state == .pending, !node.needsApproval(standing) {
                changed.state = .subscribed
                try store.save(changed, to: node)
                announcements.append(try store.announce(.subscription(changed), at: node))
                announcements += try Subscribing.welcome(changed, node, store)
            }
        }
        return announcements
    }

    private static func changes(_ list: Element) throws(StanzaError) -> [(JID, Affiliation)] {
        var result: [(JID, Affiliation)] = []
        for element in list.children where element.isNamed("affiliation", in: .pubSubOwner) {
            guard let text = element["jid"] else { throw .jidRequired }
            guard let jid = try? JID(text) else { throw StanzaError(.jidMalformed) }
            guard !result.contains(where: { $0.0 == jid.bare }) else {
                throw StanzaError(.badRequest, "\(jid.bare) is named twice")
            }
            // "If the 'affiliation' attribute is not specified […], then the value MUST NOT be changed."
            guard let name = element["affiliation"] else { continue }
            guard let affiliation = Affiliation(rawValue: name) else { throw StanzaError(.badRequest, "there is no affiliation \"\(name)\"") }
            result.append((jid.bare, affiliation))
        }
        return result
    }
}
