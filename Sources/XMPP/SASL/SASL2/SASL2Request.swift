/// What a client wants with `<authenticate/>` (XEP-0388 §2.3). What is to be done after it has authenticated stays in
/// the element, where those who do it look for it.
package struct SASL2Request: Hashable, Sendable {
    /// XEP-0484 §3.4
    package struct Fast: Hashable, Sendable {
        /// How often the client has used its token, by its own count.
        package let count: Int?
        /// Whether the token ends with this use (§3.6).
        package let invalidates: Bool
    }

    package let mechanism: String
    /// Base 64; nil where there is none, "=" for one of zero length.
    package let initialResponse: [UInt8]?
    package let userAgent: UserAgent?
    /// The hash functions of SCRAM that the client can make keys for (XEP-0480 §3.2), each once.
    package let upgrades: [ScramHash.Name]
    /// Set where the client authenticates with a token.
    package let fast: Fast?
    /// The mechanism that the client asks for a token for (XEP-0484 §3.2); nil also if it is unknown.
    package let wantedToken: HashedTokenMechanism?

    package init(_ element: Element) throws(SASLFailure) {
        mechanism = element["mechanism"] ?? ""
        var responses = element.children.filter { $0.isNamed("initial-response", in: .sasl2) }.makeIterator()
        initialResponse = responses.next().map { $0.isEmpty ? [UInt8(ascii: "=")] : Array($0.text.utf8) }
        guard responses.next() == nil else { throw SASLFailure(.malformedRequest, "two initial responses") }
        userAgent = element.child("user-agent", in: .sasl2).map(UserAgent.init)
        var upgrades: [ScramHash.Name] = []
        for child in element.children where child.isNamed("upgrade", in: .saslUpgrade) {
            guard let hash = ScramHash.Name(upgradeTask: child.text), !upgrades.contains(hash) else { continue }
            upgrades.append(hash)
        }
        self.upgrades = upgrades
        fast = try element.child("fast", in: .fast).map { (element) throws(SASLFailure) in try Fast(element) }
        wantedToken = element.child("request-token", in: .fast)?["mechanism"].flatMap(HashedTokenMechanism.init)
    }
}

extension SASL2Request.Fast {
    init(_ element: Element) throws(SASLFailure) {
        if let text = element["count"] {
            // xs:int, and not negative.
            guard let count = Int32(text), count >= 0, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else {
                throw SASLFailure(.malformedRequest, "the count of a token is no number")
            }
            self.count = Int(count)
        } else {
            count = nil
        }
        switch element["invalidate"] {
        case "true", "1": invalidates = true
        case nil, "false", "0": invalidates = false
        default: throw SASLFailure(.malformedRequest, "invalidate is neither true nor false")
        }
    }
}

extension ScramHash.Name {
    /// The task that makes keys for this hash function (XEP-0480 §4).
    package var upgradeTask: String { "UPGR-SCRAM-\(rawValue)" }

    /// Those worth having: what is weaker than what everybody has is no upgrade.
    package static let upgrades: [ScramHash.Name] = [.sha256, .sha512]

    init?(upgradeTask: String) {
        guard let hash = Self.upgrades.first(where: { $0.upgradeTask == upgradeTask }) else { return nil }
        self = hash
    }
}

extension Namespace {
    /// XEP-0388
    package static let sasl2: Namespace = "urn:xmpp:sasl:2"
    /// XEP-0480 §3
    package static let saslUpgrade: Namespace = "urn:xmpp:sasl:upgrade:0"
    /// XEP-0480 §4
    package static let scramUpgrade: Namespace = "urn:xmpp:scram-upgrade:0"
    /// XEP-0484
    package static let fast: Namespace = "urn:xmpp:fast:0"
}
