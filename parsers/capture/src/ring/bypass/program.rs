//! The socket filter of the bypass: counts the packets of flows that are in its map, and passes up everything else.
//!
//! Put together here, instruction by instruction (RFC 9669), so that neither a compiler nor a library is needed where the
//! agent runs. What it reads of a packet is what `transitproof_wire::packet::plain` reads, with the same lengths; whatever is
//! not ordinary (options, fragments, extension headers, a tag in the frame) it passes up.

use std::mem::offset_of;

/// Address, address, port, port, transport, version: one direction of a flow as its packets have it.
pub const KEY: usize = 40;
/// A packet behind a longer silence is passed up: its flow may have ended meanwhile.
pub const SILENCE_NS: i32 = 2_000_000_000;
/// Of so many packets of a flow one is passed up, so that it is seen to go on as before.
const SAMPLE: i32 = 4096;
/// Bytes of a sample: the longest headers that are read of a flow about which all is known.
const SAMPLE_LENGTH: i32 = 128;
/// Bytes of any other packet: all of them.
const WHOLE: i32 = 0x4_0000;

/// What the map has for each direction.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Value {
    pub packets: u64,
    /// Of the IP layer.
    pub bytes: u64,
    /// Of the latest packet, by CLOCK_MONOTONIC.
    pub last: u64,
    /// Packets met, for samples.
    pub met: u64,
    /// Not 0: the flow ended, began anew or was silent at this time of CLOCK_MONOTONIC, so that its packets are passed up.
    pub over: u64,
}

/// One instruction as the kernel takes it: struct bpf_insn.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    pub code: u8,
    /// Destination register, then source register; half a byte each, in the order of the machine's bit-fields.
    pub registers: u8,
    pub offset: i16,
    pub immediate: i32,
}

// Registers: 0 results, 1 to 5 arguments, 6 to 9 stay over calls, 10 the end of the stack.
const R0: u8 = 0;
const R1: u8 = 1;
const R2: u8 = 2;
const R3: u8 = 3;
const R4: u8 = 4;
const R5: u8 = 5;
const CONTEXT: u8 = 6;
const VALUE: u8 = 7;
const LENGTH: u8 = 8;
const TRANSPORT: u8 = 9;
const STACK: u8 = 10;

// On the stack: the key, and before it what was read of the packet.
const AT_KEY: i16 = -(KEY as i16);
const HEADER: i16 = AT_KEY - 48;
// In the key.
pub const SRC: usize = 0;
pub const DST: usize = 16;
pub const PORTS: usize = 32;
pub const PROTOCOL: usize = 36;
pub const VERSION: usize = 37;

// Sizes of loads and stores.
const W: u8 = 0x00;
const H: u8 = 0x08;
const B: u8 = 0x10;
const DW: u8 = 0x18;

// Conditions of jumps.
const ALWAYS: u8 = 0x05;
const EQUAL: u8 = 0x15;
const SIGNED_GREATER: u8 = 0x65;
const LESS: u8 = 0xa5;
const NOT_EQUAL: u8 = 0x55;

// Helpers of the kernel (linux/bpf.h, enum bpf_func_id).
const MAP_LOOKUP_ELEM: i32 = 1;
const KTIME_GET_NS: i32 = 5;
const SKB_LOAD_BYTES_RELATIVE: i32 = 68;
/// Of that helper: from the network header.
const HDR_START_NET: i32 = 1;

// Of struct __sk_buff (linux/bpf.h).
const PKT_TYPE: i16 = 4;
const PROTOCOL_OF_FRAME: i16 = 16;
const IFINDEX: i16 = 40;
const OUTGOING: i32 = libc::PACKET_OUTGOING as i32;
/// LOOPBACK_IFINDEX of the kernel, in every namespace.
const LOOPBACK: i32 = 1;

const FIN_SYN_RST: i32 = 0x07;
const TCP: i32 = libc::IPPROTO_TCP;
const UDP: i32 = libc::IPPROTO_UDP;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Label {
    Counted,
    V6,
    Transport,
    Tcp,
    Look,
    Over,
    Sample,
    Pass,
}

#[derive(Default)]
struct Assembler {
    code: Vec<Instruction>,
    jumps: Vec<(usize, Label)>,
    labels: Vec<(Label, usize)>,
}

impl Assembler {
    fn put(&mut self, code: u8, to: u8, from: u8, offset: i16, immediate: i32) {
        let registers = if cfg!(target_endian = "big") { to << 4 | from } else { from << 4 | to };
        self.code.push(Instruction { code, registers, offset, immediate });
    }

    fn label(&mut self, label: Label) {
        self.labels.push((label, self.code.len()));
    }

