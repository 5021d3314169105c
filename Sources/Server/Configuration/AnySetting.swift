/// A setting without its type, so that the settings of many owners fit in one list.
package struct AnySetting: Sendable {
    package let path: String
    package let comment: String
    package let reload: Bool
    /// What a value must be, as the end of "must be …".
    let expectation: String
    /// The values there are, as a sentence without its full stop.
    let range: String?
    /// What the reference configuration shows: the default, or an example where that teaches more.
    let shown: String
    let defaultText: String
    /// The value of a node, as a `SettingValue`.
    let read: @Sendable (YAMLNode) throws(SettingProblem) -> any Sendable
    /// The YAML of a `SettingValue` that `read` gave.
    let write: @Sendable (any Sendable) -> String
    /// Whether the default is a value that the file may have.
    let isDefaultValid: @Sendable () -> Bool

    package init<Value>(_ setting: Setting<Value>) {
        path = setting.path
        comment = setting.comment
        reload = setting.reload
        let kind = setting.kind
        expectation = kind.expectation
        range = kind.range
        defaultText = kind.write(setting.default)
        shown = setting.example ?? defaultText
        let defaultText = defaultText
        read = { (node) throws(SettingProblem) in SettingValue(value: try kind.read(node)) }
        write = { ($0 as? SettingValue<Value>).map { kind.write($0.value) } ?? defaultText }
        isDefaultValid = {
            if defaultText.isEmpty { return true }
            guard let node = try? YAMLText.parse(Array(defaultText.utf8)) else { return false }
            return (try? kind.read(node)) == setting.default
        }
    }
}

/// A value with its static type, so that an optional one can be told from none.
struct SettingValue<Value: Sendable>: Sendable {
    let value: Value
}
