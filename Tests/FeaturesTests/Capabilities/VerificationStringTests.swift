import Testing
import XMPP

@testable import Features

/// XEP-0115 §5: the examples of the specification, and what they leave open.
struct VerificationStringTests {
    private let features = [
        "http://jabber.org/protocol/muc", "http://jabber.org/protocol/disco#items",
        "http://jabber.org/protocol/caps", "http://jabber.org/protocol/disco#info",
    ]

    @Test("the simple example (§5.2)")
    func simple() {
        let string = VerificationString(
            identities: [.init(category: "client", type: "pc", name: "Exodus 0.9.1")], features: features, forms: [])
        #expect(string.description == "QgayPKawpkPSDYmwT/WM94uAlu0=")
    }

    @Test("the complex example (§5.3)")
    func complex() {
        let string = VerificationString(
            identities: [
                .init(category: "client", type: "pc", language: "en", name: "Psi 0.11"),
                .init(category: "client", type: "pc", language: "el", name: "Ψ 0.11"),
            ],
            features: features,
            forms: [
                DataForm(
                    .result, formType: "urn:xmpp:dataforms:softwareinfo",
                    [
                        .init("software", "Psi"), .init("os_version", "10.5.1"), .init("software_version", "0.11"),
                        .init("ip_version", type: "text-multi", "ipv6", "ipv4"), .init("os", "Mac"),
                    ])
            ])
        #expect(string.description == "q07IKJEyjvHSyhy//CH0CxmKi8w=")
    }

    @Test("forms in the order of their types, values in the order of bytes")
    func order() {
        let text = VerificationString.text(
            identities: [
                .init(category: "server", type: "im"), .init(category: "pubsub", type: "pep"),
                .init(category: "pubsub", type: "collection"),
            ],
            // In Swift's order of strings the composed é and the decomposed one are equal.
            features: ["\u{E9}", "z", "Z", "e\u{301}"],
            forms: [
                DataForm(.result, formType: "urn:b", [.init("var", "b", "A", "a")]),
                DataForm(.result, formType: "urn:a", [.init("none", values: [])]),
            ])
        #expect(
            text == "pubsub/collection//<pubsub/pep//<server/im//<Z<e\u{301}<z<\u{E9}<urn:a<none<urn:b<var<A<a<b<")
    }

    @Test("a form without a type does not count (§5.4)")
    func formWithoutType() {
        var form = DataForm(.result, formType: "urn:a", [.init("x", "y")])
        form.fields.removeFirst()
        #expect(VerificationString.text(identities: [], features: ["f"], forms: [form]) == "f<")
    }
}