    fn set(&mut self, to: u8, number: i32) {
        self.put(0xb7, to, 0, 0, number);
    }

    fn copy(&mut self, to: u8, from: u8) {
        self.put(0xbf, to, from, 0, 0);
    }

    fn add(&mut self, to: u8, number: i32) {
        self.put(0x07, to, 0, 0, number);
    }

    fn mask(&mut self, to: u8, bits: i32) {
        self.put(0x57, to, 0, 0, bits);
    }

    /// From the network's byte order.
    fn host16(&mut self, to: u8) {
        self.put(0xdc, to, 0, 0, 16);
    }

    fn load(&mut self, size: u8, to: u8, from: u8, offset: i16) {
        self.put(0x61 | size, to, from, offset, 0);
    }

    fn store(&mut self, size: u8, to: u8, offset: i16, from: u8) {
        self.put(0x63 | size, to, from, offset, 0);
    }

    fn store_number(&mut self, size: u8, to: u8, offset: i16, number: i32) {
        self.put(0x62 | size, to, 0, offset, number);
    }

    /// Adds to memory, whatever other processors do with it meanwhile.
    fn add_atomically(&mut self, to: u8, offset: i16, from: u8) {
        self.put(0xc3 | DW, to, from, offset, 0);
    }

    fn jump(&mut self, condition: u8, register: u8, number: i32, to: Label) {
        self.jumps.push((self.code.len(), to));
        self.put(condition, register, 0, 0, number);
    }

    fn call(&mut self, helper: i32) {
        self.put(0x85, 0, 0, 0, helper);
    }

    fn leave(&mut self, result: i32) {
        self.set(R0, result);
        self.put(0x95, 0, 0, 0, 0);
    }

    /// Bytes of the packet from the network header on, at the offset in `R2`, to where its header is kept.
    fn read_packet(&mut self, bytes: i32) {
        self.copy(R1, CONTEXT);
        self.copy(R3, STACK);
        self.add(R3, i32::from(HEADER));
        self.set(R4, bytes);
        self.set(R5, HDR_START_NET);
        self.call(SKB_LOAD_BYTES_RELATIVE);
        self.jump(NOT_EQUAL, R0, 0, Label::Pass);
    }

    fn move_to_key(&mut self, size: u8, header: i16, key: usize) {
        self.load(size, R1, STACK, HEADER + header);
        self.store(size, STACK, AT_KEY + key as i16, R1);
    }

    /// With the places of the labels in the jumps.
    fn done(mut self) -> Vec<Instruction> {
        for (at, label) in self.jumps {
            let place = self.labels.iter().find(|(known, _)| *known == label).map_or(0, |(_, place)| *place);
            self.code[at].offset = (place as isize - at as isize - 1) as i16;
        }
        self.code
    }
}

/// In the byte order in which the kernel keeps it.
fn ethertype(number: i32) -> i32 {
    i32::from((number as u16).to_be())
}

/// The filter over the map with this descriptor.
pub fn program(map: i32) -> Vec<Instruction> {
    let mut a = Assembler::default();
    a.copy(CONTEXT, R1);
    // What leaves through the loopback comes in again, and only that is counted.
    a.load(W, R1, CONTEXT, PKT_TYPE);
    a.jump(NOT_EQUAL, R1, OUTGOING, Label::Counted);
    a.load(W, R1, CONTEXT, IFINDEX);
    a.jump(EQUAL, R1, LOOPBACK, Label::Pass);
    a.label(Label::Counted);
    for word in 0..KEY as i16 / 8 {
        a.store_number(DW, STACK, AT_KEY + word * 8, 0);
    }
    a.load(W, R1, CONTEXT, PROTOCOL_OF_FRAME);
    a.jump(EQUAL, R1, ethertype(libc::ETH_P_IPV6), Label::V6);
    a.jump(NOT_EQUAL, R1, ethertype(libc::ETH_P_IP), Label::Pass);
    v4(&mut a);
    a.label(Label::V6);
    v6(&mut a);
    a.label(Label::Transport);
    transport(&mut a);
    a.label(Label::Look);
    count(&mut a, map);
    a.label(Label::Over);
    a.call(KTIME_GET_NS);
    a.store(DW, VALUE, offset_of!(Value, over) as i16, R0);
    a.label(Label::Pass);
    a.leave(WHOLE);
    a.label(Label::Sample);
    a.leave(SAMPLE_LENGTH);
    a.done()
}

