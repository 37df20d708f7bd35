//! A value of options as Serde reads it, which knows what to say of one that is wrong.

use serde::de::value::StringDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, Error, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde_json::{Map, Value, map};

use super::failure::Failure;

/// Reads a JSON object: null is as if the field were missing.
pub(crate) fn read<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    T::deserialize(Node { value, is_top: true })
}

struct Node {
    value: Value,
    is_top: bool,
}

impl Node {
    fn found(&self) -> Unexpected<'_> {
        match &self.value {
            Value::Null => Unexpected::Unit,
            Value::Bool(truth) => Unexpected::Bool(*truth),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => Unexpected::Unsigned(number),
                (None, Some(number)) => Unexpected::Signed(number),
                (None, None) => Unexpected::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => Unexpected::Str(text),
            Value::Array(_) => Unexpected::Seq,
            Value::Object(_) => Unexpected::Map,
        }
    }
}

impl<'de> Deserializer<'de> for Node {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(truth) => visitor.visit_bool(truth),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => visitor.visit_u64(number),
                (None, Some(number)) => visitor.visit_i64(number),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(array) => {
                let count = array.len();
                let mut items = Items { left: array.into_iter(), at: 0 };
                let read = visitor.visit_seq(&mut items)?;
                match items.left.len() {
                    0 => Ok(read),
                    _ => Err(Failure::invalid_length(count, &format!("a list of {}", items.at).as_str())),
                }
            }
            Value::Object(object) => visitor.visit_map(Fields::of(object, false)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let is_top = self.is_top;
        let Value::Object(mut object) = self.value else {
            return Err(Failure::invalid_type(self.found(), &"an object"));
        };
        if is_top {
            // One that is not known stays, to be refused.
            object.retain(|name, value| !value.is_null() || !names.contains(&name.as_str()));
        }
        visitor.visit_map(Fields::of(object, true))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        match self.value {
            Value::String(word) => visitor.visit_enum(StringDeserializer::new(word)),
            _ => Err(Failure::invalid_type(self.found(), &"a string")),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

struct Items {
    left: std::vec::IntoIter<Value>,
    at: usize,
}

impl<'de> SeqAccess<'de> for &mut Items {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        let Some(value) = self.left.next() else { return Ok(None) };
        let at = self.at;
        self.at += 1;
        seed.deserialize(Node { value, is_top: false }).map(Some).map_err(|e| e.within(&format!("[{at}]")))
    }
}

struct Fields {
    left: map::IntoIter,
    /// The value of the name that was given last.
    value: Option<(String, Value)>,
    /// Whether the names are ours, and not the caller's.
    is_ours: bool,
}

impl Fields {
    fn of(object: Map<String, Value>, is_ours: bool) -> Self {
        Self { left: object.into_iter(), value: None, is_ours }
    }
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        let Some((name, value)) = self.left.next() else { return Ok(None) };
        self.value = Some((name.clone(), value));
        let name: StringDeserializer<Failure> = name.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        let (name, value) = self.value.take().unwrap_or_default();
        seed.deserialize(Node { value, is_top: false }).map_err(|e| {
            let shown: String = name.chars().take(40).collect();
            e.within(&if self.is_ours { shown } else { format!("[{shown:?}]") })
        })
    }
}
