//! The text of a filter: `host 10.0.0.0/8 and (port 443 or not class plaintext)`. `and` binds closer than `or`, `not` closest;
//! `&&`, `||` and `!` are the same words.

use super::expression::{Condition, Network, Node};
use crate::endpoint::{EAPOL, write_transport};
use crate::key::{Family, Key};
use std::fmt;
use std::net::IpAddr;
use transitproof_wire::packet::Address;
use transitproof_wire::{Class, Protocol};

/// Parentheses and negations inside one another: nobody writes more, and each costs a stack frame.
const MAX_DEPTH: usize = 32;

const CONDITIONS: [&str; 5] = ["host", "port", "class", "protocol", "transport"];

/// What is wrong with the text of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// In characters from 1; one behind the last where something is missing.
    pub column: usize,
    pub what: String,
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.what)
    }
}

struct Parser<'a> {
    tokens: Vec<(usize, &'a str)>,
    next: usize,
    end: usize,
    depth: usize,
}

pub fn expression(text: &str) -> Result<Node, FilterError> {
    let tokens = tokens(text);
    let mut parser = Parser { tokens, next: 0, end: text.chars().count() + 1, depth: 0 };
    let node = parser.any()?;
    match parser.peek() {
        None => Ok(node),
        Some(")") => Err(parser.wrong("there is no ( for this )".to_owned())),
        Some(word) => {
            let near = nearest(word, ["and", "or"].into_iter());
            Err(parser.wrong(format!("\"{word}\" stands where and, or or the end was expected{}", meant(near))))
        }
    }
}

/// Words with their columns.
fn tokens(text: &str) -> Vec<(usize, &str)> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut column = 1;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '(' | ')' | '!' => 1,
            _ if first.is_whitespace() => {
                rest = &rest[first.len_utf8()..];
                column += 1;
                continue;
            }
            _ if rest.starts_with("&&") || rest.starts_with("||") => 2,
            _ => rest
                .char_indices()
                .find(|(at, c)| {
                    c.is_whitespace()
                        || matches!(c, '(' | ')')
                        || rest[*at..].starts_with("&&")
                        || rest[*at..].starts_with("||")
                })
                .map_or(rest.len(), |(at, _)| at),
        };
        let (token, behind) = rest.split_at(length);
        tokens.push((column, token));
        column += token.chars().count();
        rest = behind;
    }
    tokens
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.next).map(|(_, token)| *token)
    }

    fn take(&mut self, words: [&str; 2]) -> bool {
        let found = self.peek().is_some_and(|token| words.contains(&token.to_ascii_lowercase().as_str()));
        self.next += usize::from(found);
        found
    }

    /// An error at the next token.
    fn wrong(&self, what: String) -> FilterError {
        FilterError { column: self.tokens.get(self.next).map_or(self.end, |(column, _)| *column), what }
    }

    fn any(&mut self) -> Result<Node, FilterError> {
        let mut nodes = vec![self.all()?];
        while self.take(["or", "||"]) {
            nodes.push(self.all()?);
        }
        Ok(if nodes.len() > 1 { Node::Any(nodes) } else { nodes.remove(0) })
    }

    fn all(&mut self) -> Result<Node, FilterError> {
        let mut nodes = vec![self.one()?];
        while self.take(["and", "&&"]) {
            nodes.push(self.one()?);
        }
        Ok(if nodes.len() > 1 { Node::All(nodes) } else { nodes.remove(0) })
    }

    fn one(&mut self) -> Result<Node, FilterError> {
        if self.depth >= MAX_DEPTH {
            return Err(self.wrong(format!("more than {MAX_DEPTH} parentheses and negations inside one another")));
        }
        self.depth += 1;
        let node = if self.take(["not", "!"]) {
            Node::Not(Box::new(self.one()?))
        } else if self.take(["(", "("]) {
            let node = self.any()?;
            if !self.take([")", ")"]) {
                return Err(self.unclosed());
            }
            node
        } else {
            Node::Is(self.condition()?)
        };
        self.depth -= 1;
        Ok(node)
    }

    fn unclosed(&self) -> FilterError {
        match self.peek() {
            None => self.wrong("a ) is missing".to_owned()),
            Some(word) => {
                let near = nearest(word, ["and", "or"].into_iter());
                self.wrong(format!("\"{word}\" stands where and, or or ) was expected{}", meant(near)))
            }
        }
    }

    fn condition(&mut self) -> Result<Condition, FilterError> {
        let listed = "host, port, class, protocol, transport, not or (";
        let Some(word) = self.peek() else {
            return Err(self.wrong(format!("a condition is missing: {listed}")));
        };
        let kind = word.to_ascii_lowercase();
        if !CONDITIONS.contains(&kind.as_str()) {
            let near = nearest(&kind, CONDITIONS.into_iter().chain(["not"]));
            let hint = near.map_or_else(|| format!("; one of {listed} was expected"), |near| meant(Some(near)));
            return Err(self.wrong(format!("unknown condition \"{word}\"{hint}")));
        }
        self.next += 1;
        let Some(value) = self.peek().filter(|value| !matches!(*value, "(" | ")" | "!" | "&&" | "||")) else {
            return Err(self.wrong(format!("{kind} wants {}", wanted(&kind))));
        };
        let condition = match kind.as_str() {
            "host" => station(value).map_or_else(|| network(value), Ok).map(Condition::Host),
            "port" => ports(value).map(|(first, last)| Condition::Port(first, last)),
            "class" => class(value).map(Condition::Class),
            "protocol" => protocol(value).map(Condition::Protocol),
            _ => transport(value).map(Condition::Transport),
        };
        let condition = condition.map_err(|what| self.wrong(what))?;
        self.next += 1;
        Ok(condition)
    }
}

