//! What the record contract promises of every line: UTF-8, JSON, no member twice, no null.

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// The object in `text`; panics where the contract is broken.
pub fn object(text: &[u8]) -> Map<String, Value> {
    let text = std::str::from_utf8(text).expect("UTF-8");
    match serde_json::from_str::<Strict>(text) {
        Ok(Strict(Value::Object(members))) => members,
        Ok(Strict(other)) => panic!("no object: {other}"),
        Err(error) => panic!("{error}: {text}"),
    }
}

/// The object that members written one behind the other belong to.
pub fn members(write: impl FnOnce(&mut Vec<u8>)) -> Map<String, Value> {
    let mut out = vec![b'{'];
    write(&mut out);
    out.push(b'}');
    object(&out)
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Values).map(Strict)
    }
}

struct Values;

impl<'de> Visitor<'de> for Values {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without nulls")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = seq.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some((name, Strict(value))) = map.next_entry::<String, Strict>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format!("member {name} twice")));
            }
            members.insert(name, value);
        }
        Ok(members.into())
    }
}