/// RFC 791 without options, whole; the TCP flags' place goes to `R2`.
fn v4(a: &mut Assembler) {
    a.set(R2, 0);
    a.read_packet(28);
    a.load(B, R1, STACK, HEADER);
    a.jump(NOT_EQUAL, R1, 0x45, Label::Pass);
    a.load(H, R1, STACK, HEADER + 6);
    a.mask(R1, i32::from(0x3fff_u16.to_be()));
    a.jump(NOT_EQUAL, R1, 0, Label::Pass);
    a.load(H, LENGTH, STACK, HEADER + 2);
    a.host16(LENGTH);
    a.jump(LESS, LENGTH, 28, Label::Pass);
    a.load(B, TRANSPORT, STACK, HEADER + 9);
    a.move_to_key(W, 12, SRC);
    a.move_to_key(W, 16, DST);
    a.move_to_key(W, 20, PORTS);
    a.set(R2, 20 + 13);
    a.jump(ALWAYS, R0, 0, Label::Transport);
}

/// RFC 8200 without extension headers.
fn v6(a: &mut Assembler) {
    a.set(R2, 0);
    a.read_packet(48);
    a.load(B, R1, STACK, HEADER);
    a.mask(R1, 0xf0);
    a.jump(NOT_EQUAL, R1, 0x60, Label::Pass);
    a.load(H, LENGTH, STACK, HEADER + 4);
    a.host16(LENGTH);
    a.jump(EQUAL, LENGTH, 0, Label::Pass);
    a.add(LENGTH, 40);
    a.load(B, TRANSPORT, STACK, HEADER + 6);
    for word in 0..4 {
        a.move_to_key(DW, 8 + word * 8, SRC + word as usize * 8);
    }
    a.move_to_key(W, 40, PORTS);
    a.store_number(B, STACK, AT_KEY + VERSION as i16, 1);
    a.set(R2, 40 + 13);
}

/// Leaves the TCP flags that begin or end a connection in `TRANSPORT`, 0 where there are none.
fn transport(a: &mut Assembler) {
    a.store(B, STACK, AT_KEY + PROTOCOL as i16, TRANSPORT);
    a.jump(EQUAL, TRANSPORT, TCP, Label::Tcp);
    a.jump(NOT_EQUAL, TRANSPORT, UDP, Label::Pass);
    a.set(TRANSPORT, 0);
    a.jump(ALWAYS, R0, 0, Label::Look);
    a.label(Label::Tcp);
    a.read_packet(1);
    a.load(B, TRANSPORT, STACK, HEADER);
    a.mask(TRANSPORT, FIN_SYN_RST);
}

fn count(a: &mut Assembler, map: i32) {
    const PSEUDO_MAP_FD: u8 = 1;
    a.put(0x18, R1, PSEUDO_MAP_FD, 0, map);
    a.put(0, 0, 0, 0, 0);
    a.copy(R2, STACK);
    a.add(R2, i32::from(AT_KEY));
    a.call(MAP_LOOKUP_ELEM);
    a.jump(EQUAL, R0, 0, Label::Pass);
    a.copy(VALUE, R0);
    a.load(DW, R1, VALUE, offset_of!(Value, over) as i16);
    a.jump(NOT_EQUAL, R1, 0, Label::Pass);
    a.jump(NOT_EQUAL, TRANSPORT, 0, Label::Over);
    a.call(KTIME_GET_NS);
    a.copy(R2, R0);
    a.load(DW, R1, VALUE, offset_of!(Value, last) as i16);
    a.put(0x1f, R2, R1, 0, 0); // subtract
    // Signed, since processors may be a little apart.
    a.jump(SIGNED_GREATER, R2, SILENCE_NS, Label::Over);
    a.store(DW, VALUE, offset_of!(Value, last) as i16, R0);
    a.load(DW, R1, VALUE, offset_of!(Value, met) as i16);
    a.add(R1, 1);
    a.store(DW, VALUE, offset_of!(Value, met) as i16, R1);
    a.mask(R1, SAMPLE - 1);
    a.jump(EQUAL, R1, 0, Label::Sample);
    a.set(R1, 1);
    a.add_atomically(VALUE, offset_of!(Value, packets) as i16, R1);
    a.add_atomically(VALUE, offset_of!(Value, bytes) as i16, LENGTH);
    a.leave(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jumps_lead_forward_and_every_path_ends() {
        let code = program(7);
        assert_eq!(code.last().map(|last| last.code), Some(0x95));
        for (at, one) in code.iter().enumerate() {
            let jumps = one.code & 0x07 == 0x05 && !matches!(one.code, 0x85 | 0x95);
            if jumps {
                assert!(one.offset >= 0, "instruction {at}: no loops");
                assert!(at + 1 + (one.offset as usize) < code.len(), "instruction {at}");
            }
        }
    }
}
