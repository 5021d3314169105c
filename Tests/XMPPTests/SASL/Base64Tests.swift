import Testing
import XMPP

struct Base64Tests {
    /// RFC 4648 §10.
    static let vectors = [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ]

    @Test(arguments: vectors) func publishedVectors(plain: String, encoded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == Array(encoded.utf8))
        #expect(Base64.decode(Array(encoded.utf8)) == Array(plain.utf8))
    }

    @Test func everyByteAtEveryPlaceSurvives() {
        for value in UInt8.min...UInt8.max {
            for bytes in [[value], [value, 1], [1, value], [value, 255, 0], [0, value, 255], [255, 0, value]] {
                #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            }
        }
        let long = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* $0) }
        #expect(Base64.decode(Base64.encode(long)) == long)
        #expect(Base64.encode(long).count == Base64.encodedSize(of: long.count))
    }

    @Test(arguments: [
        "=", "==", "===", "====", "Z", "Zg", "Zg=", "Zg===", "Zm9", "Zm9v=", "Z===", "=Zg=", "Zg==Zg==", "Zm8=Zm9v",
        "Zm9v\n", "\nZm9v", "Zm 9v", " ", "    ", "Zm9v    ", "Zm9v====", "Z=g=", "Zm-_", "Zm9\u{0}", "Zm9é", "Zh==",
        "Zm9=", "Zn9=",
    ])
    func everythingElseIsRefused(text: String) {
        #expect(Base64.decode(Array(text.utf8)) == nil)
    }

    @Test func onlyTheCanonicalTextIsAccepted() {
        for first in UInt8.min...UInt8.max {
            for last in [UInt8(ascii: "A"), UInt8(ascii: "="), first] {
                let text = [UInt8(ascii: "Q"), first, last, UInt8(ascii: "=")]
                if let bytes = Base64.decode(text) { #expect(Base64.encode(bytes) == text) }
            }
        }
    }
}
