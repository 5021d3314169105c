/// Test vectors of the standards.

import TLS
import Testing

struct HashTests {
    private func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    private func ascii(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// FIPS 180-4 examples.
    @Test func digests() {
        #expect(Hash.sha1.digest(ascii("abc")) == bytes("a9993e364706816aba3e25717850c26c9cd0d89d"))
        #expect(
            Hash.sha256.digest(ascii("abc"))
                == bytes("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"))
        #expect(
            Hash.sha512.digest(ascii("abc"))
                == bytes(
                    """
                    ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
                    2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f
                    """))
        #expect(Hash.sha1.digest([]) == bytes("da39a3ee5e6b4b0d3255bfef95601890afd80709"))
        for hash in Hash.allCases { #expect(hash.digest([1, 2, 3]).count == hash.digestLength) }
    }

    /// RFC 2202 and RFC 4231.
    @Test func hmacs() {
        let data = ascii("Hi There")
        let key = [UInt8](repeating: 0x0B, count: 20)
        #expect(Hash.sha1.hmac(key: key, data) == bytes("b617318655057264e28bc0b6fb378c8ef146be00"))
        #expect(
            Hash.sha256.hmac(key: key, data)
                == bytes("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"))
        #expect(
            Hash.sha512.hmac(key: key, data)
                == bytes(
                    """
                    87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde\
                    daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854
                    """))
        #expect(
            Hash.sha256.hmac(key: ascii("Jefe"), ascii("what do ya want for nothing?"))
                == bytes("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"))
        #expect(
            Hash.sha256.hmac(
                key: [UInt8](repeating: 0xAA, count: 131),
                ascii("Test Using Larger Than Block-Size Key - Hash Key First"))
                == bytes("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"))
        #expect(
            Hash.sha256.hmac(key: [], [])
                == bytes("b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"))
    }

    /// RFC 6070 and, for SHA-256, RFC 7914 section 11.
    @Test func pbkdf2() {
        let password = ascii("password")
        let salt = ascii("salt")
        #expect(
            Hash.sha1.pbkdf2(password: password, salt: salt, iterations: 1)
                == bytes("0c60c80f961f0e71f3a9b524af6012062fe037a6"))
        #expect(
            Hash.sha1.pbkdf2(password: password, salt: salt, iterations: 4096)
                == bytes("4b007901b765489abead49d926f721d065a429c1"))
        #expect(
            Hash.sha1.pbkdf2(
                password: ascii("passwordPASSWORDpassword"), salt: ascii("saltSALTsaltSALTsaltSALTsaltSALTsalt"),
                iterations: 4096, length: 25)
                == bytes("3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"))
        #expect(
            Hash.sha1.pbkdf2(password: ascii("pass\0word"), salt: ascii("sa\0lt"), iterations: 4096, length: 16)
                == bytes("56fa6aa75548099dcc37d7f03425e0c3"))
        #expect(
            Hash.sha256.pbkdf2(password: ascii("passwd"), salt: salt, iterations: 1, length: 64)
                == bytes(
                    """
                    55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc\
                    49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783
                    """))
        #expect(Hash.sha512.pbkdf2(password: [], salt: salt, iterations: 1).count == 64)
        #expect(
            Hash.sha512.pbkdf2(password: [], salt: salt, iterations: 1)
                != Hash.sha512.pbkdf2(password: [0], salt: salt, iterations: 2))
    }

    @Test func randomness() {
        #expect(randomBytes(32).count == 32)
        #expect(randomBytes(32) != randomBytes(32))
        #expect(randomBytes(0).isEmpty)
    }

    @Test func comparison() {
        #expect(constantTimeEqual([1, 2, 3], [1, 2, 3]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2, 4]))
        #expect(!constantTimeEqual([1, 2, 3], [1, 2]))
        #expect(constantTimeEqual([], []))
    }
}
