/// Random bytes drawn in advance: OpenSSL takes nearly as long for a few as for a thousand.
package struct RandomPool: Sendable {
    private static let drawn = 1_024
    private var bytes: [UInt8] = []

    package init() {}

    /// - Parameter count: not more than what is drawn at once.
    package mutating func take(_ count: Int) -> [UInt8] {
        if bytes.count < count { bytes = randomBytes(Self.drawn) }
        defer { bytes.removeLast(count) }
        return Array(bytes.suffix(count))
    }
}
