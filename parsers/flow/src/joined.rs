//! Streams that the table of first bytes does not name, because their beginning or a side of them was not captured: looked at for messages
//! that follow one another.
//!
//! A stream joined in the middle is looked at as more of it comes; one whose beginning was seen once, before it stays unknown.

use crate::Direction;
use crate::context::Context;
use crate::conversation::{Conversation, Follower};
use crate::entry::{Entry, Phase, mark};
use crate::limits::{MAX_HEAD, MAX_JOINED};
use crate::opening::{claim, ports};
use crate::why::What;
use transitproof_wire::Protocol;
use transitproof_wire::app::chains::{self, Found};

/// Whether the beginning of a stream is missing.
pub fn is_joined(entry: &Entry, conversation: &Conversation) -> bool {
    !entry.has(mark::SYN) && conversation.via.is_empty()
}

/// What the messages of a stream tell, as far as they have come; whether more of them may tell is left to [`may_tell`].
pub fn protocol(entry: &Entry, conversation: &mut Conversation) -> Option<Protocol> {
    if conversation.looks >= MAX_JOINED {
        return None;
    }
    conversation.looks += 1;
    // Every place is tried when there is twice as much as the last time.
    let within = conversation.looks.is_power_of_two();
    let joined = is_joined(entry, conversation);
    let (client, server) = conversation.client_and_server();
    let Found { protocol, turned } = chains::stream(client, server, ports(entry, conversation), joined, within)?;
    conversation.turned ^= turned;
    Some(protocol)
}

/// Whether more of a stream that was joined may tell what it is.
pub fn may_tell(entry: &Entry, conversation: &Conversation) -> bool {
    let has_room = |from: Direction| conversation.heads[from as usize].len() < MAX_HEAD;
    is_joined(entry, conversation)
        && conversation.looks < MAX_JOINED
        && (has_room(Direction::Forward) || has_room(Direction::Reverse))
}

/// Nothing more is to come: names a stream that nothing else does.
pub fn last_look(entry: &mut Entry, conversation: &mut Conversation, ctx: &mut Context) {
    let undecided = matches!(conversation.follower, Follower::Undecided) && entry.protocol == Protocol::Unknown;
    if undecided
        && entry.phase == Phase::Open
        && conversation.heads.iter().any(|head| !head.is_empty())
        && let Some(protocol) = protocol(entry, conversation)
    {
        claim(entry, conversation, protocol, What::MessageRun, ctx);
    }
}
