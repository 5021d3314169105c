/// Comparison whose duration tells nothing about where two secrets differ (RFC 5802 §9).
enum ConstantTime {
    @inline(never)
    static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        var difference: UInt8 = 0
        for (a, b) in zip(left, right) { difference |= a ^ b }
        return difference == 0
    }
}
