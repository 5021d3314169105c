/// The kinds of values that settings have: truth values, numbers, texts, enumerations, times, sizes and lists.
extension SettingKind where Value == Bool {
    static var bool: Self {
        Self(
            "on or off", range: "On or off",
            word: { text in
                switch text.lowercased() {
                case "on", "yes", "true": true
                case "off", "no", "false": false
                default: nil
                }
            }, write: { $0 ? "on" : "off" })
    }
}

extension SettingKind where Value == Int {
    static func integer(_ bounds: ClosedRange<Int>) -> Self {
        Self(
            "a whole number from \(bounds.words { String($0) })", range: "From \(bounds.words { String($0) })",
            word: { text in
                guard let number = Int(text.replacing("_", with: "")), text.first != "+" else { return nil }
                return bounds.contains(number) ? number : nil
            }, write: { String($0) })
    }
}

extension SettingKind where Value == String {
    static var text: Self {
        Self(
            "text",
            read: { (node) throws(SettingProblem) in
                guard case .scalar(let text, _) = node.content else { throw .mismatch(node, "text") }
                return text
            }, write: { YAMLText.written($0) })
    }
}

extension SettingKind where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    static var enumeration: Self {
        let names = Value.allCases.map(\.rawValue)
        let expectation = names.count == 2 ? names.joined(separator: " or ") : "one of \(names.joined(separator: ", "))"
        return Self(
            expectation, range: "One of \(names.joined(separator: ", "))",
            read: { (node) throws(SettingProblem) in
                guard case .scalar(let text, _) = node.content else { throw .mismatch(node, expectation) }
                if let value = Value(rawValue: text) { return value }
                let suggestion = Suggestion.nearest(to: text, among: names).map { "; did you mean \"\($0)\"?" }
                throw SettingProblem(
                    node.position, SettingProblem.mismatch(node, expectation).text + (suggestion ?? ""))
            }, write: { YAMLText.written($0.rawValue) })
    }
}

extension SettingKind where Value == Duration {
    /// Whole seconds.
    static func duration(_ bounds: ClosedRange<Duration>) -> Self {
        Self(
            "a time such as 30s, 5m, 12h or 7d, from \(bounds.words(DurationText.write))",
            range: "From \(bounds.words(DurationText.write))",
            word: { text in DurationText.read(text).flatMap { bounds.contains($0) ? $0 : nil } },
            write: DurationText.write)
    }
}

extension SettingKind where Value == ByteCount {
    static func size(_ bounds: ClosedRange<ByteCount>) -> Self {
        Self(
            "a size in bytes such as 10000, 256K or 10M, from \(bounds.words(\.description))",
            range: "From \(bounds.words(\.description))",
            word: { text in ByteCount(text).flatMap { bounds.contains($0) ? $0 : nil } },
            write: { $0.description })
    }
}

extension SettingKind where Value == [String] {
    static var list: Self {
        let expectation = "a list of words such as [one, two]"
        return Self(
            expectation,
            read: { (node) throws(SettingProblem) in
                guard case .list(let elements) = node.content else { throw .mismatch(node, expectation) }
                var texts: [String] = []
                for element in elements {
                    guard case .scalar(let text, _) = element.content else {
                        throw SettingProblem(element.position, "must be \(expectation), not \(element.found) inside it")
                    }
                    texts.append(text)
                }
                return texts
            }, write: { "[\($0.map(YAMLText.written).joined(separator: ", "))]" })
    }
}

extension SettingKind where Value == AddressSet {
    static var addresses: Self {
        let expectation = "a list of IP addresses and networks such as [192.0.2.7, 10.0.0.0/8, 2001:db8::/32]"
        return Self(
            expectation,
            read: { (node) throws(SettingProblem) in
                guard case .list(let elements) = node.content else { throw .mismatch(node, expectation) }
                var networks: [AddressSet.Network] = []
                for element in elements {
                    guard case .scalar(let text, _) = element.content else {
                        throw SettingProblem(element.position, "must be \(expectation), not \(element.found) inside it")
                    }
                    do throws(AddressSet.Problem) { networks.append(try AddressSet.network(text)) } catch {
                        throw SettingProblem(
                            element.position, "is a list of addresses, but \(element.found) \(error.text)")
                    }
                }
                return AddressSet(networks: networks)
            },
            // Quoted because a text such as `::1` would begin like a key.
            write: { "[\($0.networks.map { YAMLText.written($0.description) }.joined(separator: ", "))]" })
    }
}

extension ClosedRange {
    fileprivate func words(_ text: (Bound) -> String) -> String {
        "\(text(lowerBound)) to \(text(upperBound))"
    }
}
