import Testing
import XMPP

/// RFC 6121 Appendix A, row by row.
struct SubscriptionTests {
    /// A.1: the nine states.
    enum State: String, CaseIterable {
        case none = "None"
        case noneOut = "None + Pending Out"
        case noneIn = "None + Pending In"
        case noneOutIn = "None + Pending Out+In"
        case to = "To"
        case toIn = "To + Pending In"
        case from = "From"
        case fromOut = "From + Pending Out"
        case both = "Both"

        var subscription: Subscription {
            switch self {
            case .none: Subscription()
            case .noneOut: Subscription(pendingOut: true)
            case .noneIn: Subscription(pendingIn: true)
            case .noneOutIn: Subscription(pendingOut: true, pendingIn: true)
            case .to: Subscription(to: true)
            case .toIn: Subscription(to: true, pendingIn: true)
            case .from: Subscription(from: true)
            case .fromOut: Subscription(from: true, pendingOut: true)
            case .both: Subscription(to: true, from: true)
            }
        }

        /// A.1: as the roster shows it.
        var attribute: String {
            switch self {
            case .none, .noneOut, .noneIn, .noneOutIn: "none"
            case .to, .toIn: "to"
            case .from, .fromOut: "from"
            case .both: "both"
            }
        }

        var canBeApprovedInAdvance: Bool {
            switch self {
            case .none, .noneOut, .to: true
            case .noneIn, .noneOutIn, .toIn, .from, .fromOut, .both: false
            }
        }
    }

    struct Sent {
        let type: StanzaType
        let state: State
        let isRouted: Bool
        let next: State
        var approves = false
    }

    /// A.2.1 to A.2.4.
    static let outgoing: [Sent] = [
        Sent(type: .subscribe, state: .none, isRouted: true, next: .noneOut),
        Sent(type: .subscribe, state: .noneOut, isRouted: true, next: .noneOut),
        Sent(type: .subscribe, state: .noneIn, isRouted: true, next: .noneOutIn),
        Sent(type: .subscribe, state: .noneOutIn, isRouted: true, next: .noneOutIn),
        Sent(type: .subscribe, state: .to, isRouted: true, next: .to),
        Sent(type: .subscribe, state: .toIn, isRouted: true, next: .toIn),
        Sent(type: .subscribe, state: .from, isRouted: true, next: .fromOut),
        Sent(type: .subscribe, state: .fromOut, isRouted: true, next: .fromOut),
        Sent(type: .subscribe, state: .both, isRouted: true, next: .both),

        Sent(type: .unsubscribe, state: .none, isRouted: true, next: .none),
        Sent(type: .unsubscribe, state: .noneOut, isRouted: true, next: .none),
        Sent(type: .unsubscribe, state: .noneIn, isRouted: true, next: .noneIn),
        Sent(type: .unsubscribe, state: .noneOutIn, isRouted: true, next: .noneIn),
        Sent(type: .unsubscribe, state: .to, isRouted: true, next: .none),
        Sent(type: .unsubscribe, state: .toIn, isRouted: true, next: .noneIn),
        Sent(type: .unsubscribe, state: .from, isRouted: true, next: .from),
        Sent(type: .unsubscribe, state: .fromOut, isRouted: true, next: .from),
        Sent(type: .unsubscribe, state: .both, isRouted: true, next: .from),

        Sent(type: .subscribed, state: .none, isRouted: false, next: .none, approves: true),
        Sent(type: .subscribed, state: .noneOut, isRouted: false, next: .noneOut, approves: true),
        Sent(type: .subscribed, state: .noneIn, isRouted: true, next: .from),
        Sent(type: .subscribed, state: .noneOutIn, isRouted: true, next: .fromOut),
        Sent(type: .subscribed, state: .to, isRouted: false, next: .to, approves: true),
        Sent(type: .subscribed, state: .toIn, isRouted: true, next: .both),
        Sent(type: .subscribed, state: .from, isRouted: false, next: .from),
        Sent(type: .subscribed, state: .fromOut, isRouted: false, next: .fromOut),
        Sent(type: .subscribed, state: .both, isRouted: false, next: .both),

        Sent(type: .unsubscribed, state: .none, isRouted: false, next: .none),
        Sent(type: .unsubscribed, state: .noneOut, isRouted: false, next: .noneOut),
        Sent(type: .unsubscribed, state: .noneIn, isRouted: true, next: .none),
        Sent(type: .unsubscribed, state: .noneOutIn, isRouted: true, next: .noneOut),
        Sent(type: .unsubscribed, state: .to, isRouted: false, next: .to),
        Sent(type: .unsubscribed, state: .toIn, isRouted: true, next: .to),
        Sent(type: .unsubscribed, state: .from, isRouted: true, next: .none),
        Sent(type: .unsubscribed, state: .fromOut, isRouted: true, next: .noneOut),
        Sent(type: .unsubscribed, state: .both, isRouted: true, next: .to),
    ]

