import NIOCore
@testable import Server
import Testing
import XMPP

@testable import Features

/// Subscriptions that end and begin again in the same moment in which resources come and go.
@Suite(.timeLimit(.minutes(2)))
struct PresenceReturnTests {
    @Test func whoWasAvailableWhileASubscriptionEndedIsRemembered() throws {
        let phone = SessionHandle(id: 1, jid: try JID("juliet@localhost/phone"), loop: 0)
        let desk = SessionHandle(id: 2, jid: try JID("juliet@localhost/desk"), loop: 1)
        var told = Presences.Told()
        told.becameAvailable(phone)
        told.beginEnd()
        told.becameAvailable(desk)
        told.becameUnavailable(phone)
        told.beginEnd()
        told.becameUnavailable(desk)
        #expect(told.available.isEmpty)
        #expect(told.finishEnd() == [phone.jid, desk.jid])
        // The second has not ended yet, and began while both could have been there.
        #expect(told.finishEnd() == [phone.jid, desk.jid])
        told.beginEnd()
        #expect(told.finishEnd() == [])
    }

    /// Whatever happened: in the end who is subscribed knows who is available, and nobody else.
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func whoComesBackIsBelieved(seed: UInt64) async throws {
        var dice = Dice(state: seed)
        try await TestServer.run(loops: 4, accounts: 2) { server in
            let romeo = try await server.goOnline(1, "orchard")
            let control = try await server.connect(2, "control")
            var devices: [TestClient] = []
            for number in 1...3 { devices.append(try await server.connect(2, "device\(number)")) }
            // The first broadcasts go to all of the contact's resources as well.
            var isAvailable = [false, false, false]
            var known: [String: String] = [:]
            for step in 0..<40 {
                for number in 0..<25 {
                    switch Int.random(in: 0..<6, using: &dice) {
                    case 0: romeo.send("<presence type='unsubscribe' to='\(control.bare)'/>")
                    case 1: romeo.send("<presence type='subscribe' to='\(control.bare)'/>")
                    case 2: control.send("<presence type='subscribed' to='\(romeo.bare)'/>")
                    case 3 where Bool.random(using: &dice): control.send("<presence type='unsubscribed' to='\(romeo.bare)'/>")
                    default:
                        let index = Int.random(in: 0..<3, using: &dice)
                        isAvailable[index].toggle()
                        devices[index].send(
                            isAvailable[index]
                                ? "<presence><status>s\(step).\(number)</status></presence>" : "<presence type='unavailable'/>")
                    }
                }
                try await server.settle()
                for device in devices { _ = device.take() }
                _ = control.take()
                for received in romeo.take() where received.kind == "presence" && received.from.hasPrefix("\(control.bare)/") {
                    known[received.from] = received.type == "" ? received.element.child("status")?.text ?? "" : nil
                }
                var truth: [String: String] = [:]
                if server.roster(of: control.bare)?[romeo.bare]?.subscription.from == true {
                    for session in server.kernel.accounts[control.bare]?.sessions ?? [] where session.isAvailable {
                        let presence = try StanzaParser().parse(Stanza(presenceOf: session, to: romeo.bare).serialized)
                        truth[session.handle.jid.description] = presence.child("status")?.text ?? ""
                    }
                }
                #expect(known == truth, "step \(step)")
            }
        }
    }
}
