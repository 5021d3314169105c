/// A value that a statement is given.
package enum SQLValue: Sendable, Hashable {
    case null
    /// BIGINT
    case integer(Int)
    /// DOUBLE PRECISION
    case real(Double)
    /// TEXT
    case text(String)
    /// BYTEA
    case bytes([UInt8])

    package init(_ value: Int?) { self = value.map { .integer($0) } ?? .null }
    package init(_ value: Double?) { self = value.map { .real($0) } ?? .null }
    package init(_ value: String?) { self = value.map { .text($0) } ?? .null }
    package init(_ value: [UInt8]?) { self = value.map { .bytes($0) } ?? .null }
    /// Truth values are kept as BIGINT 1 and 0.
    package init(_ value: Bool) { self = .integer(value ? 1 : 0) }
}

extension SQLValue: ExpressibleByNilLiteral, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    package init(nilLiteral: ()) { self = .null }
    package init(integerLiteral value: Int) { self = .integer(value) }
    package init(stringLiteral value: String) { self = .text(value) }
}
