/// A setting of the configuration file, declared beside the code that obeys it.
///
/// The path has at least a section and a key (`offline.messages-per-user`). Reading, bounds, error messages and the
/// text of the reference configuration derive from the declaration. Read it with `configuration[setting]`.
package struct Setting<Value: Sendable & Equatable>: Sendable {
    package let path: String
    package let `default`: Value
    /// One or more sentences for the administrator.
    package let comment: String
    /// Whether a change takes effect without a restart.
    package let reload: Bool
    /// What the reference configuration shows when the default itself would teach nothing.
    let example: String?
    let kind: SettingKind<Value>

    init(
        _ path: String, default: Value, reload: Bool, example: String? = nil, _ comment: String,
        kind: SettingKind<Value>
    ) {
        self.path = path
        self.default = `default`
        self.comment = comment
        self.reload = reload
        self.example = example
        self.kind = kind
    }
}

extension Setting where Value == Bool {
    /// `on` or `off`.
    package init(_ path: String, default: Bool, reload: Bool = false, _ comment: String) {
        self.init(path, default: `default`, reload: reload, comment, kind: .bool)
    }
}

extension Setting where Value == Int {
    /// A whole number within bounds.
    package init(_ path: String, default: Int, in bounds: ClosedRange<Int>, reload: Bool = false, _ comment: String) {
        self.init(path, default: `default`, reload: reload, comment, kind: .integer(bounds))
    }
}

extension Setting where Value == String {
    package init(_ path: String, default: String, reload: Bool = false, _ comment: String) {
        self.init(path, default: `default`, reload: reload, comment, kind: .text)
    }
}

extension Setting where Value == String? {
    /// A text that has no default; the example is what the reference configuration shows.
    package init(_ path: String, example: String, reload: Bool = false, _ comment: String) {
        let text = SettingKind<String>.text
        let kind = SettingKind<String?>(
            text.expectation, read: text.read, write: { $0.map(text.write) ?? "" })
        self.init(path, default: nil, reload: reload, example: YAMLText.written(example), comment, kind: kind)
    }
}

extension Setting where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of the words of an enumeration.
    package init(_ path: String, default: Value, reload: Bool = false, _ comment: String) {
        self.init(path, default: `default`, reload: reload, comment, kind: .enumeration)
    }
}

extension Setting where Value == Duration {
    /// A time in whole seconds, such as `30s`, `5m`, `12h` or `7d`.
    package init(
        _ path: String, default: Duration, in bounds: ClosedRange<Duration>, reload: Bool = false, _ comment: String
    ) {
        self.init(path, default: `default`, reload: reload, comment, kind: .duration(bounds))
    }
}

extension Setting where Value == Duration? {
    /// A time, or a word such as `forever` or `never`, which reads as nil.
    package init(
        _ path: String, default: Duration?, in bounds: ClosedRange<Duration>, none: String, reload: Bool = false,
        _ comment: String
    ) {
        let kind = SettingKind<Duration>.duration(bounds).optional(none)
        self.init(path, default: `default`, reload: reload, comment, kind: kind)
    }
}

extension Setting where Value == ByteCount {
    /// A size in bytes, such as `65536`, `256K` or `10M`.
    package init(
        _ path: String, default: ByteCount, in bounds: ClosedRange<ByteCount>, reload: Bool = false, _ comment: String
    ) {
        self.init(path, default: `default`, reload: reload, comment, kind: .size(bounds))
    }
}

extension Setting where Value == [String] {
    /// A list of texts; the example is shown by the reference configuration in place of an empty default.
    package init(_ path: String, default: [String], example: [String]? = nil, reload: Bool = false, _ comment: String) {
        let kind = SettingKind<[String]>.list
        self.init(path, default: `default`, reload: reload, example: example.map(kind.write), comment, kind: kind)
    }
}

extension Setting where Value == AddressSet {
    /// A list of IP addresses and networks.
    package init(_ path: String, default: AddressSet, reload: Bool = false, _ comment: String) {
        self.init(path, default: `default`, reload: reload, comment, kind: .addresses)
    }
}