/// What a condition is followed by.
fn wanted(kind: &str) -> &'static str {
    match kind {
        "host" => "an address or network, such as 10.0.0.1, 10.0.0.0/8, 2001:db8::/32 or 02:00:00:00:00:01",
        "port" => "a number or a range, such as 443 or 8000-8099",
        "class" => "one of tls, ipsec, encrypted, plaintext, unknown",
        "protocol" => "a protocol as records name it, such as http, tls or esp",
        _ => "a transport as records name it, such as tcp, udp, icmp or esp",
    }
}

/// The address of a station, in hex with colons.
fn station(text: &str) -> Option<Network> {
    let mut bytes = text.split(':').map(|byte| u8::from_str_radix(byte, 16).ok().filter(|_| byte.len() == 2));
    let mut mac = [0; 6];
    for byte in &mut mac {
        *byte = bytes.next()??;
    }
    const BITS: u32 = 48;
    let (key, _) = Key::of_stations(mac, mac, 0);
    bytes.next().is_none().then(|| Network::new(Family::Link, key.low(), BITS))
}

/// An address or a prefix. Err says what is wrong with it.
pub(crate) fn network(text: &str) -> Result<Network, String> {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let address: IpAddr = address.parse().map_err(|_| format!("\"{text}\" is not {}", wanted("host")))?;
    let (family, address, most) = match address {
        IpAddr::V4(v4) => (Family::V4, Address::v4(v4.octets()), 32),
        IpAddr::V6(v6) => (Family::V6, Address::v6(v6.octets()), 128),
    };
    let length = length.map_or(Ok(most), str::parse::<u32>).ok().filter(|length| *length <= most);
    let length = length.ok_or_else(|| format!("\"{text}\": the length of the network is a number from 0 to {most}"))?;
    Ok(Network::new(family, address, length))
}

fn ports(text: &str) -> Result<(u16, u16), String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) if first <= last => Ok((first, last)),
        _ => Err(format!("\"{text}\" is not {}, from 0 to 65535", wanted("port"))),
    }
}

fn class(text: &str) -> Result<Class, String> {
    let word = text.to_ascii_lowercase();
    let found = Class::ALL.into_iter().find(|class| class.name() == word);
    found.ok_or_else(|| unknown("class", text, Class::ALL.into_iter().map(Class::name)))
}

fn protocol(text: &str) -> Result<&'static str, String> {
    let word = text.to_ascii_lowercase();
    let names = || Protocol::ALL.iter().map(|protocol| protocol.name()).filter(|name| !name.is_empty());
    names().find(|name| *name == word).ok_or_else(|| unknown("protocol", text, names()))
}

fn transport(text: &str) -> Result<Option<u8>, String> {
    let word = text.to_ascii_lowercase();
    let of_ip = (0..=u8::MAX).map(|number| {
        let mut name = Vec::new();
        write_transport(&mut name, Family::V4, number);
        String::from_utf8_lossy(&name).into_owned()
    });
    let names: Vec<String> = of_ip.chain([EAPOL.to_owned()]).collect();
    let found = names.iter().position(|name| *name == word).map(|number| u8::try_from(number).ok());
    found.ok_or_else(|| unknown("transport", text, names.iter().map(String::as_str)))
}

fn unknown<'a>(kind: &str, text: &str, names: impl Iterator<Item = &'a str>) -> String {
    match nearest(&text.to_ascii_lowercase(), names) {
        near @ Some(_) => format!("unknown {kind} \"{text}\"{}", meant(near)),
        None => format!("unknown {kind} \"{text}\"; {kind} wants {}", wanted(kind)),
    }
}

fn meant(near: Option<&str>) -> String {
    near.map(|near| format!("; did you mean {near}?")).unwrap_or_default()
}

/// The known word that a typo is likely to stand for: the fewest letters wrong, at most one in three.
fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = 1 + word.chars().count() / 4;
    let near = known.map(|name| (distance(word, name), name)).min_by_key(|(letters, _)| *letters);
    near.filter(|(letters, _)| *letters <= most).map(|(_, name)| name)
}

/// Optimal string alignment: letters inserted, left out, replaced or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            rows[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let same = usize::from(a[i - 1] != b[j - 1]);
                let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                let swap = if swapped { rows[i - 2][j - 2] + 1 } else { usize::MAX };
                (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + same).min(swap)
            };
        }
    }
    rows[a.len()][b.len()]
}
