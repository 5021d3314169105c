package import XMPP

/// A service below each served domain, at LABEL.DOMAIN, such as `pubsub.example.org`.
///
/// Requests that are addressed to the service's domain itself go to the handlers that features have registered on
/// `.service(label)` or, for every service, on `.services`. Everything else, addressed to the domain or to
/// `node@service/resource`, is the service's own to receive. Both may be sent by anybody, of this server or another.
package struct HostedService: Sendable {
    /// The first label of the service's domain names.
    package let label: String
    /// What it is called in the items of the server (XEP-0030 §4).
    package let name: String
    /// Which domains have it.
    let condition: DomainCondition
    /// Takes messages, presence, and IQs to addresses below the service's domain; on an event loop, without waiting.
    /// - Throws: the refusal to be answered to the sender.
    let receive: @Sendable (Stanza, LoopContext, Session?) throws(StanzaError) -> Void
}

extension Registration {
    /// Adds a service at LABEL.DOMAIN below served domains, except where a served domain has this name itself.
    /// - Parameters:
    ///   - category, type: its identity in service discovery.
    ///   - receive: takes what no handler of requests to the service takes; by default nothing is.
    ///   - condition: which domains have it; all without one.
    package static func service(
        _ label: String, name: String, category: String, type: String,
        receive: @escaping @Sendable (Stanza, LoopContext, Session?) throws(StanzaError) -> Void = HostedService.refuse,
        where condition: @escaping DomainCondition = { _ in true }
    ) -> [Registration] {
        [Registration(kind: .service(HostedService(label: label, name: name, condition: condition, receive: receive)))]
            + identity(category: category, type: type, name: name, on: .service(label))
    }
}

extension HostedService {
    /// Nobody reads what is sent here.
    package static let refuse: @Sendable (Stanza, LoopContext, Session?) throws(StanzaError) -> Void = {
        (stanza, _, _) throws(StanzaError) in
        try Delivery.refuseAbsent(stanza)
    }

    /// The services below the served domains, by their addresses.
    /// - Parameter isTaken: whether somebody else has an address.
    static func addresses(
        _ services: [HostedService], below domains: [Domain], except isTaken: (JID) -> Bool
    ) -> [JID: HostedService] {
        var result: [JID: HostedService] = [:]
        let served = domains.map(\.jid)
        for domain in domains {
            for service in services where service.condition(domain) {
                // An address that is too long, or below an IP address, is no domain name.
                guard let address = try? JID("\(service.label).\(domain.jid)"), address.isDomain,
                    !served.contains(address), !isTaken(address)
                else { continue }
                result[address] = service
            }
        }
        return result
    }
}
