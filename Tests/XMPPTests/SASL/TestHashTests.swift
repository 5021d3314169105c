import Testing
import XMPP

/// The hash functions the other tests stand on, against published examples (FIPS 180-4, RFC 2202, RFC 4231).
struct TestHashTests {
    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    @Test func digestsOfABC() {
        let abc = Array("abc".utf8)
        #expect(hex(ScramHash.testSHA1.digest(abc)) == "a9993e364706816aba3e25717850c26c9cd0d89d")
        #expect(
            hex(ScramHash.testSHA256.digest(abc))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            hex(ScramHash.testSHA512.digest(abc))
                == "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f")
    }

    @Test func hmacOfJefe() {
        let (key, data) = (Array("Jefe".utf8), Array("what do ya want for nothing?".utf8))
        #expect(hex(ScramHash.testSHA1.hmac(key, data)) == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")
        #expect(
            hex(ScramHash.testSHA256.hmac(key, data))
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    }
}
