import Testing

@testable import Server

@Suite struct OtherHostTests {
    @Test(arguments: [
        ("other.example.org", "other.example.org"), ("Other.Example.org:5222", "other.example.org:5222"),
        ("localhost:1", "localhost:1"), ("192.0.2.1", "192.0.2.1"), ("192.0.2.1:65535", "192.0.2.1:65535"),
        ("[2001:DB8:0::1]", "[2001:db8::1]"), ("[2001:41D0:1:A49b::1]:9222", "[2001:41d0:1:a49b::1]:9222"),
    ])
    func hosts(text: String, written: String) {
        #expect(OtherHost(text)?.description == written)
    }

    @Test(arguments: [
        "", ":5222", "host:", "host:0", "host:65536", "host:+1", "host:5222:5222", "host:x", "a b", "b_d.example",
        "192.0.2.256", "192.0.2", "2001:db8::1", "[2001:db8::1", "[2001:db8::1]5222", "[2001:db8::1]:", "[192.0.2.1]",
        "[]", "[host]", "romeo@example.org", "https://example.org",
    ])
    func mistakes(text: String) {
        #expect(OtherHost(text) == nil)
    }
}
