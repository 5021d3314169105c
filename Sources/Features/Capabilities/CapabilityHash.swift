internal import TLS
internal import XMPP

/// What stands in presence for everything that an entity tells of itself: of XEP-0115 §4, or of XEP-0390 §3.
struct CapabilityHash: Sendable, Hashable {
    enum Form: String, Sendable {
        case capabilities = "0115"
        case ecaps2 = "0390"
    }

    let form: Form
    let function: Hash
    /// In base 64.
    let value: String
    /// The node to be asked for what the hash stands for (XEP-0115 §6.2, XEP-0390 §4.3).
    let node: String

    /// Two are the same if they stand for the same, whoever says so.
    static func == (left: CapabilityHash, right: CapabilityHash) -> Bool {
        left.form == right.form && left.function == right.function && left.value == right.value
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(form)
        hasher.combine(value)
    }

    /// The names of hash functions (XEP-0300 §3).
    private static let functions: [(name: String, function: Hash)] = [
        ("sha-1", .sha1), ("sha-256", .sha256), ("sha-512", .sha512),
    ]

    /// How it is called in storage.
    var name: String { "\(form.rawValue) \(Self.functions.first { $0.function == function }?.name ?? "")" }

    /// Reads what presence contains; nil without a hash of a function that is known.
    init?(_ presence: Element) {
        if let found = presence.child("c", in: .capabilities), let name = found["hash"], let value = found["ver"],
            let function = Self.functions.first(where: { $0.name == name })?.function, Self.isHash(value)
        {
            self.init(form: .capabilities, function: function, value: value, node: "\(found["node"] ?? "")#\(value)")
            return
        }
        guard let found = presence.child("c", in: .ecaps2) else { return nil }
        for hash in found.children where hash.isNamed("hash", in: .hashes) {
            guard let name = hash["algo"], let function = Self.functions.first(where: { $0.name == name })?.function,
                function != .sha1
            else { continue }
            let value = hash.text
            guard Self.isHash(value) else { continue }
            self.init(form: .ecaps2, function: function, value: value, node: "\(Namespace.ecaps2)#\(name).\(value)")
            return
        }
        return nil
    }

    // MARK: Over a restart of the server

    /// A character that XML forbids.
    private static let separator = "\u{1F}"

    var saved: [UInt8] { Array([name, value, node].joined(separator: Self.separator).utf8) }

    init?(saved bytes: [UInt8]) {
        let parts = String(decoding: bytes, as: UTF8.self)
            .split(separator: Self.separator, omittingEmptySubsequences: false).map(String.init)
        let name = parts.first?.split(separator: " ") ?? []
        guard parts.count == 3, name.count == 2, let form = Form(rawValue: String(name[0])),
            let function = Self.functions.first(where: { $0.name == name[1] })?.function
        else { return nil }
        self.init(form: form, function: function, value: parts[1], node: parts[2])
    }

    private init(form: Form, function: Hash, value: String, node: String) {
        self.form = form
        self.function = function
        self.value = value
        self.node = node
    }

    private static func isHash(_ text: String) -> Bool { (1...128).contains(text.utf8.count) }

    /// Whether an answer of service discovery is what the hash stands for (XEP-0115 §5.4, XEP-0390 §4.4).
    func isVerified(by query: Element) -> Bool {
        switch form {
        case .capabilities: VerificationString(query, function)?.description == value
        case .ecaps2:
            ECaps2Input(query).map { String(decoding: Base64.encode(function.digest($0.bytes)), as: UTF8.self) } == value
        }
    }
}

extension VerificationString {
    /// Of an answer of service discovery; nil if it is ill-formed (§5.4).
    init?(_ query: Element, _ function: Hash) {
        var identities: [Identity] = []
        var features: [String] = []
        var forms: [DataForm] = []
        for child in query.children {
            if child.isNamed("identity", in: .discoveryInfo) {
                identities.append(
                    Identity(
                        category: child["category"] ?? "", type: child["type"] ?? "", language: child.language,
                        name: child["name"]))
            } else if child.isNamed("feature", in: .discoveryInfo) {
                features.append(child["var"] ?? "")
            } else if let form = DataForm(child), form.fields.contains(where: { $0.name == "FORM_TYPE" && $0.type == "hidden" }) {
                forms.append(form)
            }
        }
        guard Set(identities).count == identities.count, Set(features).count == features.count,
            Set(forms.compactMap(\.formType)).count == forms.count,
            forms.allSatisfy({ Set($0["FORM_TYPE"] ?? []).count <= 1 })
        else { return nil }
        self.init(identities: identities, features: features, forms: forms, hash: function)
    }
}

/// What is hashed according to XEP-0390 §4.1.
struct ECaps2Input: Sendable {
    let bytes: [UInt8]

    /// Nil if the answer contains what the algorithm refuses.
    init?(_ query: Element) {
        var features: [[UInt8]] = []
        var identities: [[UInt8]] = []
        var forms: [[UInt8]] = []
        for child in query.children {
            if child.isNamed("feature", in: .discoveryInfo) {
                features.append(Self.ended(child["var"] ?? ""))
            } else if child.isNamed("identity", in: .discoveryInfo) {
                let parts = [
                    child["category"] ?? "", child["type"] ?? "", child.language ?? query.language ?? "", child["name"] ?? "",
                ]
                identities.append(parts.flatMap(Self.ended) + [0x1e])
            } else if child.isNamed("x", in: .dataForms), let form = Self.form(child) {
                forms.append(form)
            } else {
                return nil
            }
        }
        bytes = Self.joined(features) + [0x1c] + Self.joined(identities) + [0x1c] + Self.joined(forms) + [0x1c]
    }

    private static func form(_ form: Element) -> [UInt8]? {
        guard DataForm(form)?.formType != nil else { return nil }
        var fields: [[UInt8]] = []
        for field in form.children {
            guard field.isNamed("field", in: .dataForms) else { return nil }
            let values = field.children.filter { $0.isNamed("value", in: .dataForms) }.map { ended($0.text) }
            fields.append(ended(field["var"] ?? "") + joined(values) + [0x1e])
        }
        return joined(fields) + [0x1d]
    }

    private static func ended(_ text: String) -> [UInt8] { Array(text.utf8) + [0x1f] }

    private static func joined(_ parts: [[UInt8]]) -> [UInt8] {
        parts.sorted { $0.lexicographicallyPrecedes($1) }.flatMap { $0 }
    }
}

extension Namespace {
    /// XEP-0390
    static let ecaps2: Namespace = "urn:xmpp:caps"
    /// XEP-0300
    static let hashes: Namespace = "urn:xmpp:hashes:2"
}