    struct Received {
        let type: StanzaType
        let state: State
        let fate: Subscription.Incoming
        let next: State
    }

    /// A.3.1 to A.3.4.
    static let incoming: [Received] = [
        Received(type: .subscribe, state: .none, fate: .deliver, next: .noneIn),
        Received(type: .subscribe, state: .noneOut, fate: .deliver, next: .noneOutIn),
        Received(type: .subscribe, state: .noneIn, fate: .drop, next: .noneIn),
        Received(type: .subscribe, state: .noneOutIn, fate: .drop, next: .noneOutIn),
        Received(type: .subscribe, state: .to, fate: .deliver, next: .toIn),
        Received(type: .subscribe, state: .toIn, fate: .drop, next: .toIn),
        Received(type: .subscribe, state: .from, fate: .approve, next: .from),
        Received(type: .subscribe, state: .fromOut, fate: .approve, next: .fromOut),
        Received(type: .subscribe, state: .both, fate: .approve, next: .both),

        Received(type: .unsubscribe, state: .none, fate: .drop, next: .none),
        Received(type: .unsubscribe, state: .noneOut, fate: .drop, next: .noneOut),
        Received(type: .unsubscribe, state: .noneIn, fate: .deliver, next: .none),
        Received(type: .unsubscribe, state: .noneOutIn, fate: .deliver, next: .noneOut),
        Received(type: .unsubscribe, state: .to, fate: .drop, next: .to),
        Received(type: .unsubscribe, state: .toIn, fate: .deliver, next: .to),
        Received(type: .unsubscribe, state: .from, fate: .deliver, next: .none),
        Received(type: .unsubscribe, state: .fromOut, fate: .deliver, next: .noneOut),
        Received(type: .unsubscribe, state: .both, fate: .deliver, next: .to),

        Received(type: .subscribed, state: .none, fate: .drop, next: .none),
        Received(type: .subscribed, state: .noneOut, fate: .deliver, next: .to),
        Received(type: .subscribed, state: .noneIn, fate: .drop, next: .noneIn),
        Received(type: .subscribed, state: .noneOutIn, fate: .deliver, next: .toIn),
        Received(type: .subscribed, state: .to, fate: .drop, next: .to),
        Received(type: .subscribed, state: .toIn, fate: .drop, next: .toIn),
        Received(type: .subscribed, state: .from, fate: .drop, next: .from),
        Received(type: .subscribed, state: .fromOut, fate: .deliver, next: .both),
        Received(type: .subscribed, state: .both, fate: .drop, next: .both),

        Received(type: .unsubscribed, state: .none, fate: .drop, next: .none),
        Received(type: .unsubscribed, state: .noneOut, fate: .deliver, next: .none),
        Received(type: .unsubscribed, state: .noneIn, fate: .drop, next: .noneIn),
        Received(type: .unsubscribed, state: .noneOutIn, fate: .deliver, next: .noneIn),
        Received(type: .unsubscribed, state: .to, fate: .deliver, next: .none),
        Received(type: .unsubscribed, state: .toIn, fate: .deliver, next: .noneIn),
        Received(type: .unsubscribed, state: .from, fate: .drop, next: .from),
        Received(type: .unsubscribed, state: .fromOut, fate: .deliver, next: .from),
        Received(type: .unsubscribed, state: .both, fate: .deliver, next: .from),
    ]

