import Testing

@testable import XMPP

/// What is told of received stanzas, and when (XEP-0198 §4).
@Suite struct HandledStanzasTests {
    @Test func whatNobodyWithholdsIsHandledAtOnce() {
        var handled = HandledStanzas()
        #expect(handled.request() == 0)
        handled.receive()
        handled.receive()
        #expect(handled.request() == 2)
    }

    @Test func answersWaitForWhatTheyCount() {
        var handled = HandledStanzas()
        handled.receive()
        let first = handled.withhold()
        #expect(handled.request() == nil)
        handled.receive()
        #expect(handled.request() == nil)
        let second = handled.withhold()
        #expect(handled.release(second) == [])
        #expect(handled.release(first) == [1, 2])
        #expect(handled.request() == 2)
    }

    @Test func anAnswerNeverSaysLessThanWhatCameBeforeTheQuestion() {
        var handled = HandledStanzas()
        handled.receive()
        let first = handled.withhold()
        handled.receive()
        handled.receive()
        let third = handled.withhold()
        #expect(handled.request() == nil)
        #expect(handled.release(first) == [])
        #expect(handled.release(third) == [3])
    }

    @Test func aStanzaMayBeWithheldTwice() {
        var handled = HandledStanzas()
        handled.receive()
        let (one, other) = (handled.withhold(), handled.withhold())
        #expect(handled.request() == nil)
        #expect(handled.release(one) == [])
        #expect(handled.release(other) == [1])
        #expect(handled.release(other) == [], "given back already")
    }

    @Test func anyOrderOfReleasesTellsTheSame() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var handled = HandledStanzas()
            var tickets: [HandledStanzas.Ticket] = []
            var asked = 0
            var answers: [UInt32] = []
            for number in 1...20 {
                handled.receive()
                if Bool.random(using: &random) { tickets.append(handled.withhold()) }
                if Bool.random(using: &random) {
                    asked += 1
                    if let answer = handled.request() {
                        #expect(answer == UInt32(number))
                        answers.append(answer)
                    }
                }
                if Bool.random(using: &random), let ticket = tickets.indices.randomElement(using: &random) {
                    answers += handled.release(tickets.remove(at: ticket))
                }
            }
            for ticket in tickets.shuffled(using: &random) { answers += handled.release(ticket) }
            #expect(answers.count == asked)
            #expect(answers == answers.sorted())
        }
    }
}
