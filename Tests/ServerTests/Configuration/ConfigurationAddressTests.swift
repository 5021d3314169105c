import Testing

@testable import Server

@Suite struct ConfigurationAddressTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("::", "::"),
        ("::1", "::1"), ("1::", "1::"), ("2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("::ffff:192.0.2.1", "192.0.2.1"), ("::FFFF:c000:201", "192.0.2.1"),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
        ("1:0:0:2:0:0:0:3", "1:0:0:2::3"),
    ])
    func addresses(_ text: String, _ canonical: String) {
        #expect(IPAddress(text)?.description == canonical)
        #expect(IPAddress(canonical) == IPAddress(text))
    }

    @Test(arguments: [
        "", ".", ":", ":::", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.+4", "1.2.3.4 ", "::1%eth0",
        "1::2::3", "12345::",
        "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1.2.3", "1.2.3.4::", "+1::", "-1::", "-0::",
        "g::", "[::1]", "localhost",
    ])
    func notAddresses(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func addressesFromBytes() {
        #expect(IPAddress(bytes: [192, 0, 2, 1] as [UInt8]) == IPAddress("192.0.2.1"))
        #expect(IPAddress(bytes: Array(repeating: 0, count: 15) + [1] as [UInt8]) == IPAddress("::1"))
        #expect(IPAddress(bytes: [1, 2] as [UInt8]) == nil)
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.0.1", true), ("10.0.0.0/8", "11.0.0.0", false), ("10.0.0.0/8", "::ffff:10.0.0.1", true),
        ("0.0.0.0/0", "203.0.113.9", true), ("0.0.0.0/0", "2001:db8::1", false), ("::/0", "2001:db8::1", true),
        ("::/0", "192.0.2.1", false), ("::ffff:0:0/96", "192.0.2.1", true), ("2001:db8::/32", "2001:db8:1::", true),
        ("2001:db8::/32", "2001:db9::", false), ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.8", false),
        ("192.0.2.7/32", "192.0.2.7", true), ("::1/128", "::1", true), ("::1", "::2", false),
        ("::ffff:10.0.0.0/104", "10.9.9.9", true),
    ])
    func membership(_ network: String, _ address: String, _ expected: Bool) throws {
        let address = try #require(IPAddress(address))
        #expect(try AddressSet([network]).contains(address) == expected)
    }

    @Test func loopback() throws {
        for text in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            let address = try #require(IPAddress(text))
            #expect(AddressSet.loopback.contains(address) && address.isLoopback)
        }
        #expect(try !AddressSet([]).contains(#require(IPAddress("127.0.0.1"))))
    }

    @Test(arguments: [
        ("10.0.0.0/33", "must have a prefix length from 0 to 32 after the slash"),
        ("10.0.0.0/", "must have a prefix length from 0 to 32 after the slash"),
        ("10.0.0.0/+8", "must have a prefix length from 0 to 32 after the slash"),
        ("::/129", "must have a prefix length from 0 to 128 after the slash"),
        ("::1/64", "has bits set beyond its prefix; did you mean ::/64?"),
    ])
    func notNetworks(_ text: String, _ problem: String) {
        #expect(throws: AddressSet.Problem(text: problem)) { try AddressSet([text]) }
    }
}
