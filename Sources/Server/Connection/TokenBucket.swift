package import NIOCore

/// Limits a rate: tokens come in steadily and are spent in bursts.
package struct TokenBucket: Sendable {
    /// Tokens a second.
    package let rate: Int
    /// The most that can be saved up.
    package let burst: Int
    private var tokens: Double
    private var filled: NIODeadline

    package init(rate: Int, burst: Int, now: NIODeadline) {
        self.rate = rate
        self.burst = burst
        tokens = Double(burst)
        filled = now
    }

    /// Spends tokens, if need be more than there are.
    /// - Returns: how long to wait until none are owed; nil if none are.
    package mutating func spend(_ count: Int, now: NIODeadline) -> TimeAmount? {
        if now > filled {
            tokens = min(Double(burst), tokens + Double((now - filled).nanoseconds) * Double(rate) / 1e9)
            filled = now
        }
        tokens -= Double(count)
        guard tokens < 0 else { return nil }
        return .nanoseconds(Int64((-tokens / Double(rate) * 1e9).rounded(.up)))
    }
}
