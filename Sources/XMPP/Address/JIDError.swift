/// Why a text is not an XMPP address, and which part of it is at fault (RFC 7622 §3).
package struct JIDError: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Part: String, Hashable, Sendable {
        case address, localpart, domainpart, resourcepart
    }

    package enum Reason: Hashable, Sendable {
        /// More than 1023 bytes after preparation.
        case tooLong
        case notUTF8
        case text(PrecisError)
        /// A label of the domain name is at fault; it is named as it was given.
        case label(String, Label)
        /// What stands in brackets is not an IPv6 address.
        case notIPv6
    }

    /// What is wrong with one label of a domain name (RFC 5891 §5.4).
    package enum Label: Error, Hashable, Sendable {
        /// More than 63 bytes as an A-label.
        case tooLong
        /// A hyphen is first, last, or third and fourth.
        case hyphens
        /// Starts with `xn--`, but is not the A-label of any U-label.
        case notALabel
        case text(PrecisError)
    }

    package let part: Part
    package let reason: Reason

    package init(_ part: Part, _ reason: Reason) {
        self.part = part
        self.reason = reason
    }

    package var description: String {
        "the \(part.rawValue) \(reason)"
    }
}

extension JIDError.Reason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLong: "is longer than \(JIDStorage.partLimit) bytes"
        case .notUTF8: "is not valid UTF-8"
        case .text(let error): "\(error)"
        case .label(let label, let fault): "has the label \"\(label)\", which \(fault)"
        case .notIPv6: "is not an IPv6 address in brackets"
        }
    }
}

extension JIDError.Label: CustomStringConvertible {
    package var description: String {
        switch self {
        case .tooLong: "is longer than 63 bytes"
        case .hyphens: "has a hyphen first, last, or third and fourth"
        case .notALabel: "encodes no valid label"
        case .text(let error): "\(error)"
        }
    }
}
