internal import XMPP

/// What somebody is to a node and to its owner, at one moment.
struct Standing: Sendable {
    /// The bare JID.
    let entity: JID
    var affiliation = Affiliation.none
    /// The subscriptions of all addresses with this bare JID.
    var subscriptions: [NodeSubscription] = []
    /// What the owner of a personal service knows of the entity.
    var acquaintance = Acquaintance()

    var isSubscribed: Bool { subscriptions.contains { $0.state == .subscribed } }
}

/// What the roster of an account says about somebody.
struct Acquaintance: Sendable, Equatable {
    /// Whether they receive the account's presence.
    var isSubscriber = false
    /// The groups that the account has them in.
    var groups: [String] = []
}

/// Who may do what: every decision about access is made here, for requests and for notifications alike.
extension Node {
    /// Whether somebody may subscribe to the node, and see its items once they have (XEP-0060 §4.5, §6.1.3, §6.5.9).
    /// - Throws: the refusal that the access model demands.
    func admit(_ standing: Standing) throws(StanzaError) {
        switch standing.affiliation {
        case .owner, .publisher, .member: return
        case .outcast, .publishOnly: throw StanzaError(.forbidden)
        case .none: break
        }
        switch configuration.accessModel {
        case .open, .authorize: return
        case .presence:
            guard standing.acquaintance.isSubscriber else { throw .presenceSubscriptionRequired }
        case .roster:
            guard standing.acquaintance.isSubscriber else { throw .presenceSubscriptionRequired }
            guard !Set(standing.acquaintance.groups).isDisjoint(with: configuration.rosterGroups) else {
                throw .notInRosterGroup
            }
        case .whitelist: throw .closedNode
        }
    }

    /// Whether somebody may retrieve items (§6.5.1).
    func admitToItems(_ standing: Standing) throws(StanzaError) {
        try admit(standing)
        guard needsApproval(standing) else { return }
        guard standing.isSubscribed else { throw .notSubscribedToRetrieve }
    }

    /// Whether somebody may be told what happens at the node.
    func mayBeNotified(_ standing: Standing) -> Bool {
        (try? admitToItems(standing)) != nil
    }

    /// Whether a subscription waits for the approval of an owner (§6.1.4).
    func needsApproval(_ standing: Standing) -> Bool {
        configuration.accessModel == .authorize && standing.affiliation == .none
    }

    /// Whether somebody may publish (§7.1.3.1).
    func mayPublish(_ standing: Standing) -> Bool {
        switch standing.affiliation {
        case .owner, .publisher, .publishOnly: true
        case .outcast: false
        case .member, .none:
            switch configuration.publishModel {
            case .publishers: false
            case .subscribers: standing.isSubscribed && mayBeNotified(standing)
            case .open: true
            }
        }
    }

    /// Whether somebody may delete an item, or put another in its place (§7.2.3.1).
    func mayRemove(itemOf publisher: JID, _ standing: Standing) -> Bool {
        switch standing.affiliation {
        case .owner, .publisher: true
        case .publishOnly, .member, .none: publisher.bare == standing.entity
        case .outcast: false
        }
    }
}
