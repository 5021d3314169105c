import Testing

@testable import TLS

@Suite struct RandomPoolTests {
    @Test func nothingIsGivenTwice() {
        var pool = RandomPool()
        // More than is drawn at once, and of lengths that do not divide it.
        let taken = (0..<200).map { _ in pool.take(24) }
        #expect(taken.allSatisfy { $0.count == 24 })
        #expect(Set(taken).count == taken.count)
    }
}
