/// The names of what log lines carry besides their text. Never message contents, never secrets.
package enum LogKeys {
    package static let address = "address"
    package static let account = "account"
    package static let condition = "condition"
    package static let domain = "domain"
    package static let file = "file"
    package static let jid = "jid"
    package static let mechanism = "mechanism"
    package static let reason = "reason"
    package static let stream = "stream"
}
