/// The head of a SCRAM client's first message: what the client thinks of channel binding, and the identity it wants to
/// act as (RFC 5801 §4, RFC 5802 §7).
struct GS2Header: Hashable, Sendable {
    enum Flag: Hashable, Sendable {
        /// `n`: the client cannot bind to the channel, or does not want to.
        case unsupported
        /// `y`: the client could, but believes that the server cannot.
        case notOffered
        /// `p=`: the client binds to the channel.
        case bound(ChannelBindingType)
    }

    let flag: Flag
    let authzid: String?

    /// With both commas.
    var bytes: [UInt8] {
        var bytes: [UInt8] =
            switch flag {
            case .unsupported: [UInt8(ascii: "n")]
            case .notOffered: [UInt8(ascii: "y")]
            case .bound(let type): Array("p=\(type.rawValue)".utf8)
            }
        bytes.append(UInt8(ascii: ","))
        if let authzid { bytes += Array("a=".utf8) + ScramSyntax.escaped(authzid) }
        bytes.append(UInt8(ascii: ","))
        return bytes
    }

    init(flag: Flag, authzid: String?) {
        self.flag = flag
        self.authzid = authzid
    }

    /// The header from the first two parts of a message.
    init(flag: ArraySlice<UInt8>, authzid: ArraySlice<UInt8>) throws(ScramSyntax.Violation) {
        if flag.elementsEqual("n".utf8) {
            self.flag = .unsupported
        } else if flag.elementsEqual("y".utf8) {
            self.flag = .notOffered
        } else {
            let type = try ScramSyntax.value(of: flag, "p")
            guard type.allSatisfy(GS2Header.isTypeCharacter) else {
                throw ScramSyntax.Violation("a channel-binding type has a character that is not allowed")
            }
            self.flag = .bound(ChannelBindingType(rawValue: String(decoding: type, as: UTF8.self)))
        }
        self.authzid = authzid.isEmpty ? nil : try ScramSyntax.name(ScramSyntax.value(of: authzid, "a"))
    }

    private static func isTypeCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
