import NIOCore
import NIOEmbedded
import Synchronization
import Testing
import XMPP

@testable import Server

@Suite(.timeLimit(.minutes(2)))
struct AccountTableTests {
    /// Accounts are read, found, bound, left and swept away at random; a model with the times of each says which stay.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func whatWasJustUsedStays(seed: UInt64) async throws {
        var dice = Dice(state: seed)
        let table = await Table()
        let addresses = try (1...3).map { try JID("user\($0)@localhost") }
        var held: [JID: Account] = [:]
        var lastUse: [JID: NIODeadline] = [:]
        let age = TimeAmount.minutes(5)
        for _ in 0..<2_000 {
            guard let jid = addresses.randomElement(using: &dice) else { continue }
            switch Int.random(in: 0..<6, using: &dice) {
            case 0:
                held[jid] = table.load(jid)
                lastUse[jid] = table.now
            case 1:
                if let found = table.accounts[jid] {
                    if let held = held[jid] { #expect(found === held) }
                    held[jid] = found
                    lastUse[jid] = table.now
                }
            case 2:
                guard let account = held[jid] else { continue }
                #expect(table.bind(account))
            case 3:
                guard let account = held[jid], account.hasSession else { continue }
                account.endSession()
                lastUse[jid] = table.now
            case 4:
                await table.advance(by: .milliseconds(Int64.random(in: 0..<100_000, using: &dice)))
            default:
                table.accounts.sweep(olderThan: table.now - age)
            }
            for (jid, account) in held {
                // A sweep counts from when it has last seen the mark, which is later at most.
                let isRecent = lastUse[jid].map { table.now - $0 < age } ?? false
                if isRecent || account.hasSession {
                    #expect(table.isInMemory(account))
                } else {
                    held[jid] = nil
                }
            }
        }
    }

    /// Who comes and goes on many threads, while others sweep as hard as they can, is never there twice.
    @Test func nobodyIsThereTwice() async throws {
        let table = await Table()
        let jid = try JID("juliet@localhost")
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<3 {
                group.addTask {
                    for _ in 0..<3_000 {
                        guard let account = table.load(jid), table.bind(account) else { continue }
                        #expect(table.isInMemory(account))
                        account.endSession()
                        // What is still to be done at the end is done with the account that others find.
                        #expect(table.isInMemory(account))
                    }
                    table.isOver.store(true, ordering: .relaxed)
                }
            }
            group.addTask {
                while !table.isOver.load(ordering: .relaxed) {
                    // No time passes, so that nothing has become old.
                    table.accounts.sweep(olderThan: table.now - .nanoseconds(1))
                    await Task.yield()
                }
            }
        }
    }

    @Test func whoIsNotUsedGoes() async throws {
        let table = await Table()
        let jid = try JID("juliet@localhost")
        table.load(jid)
        table.accounts.sweep(olderThan: table.now - .minutes(5))
        await table.advance(by: .minutes(6))
        table.accounts.sweep(olderThan: table.now - .minutes(5))
        #expect(table.accounts[jid] == nil)
    }

    @Test func whoHasProvedToExistIsNotUnknown() async throws {
        let table = await Table()
        let jid = try JID("juliet@localhost")
        table.existing.withLock { $0 = [] }
        #expect(table.load(jid) == nil)
        #expect(table.load(jid, isKnown: true) != nil)
    }

    @Test func whatIsChangedWhileItIsReadIsReadAgain() async throws {
        let table = await Table()
        let jid = try JID("juliet@localhost")
        table.existing.withLock { $0 = [] }
        table.meanwhile.withLock { $0 = { table in
            // It is made while somebody asks for it.
            table.existing.withLock { $0 = nil }
            table.accounts.forget(jid)
        } }
        #expect(table.load(jid) != nil)
    }
}

/// A table on a clock of its own, whose accounts are made when they are asked for.
private final class Table: Sendable {
    private let loop = NIOAsyncTestingEventLoop()
    private let table = Mutex<AccountTable?>(nil)
    /// Those who exist; nil for everybody.
    let existing = Mutex<Set<JID>?>(nil)
    /// Happens once between reading and telling what was read.
    let meanwhile = Mutex<(@Sendable (Table) -> Void)?>(nil)
    private let ids = Atomic<UInt64>(0)
    let isOver = Atomic(false)

    init() async {
        // So that there is a time before.
        await loop.advanceTime(by: .hours(1))
        let table = AccountTable(clock: ServerClock(loop, wall: { .now })) { [unowned self] jid, isKnown, completion in
            let exists = existing.withLock { $0?.contains(jid) ?? true }
            let happening = meanwhile.withLock { happening in
                defer { happening = nil }
                return happening
            }
            happening?(self)
            completion(isKnown || exists ? .loaded(Account(jid: jid)) : .unknown)
        }
        self.table.withLock { $0 = table }
    }

    var accounts: AccountTable { table.withLock { $0! } }
    var now: NIODeadline { loop.now }

    func advance(by amount: TimeAmount) async { await loop.advanceTime(by: amount) }

    @discardableResult
    func load(_ jid: JID, isKnown: Bool = false) -> Account? {
        let found = Mutex<Account?>(nil)
        accounts.load(jid, isKnown: isKnown) { result in
            if case .loaded(let account) = result { found.withLock { $0 = account } }
        }
        return found.withLock { $0 }
    }

    /// Begins a session; false if the account has left memory.
    func bind(_ account: Account) -> Bool {
        let id = ids.add(1, ordering: .relaxed).newValue
        return accounts.bind(account) { state in
            state.sessions.append(BoundSession(handle: SessionHandle(id: id, jid: account.jid, loop: 0)))
        }
    }

    /// Whether it is the account that others find; asking is no use of it.
    func isInMemory(_ account: Account) -> Bool { accounts.bind(account) { _ in } }
}

extension Account {
    fileprivate var hasSession: Bool { !sessions.isEmpty }
    /// As sessions end.
    fileprivate func endSession() { _ = used().withState { $0.sessions.removeFirst() } }
}

/// SplitMix64: the same seed, the same story.
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
