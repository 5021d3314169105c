import Testing

@testable import XMPP

/// Framer and parser against libxml2 reading the whole stream as one document.
@Suite struct DifferentialTests {
    @Test(arguments: StreamMutator.corpus.indices) func corpusIsAccepted(number: Int) {
        let stream = StreamMutator.corpus[number]
        let reading = StreamReading(stream, parser: StanzaParser(), limits: XMLLimits()) { 65_536 }
        #expect(reading.outcome == .ended)
        #expect(!reading.elements.isEmpty)
    }

    @Test(arguments: StreamMutator.corpus.indices) func everySplit(number: Int) {
        let stream = StreamMutator.corpus[number]
        let difference = StreamDifference()
        for size in [1, 2, 3, 7] {
            let problem = difference.find(in: stream) { size }
            #expect(problem == nil)
        }
        for cut in 1..<stream.count {
            var chunks = [cut]
            let problem = difference.find(in: stream) { chunks.popLast() ?? stream.count }
            #expect(problem == nil)
        }
    }

    @Test(arguments: 0..<8 as Range<UInt64>) func mutatedStreams(seed: UInt64) {
        var mutator = StreamMutator(seed: seed)
        let difference = StreamDifference()
        for _ in 0..<400 {
            let stream = mutator.stream()
            if let problem = difference.find(in: stream, chunk: { mutator.chunk() }) {
                Issue.record("\(problem)\nin \(String(decoding: stream, as: UTF8.self))")
            }
        }
    }
}
