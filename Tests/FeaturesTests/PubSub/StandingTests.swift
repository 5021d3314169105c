import Testing
import XMPP

@testable import Features

/// XEP-0060 §4.1, §4.5: who may do what.
struct StandingTests {
    private func node(_ access: AccessModel, publish: PublishModel = .publishers) throws -> Node {
        var configuration = NodeConfiguration.personal(PubSubLimits())
        configuration.accessModel = access
        configuration.publishModel = publish
        configuration.rosterGroups = ["Friends"]
        return Node(
            id: 1, service: try JID("romeo@example.org"), name: "n", creator: try JID("romeo@example.org"),
            created: DateTime(milliseconds: 0), configuration: configuration)
    }

    private func standing(
        _ affiliation: Affiliation = .none, isSubscriber: Bool = false, groups: [String] = [], subscribed: Bool = false
    ) throws -> Standing {
        let jid = try JID("juliet@example.org")
        return Standing(
            entity: jid, affiliation: affiliation,
            subscriptions: subscribed ? [NodeSubscription(jid: jid, id: "1", state: .subscribed)] : [],
            acquaintance: Acquaintance(isSubscriber: isSubscriber, groups: groups))
    }

    @Test("strangers", arguments: AccessModel.allCases)
    func strangers(access: AccessModel) throws {
        #expect(try node(access).mayBeNotified(standing()) == (access == .open))
    }

    @Test("subscribers of the presence", arguments: AccessModel.allCases)
    func contacts(access: AccessModel) throws {
        let expected = access == .open || access == .presence
        #expect(try node(access).mayBeNotified(standing(isSubscriber: true)) == expected)
    }

    @Test("a group counts for those only who are subscribed to the presence")
    func groups() throws {
        let node = try node(.roster)
        #expect(try node.mayBeNotified(standing(isSubscriber: true, groups: ["Friends", "Lovers"])))
        #expect(try !node.mayBeNotified(standing(isSubscriber: true, groups: ["Lovers"])))
        #expect(try !node.mayBeNotified(standing(isSubscriber: false, groups: ["Friends"])))
    }

    @Test("affiliations go before the access model", arguments: AccessModel.allCases)
    func affiliations(access: AccessModel) throws {
        let node = try node(access)
        for affiliation in [Affiliation.owner, .publisher, .member] {
            #expect(try node.mayBeNotified(standing(affiliation)), "\(affiliation)")
        }
        for affiliation in [Affiliation.outcast, .publishOnly] {
            let standing = try standing(affiliation, isSubscriber: true, groups: ["Friends"], subscribed: true)
            #expect(!node.mayBeNotified(standing), "\(affiliation)")
        }
    }

    @Test("items of a node with approval are for those who are subscribed")
    func approval() throws {
        let node = try node(.authorize)
        #expect(try !node.mayBeNotified(standing(isSubscriber: true)))
        #expect(try node.mayBeNotified(standing(subscribed: true)))
        #expect(throws: Never.self) { try node.admit(standing()) }
        #expect(try node.needsApproval(standing()))
        #expect(try !node.needsApproval(standing(.member)))
    }

    @Test("who may publish")
    func publishing() throws {
        for affiliation in Affiliation.allCases {
            let standing = try standing(affiliation)
            #expect(
                try node(.open).mayPublish(standing) == [.owner, .publisher, .publishOnly].contains(affiliation), "\(affiliation)")
            #expect(try node(.open, publish: .open).mayPublish(standing) == (affiliation != .outcast), "\(affiliation)")
        }
        #expect(try !node(.open, publish: .subscribers).mayPublish(standing()))
        #expect(try node(.open, publish: .subscribers).mayPublish(standing(subscribed: true)))
    }

    @Test("who may remove an item")
    func removing() throws {
        let node = try node(.open)
        let own = try JID("juliet@example.org/balcony")
        let other = try JID("romeo@example.org/orchard")
        for affiliation in Affiliation.allCases {
            let standing = try standing(affiliation)
            #expect(node.mayRemove(itemOf: own, standing) == (affiliation != .outcast), "\(affiliation)")
            #expect(node.mayRemove(itemOf: other, standing) == [.owner, .publisher].contains(affiliation), "\(affiliation)")
        }
    }
}
