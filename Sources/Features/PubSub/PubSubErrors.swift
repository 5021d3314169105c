internal import XMPP

/// The refusals of XEP-0060, each with its application-specific condition.
extension StanzaError {
    static func pubSub(
        _ condition: Condition, _ application: StaticString, _ text: String? = nil, kind: Kind? = nil
    ) -> StanzaError {
        StanzaError(condition, text, kind: kind, application: (application, .pubSubErrors))
    }

    /// `<unsupported feature='…'/>`
    static func unsupported(_ feature: String) -> StanzaError {
        var error = pubSub(.featureNotImplemented, "unsupported")
        error.feature = feature
        return error
    }

    static let nodeRequired = pubSub(.badRequest, "nodeid-required")
    static let closedNode = pubSub(.notAllowed, "closed-node")
    static let presenceSubscriptionRequired = pubSub(.notAuthorized, "presence-subscription-required")
    static let notInRosterGroup = pubSub(.notAuthorized, "not-in-roster-group")
    static let notSubscribedToRetrieve = pubSub(.notAuthorized, "not-subscribed")
    static let notSubscribed = pubSub(.unexpectedRequest, "not-subscribed", kind: .cancel)
    static let pendingSubscription = pubSub(.notAuthorized, "pending-subscription")
    static let tooManySubscriptions = pubSub(.policyViolation, "too-many-subscriptions", kind: .wait)
    static let invalidJID = pubSub(.badRequest, "invalid-jid")
    static let jidRequired = pubSub(.badRequest, "jid-required")
    static let invalidSubID = pubSub(.notAcceptable, "invalid-subid")
    static let itemRequired = pubSub(.badRequest, "item-required")
    static let itemForbidden = pubSub(.badRequest, "item-forbidden")
    static let payloadRequired = pubSub(.badRequest, "payload-required")
    static let invalidPayload = pubSub(.badRequest, "invalid-payload")
    static let nodeFull = pubSub(.conflict, "node-full")
    static let preconditionNotMet = pubSub(.conflict, "precondition-not-met")
    static let unsupportedAccessModel = pubSub(.notAcceptable, "unsupported-access-model")

    static func payloadTooBig(_ limit: Int) -> StanzaError {
        pubSub(.notAcceptable, "payload-too-big", "a payload may have \(limit) bytes")
    }

    static func invalidOptions(_ text: String) -> StanzaError { pubSub(.badRequest, "invalid-options", text) }
}

extension Namespace {
    static let pubSub: Namespace = "http://jabber.org/protocol/pubsub"
    static let pubSubOwner: Namespace = "http://jabber.org/protocol/pubsub#owner"
    static let pubSubEvent: Namespace = "http://jabber.org/protocol/pubsub#event"
    static let pubSubErrors: Namespace = "http://jabber.org/protocol/pubsub#errors"
}
