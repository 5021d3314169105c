import Testing

@testable import Features

/// XEP-0157 §3: contact addresses are URIs.
struct ContactAddressesTests {
    @Test(arguments: ["mailto:abuse@example.org", "xmpp:admins@example.org?message", "https://example.org/", "tel:+4930"])
    func uris(text: String) {
        #expect(ContactAddresses.isURI(text))
    }

    @Test(arguments: ["", "abuse@example.org", ":x", "mailto:", "1a:b", "mailto:a b", "ma_il:x", "example.org/a:b"])
    func others(text: String) {
        #expect(!ContactAddresses.isURI(text))
    }
}