    @Test func tablesAreComplete() {
        #expect(Self.outgoing.count == 4 * State.allCases.count)
        #expect(Self.incoming.count == 4 * State.allCases.count)
    }

    @Test(arguments: outgoing)
    func sending(_ row: Sent) {
        var subscription = row.state.subscription
        let fate = subscription.sent(row.type)
        #expect(fate == (row.isRouted ? .route : .drop))
        var expected = row.next.subscription
        expected.isApproved = row.approves
        #expect(subscription == expected)
        #expect(subscription.attribute == row.next.attribute)
    }

    @Test(arguments: incoming)
    func receiving(_ row: Received) {
        var subscription = row.state.subscription
        let fate = subscription.received(row.type)
        #expect(fate == row.fate)
        #expect(subscription == row.next.subscription)
    }

    // MARK: Approval in advance (§3.4)

    @Test(arguments: State.allCases.filter(\.canBeApprovedInAdvance))
    func requestThatIsApprovedInAdvance(_ state: State) {
        var subscription = state.subscription
        subscription.isApproved = true
        let fate = subscription.received(.subscribe)
        #expect(fate == .approve)
        var expected = state.subscription
        expected.from = true
        // The approval has been used up.
        #expect(subscription == expected)
    }

    @Test(arguments: State.allCases.filter(\.canBeApprovedInAdvance))
    func withdrawalOfAnApproval(_ state: State) {
        var subscription = state.subscription
        subscription.isApproved = true
        // §3.2.2: "MUST remove the pre-approval and MUST NOT route"
        let fate = subscription.sent(.unsubscribed)
        #expect(fate == .drop)
        #expect(subscription == state.subscription)
    }

    @Test(arguments: State.allCases.filter(\.canBeApprovedInAdvance), [StanzaType.subscribe, .unsubscribe, .subscribed])
    func approvalOutlivesWhatTheUserSends(_ state: State, _ type: StanzaType) {
        var subscription = state.subscription
        subscription.isApproved = true
        _ = subscription.sent(type)
        #expect(subscription.isApproved)
    }

    @Test(arguments: State.allCases.filter(\.canBeApprovedInAdvance), [StanzaType.unsubscribe, .subscribed, .unsubscribed])
    func approvalOutlivesWhatTheContactSends(_ state: State, _ type: StanzaType) {
        var subscription = state.subscription
        subscription.isApproved = true
        _ = subscription.received(type)
        // §4.3.2: a probe that is answered "unsubscribed" "MUST NOT result in cancellation of a subscription
        // pre-approval" on either side.
        #expect(subscription.isApproved)
    }

    /// Every state that any order of stanzas leads to is one of the nine, with or without an approval where there can
    /// be one.
    @Test func everythingLeadsToADefinedState() {
        let states = Set(
            State.allCases.map(\.subscription)
                + State.allCases.filter(\.canBeApprovedInAdvance).map { state in
                    var subscription = state.subscription
                    subscription.isApproved = true
                    return subscription
                })
        for state in states {
            for type in [StanzaType.subscribe, .unsubscribe, .subscribed, .unsubscribed] {
                var sending = state
                _ = sending.sent(type)
                #expect(states.contains(sending), "\(type) sent in \(state)")
                var receiving = state
                _ = receiving.received(type)
                #expect(states.contains(receiving), "\(type) received in \(state)")
            }
        }
    }

    @Test(arguments: [StanzaType.available, .unavailable, .probe, .error])
    func otherPresenceChangesNothing(_ type: StanzaType) {
        for state in State.allCases {
            var subscription = state.subscription
            let outgoing = subscription.sent(type)
            #expect(outgoing == .route)
            let incoming = subscription.received(type)
            #expect(incoming == .deliver)
            #expect(subscription == state.subscription)
        }
    }
}
