internal import Synchronization

/// A place for a feature's state in every session; survives the session's move to another connection.
///
/// Declared once, as a static constant of the feature: `static let wanted = SessionSlot(false)`.
package final class SessionSlot<Value: Sendable>: Sendable {
    let index: Int
    let initial: Value

    /// - Parameter initial: what a session holds before the feature has set anything.
    package init(_ initial: Value) {
        index = SlotCount.sessions.add(1, ordering: .relaxed).oldValue
        self.initial = initial
    }
}

/// A place for a feature's state in every loaded account, read from storage when the account is loaded.
package final class AccountSlot<Value: Sendable>: Sendable {
    let index: Int
    let initial: Value
    /// For `Account.has`.
    package let mark: AccountSlotMark

    /// - Parameter initial: what an account holds unless a loader has filled the slot.
    package init(_ initial: Value) {
        index = SlotCount.accounts.add(1, ordering: .relaxed).oldValue
        mark = AccountSlotMark(bit: 1 &<< UInt64(truncatingIfNeeded: index))
        self.initial = initial
    }
}

/// Tells an account's slots apart where only that matters; if there are very many, some share one.
package struct AccountSlotMark: Sendable {
    let bit: UInt64
}

/// A place for what a stream feature remembers while a stream is being negotiated; emptied when it is bound.
package struct StreamSlot<Value>: Sendable {
    let index: Int
    let make: @Sendable () -> Value

    package init(_ make: @escaping @Sendable () -> Value) {
        index = SlotCount.streams.add(1, ordering: .relaxed).oldValue
        self.make = make
    }
}

private enum SlotCount {
    static let sessions = Atomic<Int>(0)
    static let streams = Atomic<Int>(0)
    static let accounts = Atomic<Int>(0)
}

/// The values of slots, as long as the highest one in use.
struct Slots: ~Copyable {
    private final class Box<Value> {
        var value: Value
        init(_ value: Value) { self.value = value }
    }

    private var boxes: [AnyObject?] = []

    subscript<Value>(index: Int, initial: @autoclosure () -> Value) -> Value {
        get {
            guard index < boxes.count, let box = boxes[index] else { return initial() }
            return unsafeDowncast(box, to: Box<Value>.self).value
        }
        _modify {
            if index >= boxes.count {
                boxes.append(contentsOf: repeatElement(nil, count: index + 1 - boxes.count))
            }
            if boxes[index] == nil { boxes[index] = Box(initial()) }
            // A slot's index belongs to one declaration, and so to one type.
            let box = unsafeDowncast(boxes[index].unsafelyUnwrapped, to: Box<Value>.self)
            yield &box.value
        }
    }
}
