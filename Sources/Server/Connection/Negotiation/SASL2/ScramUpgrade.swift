internal import XMPP

/// XEP-0480: a client whose account has keys for weak mechanisms only makes some for better ones, as a task of SASL2.
/// When that is, is in `SASL2Exchange`; here is what is sent.
enum ScramUpgrade {
    /// XEP-0388 §2.6.3: the one task at hand.
    static func writeOffer(of hash: ScramHash.Name, _ additionalData: [UInt8]?, into writer: inout XMLWriter) {
        writer.element("continue", in: .sasl2) { writer in
            writer.element("additional-data", text: additionalData.map { String(decoding: $0, as: UTF8.self) })
            writer.element("tasks") { $0.element("task", text: hash.upgradeTask) }
        }
    }

    /// §4: what the client is to salt its password with.
    static func write(salt: [UInt8], iterations: Int, into writer: inout XMLWriter) {
        writer.element("task-data", in: .sasl2) { writer in
            writer.element(
                "salt", in: .scramUpgrade, ["iterations": "\(iterations)"],
                text: String(decoding: Base64.encode(salt), as: UTF8.self))
        }
    }
}
